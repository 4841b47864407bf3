"""The map's own modules, and the map as a file, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import Browser, Page
from logged_runs import LoggedRun

from bvtrack_server import render_map
from bvtrack_server.document import PAGE

Answer = dict[str, Any]
"""A run as MLflow's REST API answers it."""


def answered(run: LoggedRun, *, sets: dict[str, str] | None = None, n_epochs: int | None = None, **counts: int) -> Answer:
    """A run with datasets of these digests and numbers of examples, and a dev error for each epoch."""
    answer: Answer = run.in_rest_shape()
    inputs = [
        {
            "tags": [{"key": "mlflow.data.context", "value": name}, {"key": "bvtrack.n", "value": str(counts.get(name, ""))}],
            "dataset": {"name": name, "digest": digest},
        }
        for name, digest in (sets or {}).items()
    ]
    metrics = [{"key": "bvtrack/dev_error", "value": 0.1, "step": n_epochs - 1}] if n_epochs else []
    return {**answer, "data": {**answer["data"], "metrics": metrics}, "inputs": {"dataset_inputs": inputs}}


@contextmanager
def modules_in(browser: Browser) -> Iterator[Page]:
    """An empty page on the map's site, which can import its modules."""
    page = browser.new_page()
    page.route("http://map.test/*.js*", lambda route: route.fulfill(path=PAGE / route.request.url.split("/")[-1]))
    blank = '<script src="d3.min.js"></script>'
    page.route("http://map.test/", lambda route: route.fulfill(body=blank, content_type="text/html"))
    page.goto("http://map.test/")
    yield page
    page.context.close()


@contextmanager
def map_of(browser: Browser, folder: Path, runs: Sequence[LoggedRun | Answer], **context: Any) -> Iterator[Page]:
    """The map of these runs, on which nothing may go wrong, not even in the console."""
    answers = [run.in_rest_shape() if isinstance(run, LoggedRun) else run for run in runs]
    (folder / "map.html").write_text(render_map(answers, title="Runs", tracking_uri=None))
    page = browser.new_page(**{"viewport": {"width": 1400, "height": 860}, **context})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.goto((folder / "map.html").as_uri())
    yield page
    page.context.close()
    assert problems == []


def rows_of(page: Page) -> dict[str, str]:
    """The text of each row by the name of its run."""
    rows = page.locator("#rows tr[data-id]").all()
    return {row.locator("td.run").locator("a, span").inner_text(): row.inner_text() for row in rows}
