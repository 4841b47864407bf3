"""The map reads the tags of a run whichever version wrote them: its own modules, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser import Browser, Page
from logged_runs import LoggedRun

from bvtrack_server.document import PAGE

READ = """async (answers) => {
  const { readRuns } = await import("./run.js");
  const shown = (run) => ({ ...run, settings: Object.fromEntries(run.settings), tags: [...run.tags.keys()] });
  return [...readRuns(answers).runs.values()].map(shown);
}"""
ERRORS = {"train_error": 0.01, "dev_error": 0.11}
BEFORE = {"parameters": "42", "optimizer": "Adam", "learning_rate": "1e-05", "batch_norm": "True", "schedule": "none"}
NOW = '{"parameters":42,"optimizer":"Adam","learning_rate":1e-05,"batch_norm":true,"schedule":"none"}'


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page on the map's site."""
    page = browser.new_page()
    page.route("http://map.test/*.js", lambda route: route.fulfill(path=PAGE / route.request.url.split("/")[-1]))
    blank = '<script src="d3.min.js"></script>'
    page.route("http://map.test/", lambda route: route.fulfill(body=blank, content_type="text/html"))
    page.goto("http://map.test/")
    yield page
    page.context.close()


def read(page: Page, **tags: str) -> dict[str, Any]:
    (found,) = page.evaluate(READ, [LoggedRun("run", ERRORS, tags=tags).in_rest_shape()])
    return dict(found)


def test_the_facts_of_a_model_are_the_same_in_one_tag_as_in_many(page: Page) -> None:
    before = read(page, **{f"bvtrack.model.{name}": text for name, text in BEFORE.items()})
    now = read(page, **{"bvtrack.model": NOW})

    assert now["settings"] == before["settings"]
    assert now["settings"]["batch_norm"] == "True"
    assert "bvtrack.model" not in now["tags"]  # offered as a filter


@pytest.mark.parametrize("text", ["", "[]", "5", "null", '"Adam"', "[" * 8000, '{"optimizer": {"name": []}}', "{"])
def test_whatever_the_tag_says_the_run_is_read(text: str, page: Page) -> None:
    found = read(page, **{"bvtrack.model": text})

    assert (found["name"], found["diagnosis"]) == ("run", "high_variance")


def test_without_its_id_the_first_step_is_the_first_of_the_line_of_all(page: Page) -> None:
    found = read(page, **{"bvtrack.next_step": "", "bvtrack.recipe": "Get more training data > Regularise"})

    assert found["nextStep"] == "Get more training data"


@pytest.mark.parametrize(
    ("model", "title"),
    [
        ('{"kind": "trees"}', "Grow larger trees"),
        ('{"family": "RandomForestClassifier"}', "Let the model fit more"),
        ('{"optimizer": "Adam"}', "Train a bigger network"),
        ("[]", "Train a bigger network"),
    ],
)
def test_a_step_is_in_the_words_of_the_models_family(model: str, title: str, page: Page) -> None:
    found = read(page, **{"bvtrack.next_step": "bigger_network", "bvtrack.recipe": "", "bvtrack.model": model})

    assert found["nextStep"] == title
