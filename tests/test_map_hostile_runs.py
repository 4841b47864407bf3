"""One run that others wrote by hand, beside three good ones: it is shown as what it is or counted, and nothing else changes."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser, Page, expect
from logged_runs import LoggedRun, log_runs
from mlflow import MlflowClient
from servers import running

from bvtrack_server import render_map

GOOD = (
    LoggedRun("biased", {"train_error": 0.15, "dev_error": 0.16, "n_dev": 5000}, {"lr": "0.01", "width": "8"}),
    LoggedRun("overfit", {"train_error": 0.01, "dev_error": 0.11, "n_dev": 5000}, {"lr": "0.01", "width": "64"}),
    LoggedRun("good", {"train_error": 0.01, "dev_error": 0.01, "n_dev": 50_000}, {"lr": "0.1", "width": "64"}),
)
ERRORS = GOOD[1].errors
INHERITED = ("constructor", "__proto__", "hasOwnProperty", "toString")
UNKNOWN = "\u2013"
OBJECT = {"toString": 1, "valueOf": 2}


def gaps(**changed: object) -> dict[str, str]:
    return {"bvtrack.gaps": json.dumps(json.loads(GOOD[1].all_tags()["bvtrack.gaps"]) | changed)}


ODD = {
    "a diagnosis called constructor": LoggedRun("odd", ERRORS, tags={"bvtrack.diagnosis": "constructor"}),
    "names that all objects have": LoggedRun("odd", ERRORS, dict.fromkeys(INHERITED, "1"), dict.fromkeys(INHERITED, "1")),
    "objects for numbers": LoggedRun("odd", ERRORS, tags=gaps(n={"dev": OBJECT}, errors=OBJECT, human=OBJECT)),
    "a negative count": LoggedRun("odd", ERRORS, tags=gaps(n={"dev": -5}, human=5)),
    "a gap of 1e300": LoggedRun("odd", ERRORS, tags=gaps(gaps={"avoidable_bias": [1e300, 0, 1], "variance": [0.1, 0, 1e300]})),
    "gaps nested deeply": LoggedRun("odd", ERRORS, tags={"bvtrack.gaps": "[" * 3990 + "]" * 3990}),
    "a start in nanoseconds": LoggedRun("odd", ERRORS, tags={"started": str(time.time_ns())}),
    "a start in microseconds": LoggedRun("odd", ERRORS, tags={"started": str(time.time_ns() // 1000)}),
    "a start before all time": LoggedRun("odd", ERRORS, tags={"started": str(-(2**62))}),
    "a name from right to left": LoggedRun("\u202e\u0001odd\u200f" + "x" * 200, ERRORS),
    "long texts": LoggedRun("odd", ERRORS, {"p" * 250: "x" * 6000}, {"bvtrack.diagnosis": "x" * 8000, "long": "y" * 8000}),
}
"""By the experiment that each is in; the tag `started` is where it begins."""


@pytest.fixture(scope="module")
def address(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The map of a store with an experiment for each odd run, which three good ones are in, too."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    store = f"sqlite:///{folder}/mlflow.db"
    for name, odd in ODD.items():
        odd.experiment = int(MlflowClient(store).create_experiment(name))
        log_runs(store, [*(replace(run, experiment=odd.experiment, id=f"{name} {run.id}") for run in GOOD), odd])
    log_runs(store, [LoggedRun("newest", ERRORS)])
    start_oddly(folder / "mlflow.db")
    with running(store, folder, "--app-name", "bvtrack") as server:
        yield f"{server.uri}/bvtrack/"


def start_oddly(path: Path) -> None:
    """Give the runs that have a tag `started` that start."""
    with closing(sqlite3.connect(path)) as database, database:
        starts = database.execute("SELECT value, run_uuid FROM tags WHERE key = 'started'").fetchall()
        database.executemany("UPDATE runs SET start_time = ? WHERE run_uuid = ?", starts)


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """A page on which nothing may fail, not even in the console."""
    page = browser.new_page(viewport={"width": 1400, "height": 860})
    problems = watched(page)
    page.goto(address)
    expect(page.locator("#summary")).to_have_text("1 run")
    page.get_by_label("Arrows between runs").check()
    yield page
    page.context.close()
    assert problems == []


def watched(page: Page) -> list[str]:
    """What will go wrong on this page."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    return problems


def test_the_map_opens_where_the_newest_run_is_not_where_one_is_from_times_to_come(address: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(address)

    expect(page.locator("#summary")).to_have_text("1 run")
    expect(page.get_by_label("Experiment")).to_have_value("0")
    page.context.close()


def choose(page: Page, experiment: str) -> None:
    page.get_by_label("Experiment").select_option(experiment)
    expect(page.locator(f"#rows tr[data-id^='{experiment}']")).to_have_count(len(GOOD))


def cells(page: Page, experiment: str) -> dict[str, str]:
    """What the table says of the odd run, by column."""
    choose(page, experiment)
    columns = page.locator("#columns th").all_inner_texts()
    return dict(zip(columns, page.locator("#rows tr[data-id]", has_text="odd").locator("td").all_inner_texts(), strict=True))


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_run_is_a_row_beside_the_others(odd: str, opened: Page) -> None:
    choose(opened, odd)
    for row in opened.locator("#rows tr[data-id]").all():
        row.hover()
    for name in opened.locator("#tag-name option").evaluate_all("options => options.map(({ value }) => value)"):
        opened.locator("#tag-name").select_option(name)
    opened.locator("#tag-name").select_option("")

    expect(opened.locator("#rows tr[data-id]")).to_have_count(4)
    expect(opened.locator("#summary")).to_have_text(re.compile(r"4 runs(, 1 without a place on the map)?"))
    expect(opened.get_by_role("alert")).to_be_hidden()
    assert opened.locator("#changes-rows tr").count() == 2


def test_what_is_odd_is_shown_as_what_it_is(opened: Page) -> None:
    assert cells(opened, "a diagnosis called constructor")["Diagnosis"] == "Constructor"
    assert cells(opened, "a start in nanoseconds")["Started"] == UNKNOWN
    assert cells(opened, "a negative count")["Dev examples"] == UNKNOWN


def test_a_gap_that_is_none_has_no_place_and_takes_no_room_from_the_others(opened: Page) -> None:
    assert cells(opened, "a gap of 1e300")["Bias"] == UNKNOWN
    expect(opened.locator("#summary")).to_have_text("4 runs, 1 without a place on the map")
    assert opened.locator(".axis.across text").all_text_contents()[-1] == "10"


def test_a_run_that_the_browser_fails_to_draw_is_left_out_and_counted(browser: Browser, tmp_path: Path) -> None:
    runs = [run.in_rest_shape() for run in GOOD] + [LoggedRun("undrawn", GOOD[0].errors, started=13).in_rest_shape()]
    (tmp_path / "map.html").write_text(render_map(runs, title="Odd", tracking_uri=None))
    page = browser.new_page()
    problems = watched(page)
    page.add_init_script(
        "Intl.DateTimeFormat = class { format(time) { if (time === 13) throw new RangeError(); return String(time); } };"
    )
    page.goto((tmp_path / "map.html").as_uri())

    expect(page.locator("#summary")).to_have_text("3 runs, 1 run could not be read")
    assert page.locator("#rows tr[data-id]").count() == 3
    assert problems == []
