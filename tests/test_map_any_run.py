"""Runs with anything for tags, params, ids and times, among good ones in a real browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from browser import Browser, Page
from hypothesis import given, settings
from hypothesis import strategies as st
from logged_runs import LoggedRun

from bvtrack_server.document import PAGE

TEAM = LoggedRun("", {"train_error": 0.01, "dev_error": 0.11, "n_dev": 5000}, {"lr": "0.01", "width": "64"}, experiment=4711)
GOOD = [
    replace(TEAM, name="overfit", id="1", started=10**12),
    replace(TEAM, name="biased", id="2", errors={"train_error": 1.0, "dev_error": 0.0}, params={"lr": "0.1", "width": "64"}),
    replace(TEAM, name="wide", id="3", errors={"train_error": 0.0, "dev_error": 1.0}, params={"lr": "0.1", "width": "8"}),
    replace(TEAM, name="above", id="4", errors={"train_error": 0.0, "dev_error": 0.1, "human_error": 1.0}, params={}),
    replace(TEAM, name="training", id="5", status="RUNNING", params={"depth": "1"}),
    replace(TEAM, name="deep", id="6", params={"depth": "2"}),
]
"""They reach as far as gaps can, so that what others have for a gap moves none of them."""
GOOD_RUNS = [run.in_rest_shape() for run in GOOD]

ANSWERED_BY_THE_TEST = """
Object.defineProperty(document, "hidden", { get: () => true });  // so that nothing is asked in between
window.answers = {
  "../ajax-api/2.0/mlflow/experiments/search": '{"experiments": [null, {"experiment_id": "0", "name": "Default"}]}',
};
const RUNS = "../ajax-api/2.0/mlflow/runs/search";
const ask = window.fetch;
window.fetch = async (address) => (address.startsWith("..") ? new Response(window.answers[address] ?? "{}") : ask(address));
window.shown = async (answer) => {
  window.answers[RUNS] = answer;
  const [summary, problem] = ["summary", "problem"].map((id) => document.getElementById(id));
  summary.textContent = problem.textContent = "";
  document.getElementById("time").dispatchEvent(new Event("change", { bubbles: true }));
  const end = performance.now() + 5000;
  while (!summary.textContent && !problem.textContent && performance.now() < end) await new Promise((done) => setTimeout(done));
  const row = (run) => {
    run.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    const mark = document.querySelector(".marked circle");
    return [run.dataset.id, run.innerText, mark?.getAttribute("cx"), mark?.getAttribute("cy")];
  };
  return {
    summary: summary.textContent,
    problem: problem.textContent,
    rows: [...document.querySelectorAll("#rows tr[data-id]")].map(row),
    changes: [...document.querySelectorAll("#changes-rows tr")].map((change) => change.innerText),
    regions: document.getElementById("caption").textContent.split("%.")[0],
  };
};
"""

Json = st.SearchStrategy[Any]
INHERITED = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "prototype"]
OURS = ["bvtrack.diagnosis", "bvtrack.certainty", "bvtrack.recipe", "bvtrack.model.width", "lr", "width", "depth", ""]
ODD_TEXTS = ["\u202e\0", "\ud800", "x" * 8000, "NaN", "1e400", "</td>", "high_bias+", "certain", "[" * 8000]
ODD_NUMBERS = [0, -1, 0.05, 1e300, -1e300, 5e-324, 2**53, 2**63, 10**400, time.time_ns()]
TEXTS = st.one_of(st.sampled_from(INHERITED + ODD_TEXTS), st.text(max_size=9))
KEYS = st.one_of(st.sampled_from(INHERITED + OURS), TEXTS)
NUMBERS = st.one_of(st.sampled_from(ODD_NUMBERS), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ANYTHING = st.recursive(
    SCALARS, lambda some: st.one_of(st.lists(some, max_size=3), st.dictionaries(KEYS, some, max_size=3)), max_leaves=4
)
FRACTIONS = st.floats(-1, 1)
ERRORS = st.one_of(FRACTIONS, NUMBERS, ANYTHING)
PAIR = st.fixed_dictionaries({"key": KEYS, "value": TEXTS})
EACH = st.fixed_dictionaries
"""An object with each of these fields."""


def some(fields: dict[str, Json]) -> Json:
    """An object with some of these fields, or none at all."""
    return st.one_of(st.fixed_dictionaries({}, optional=fields), ANYTHING)


def tag(key: str, values: Json) -> Json:
    return st.fixed_dictionaries({"key": st.just(key), "value": values})


def runs_of(objects: Callable[[dict[str, Json]], Json], lists: Callable[[Json], Json]) -> Json:
    """Runs as MLflow answers them, whose objects and lists are filled so, and everything else by anything."""
    gap = st.one_of(lists(ERRORS), st.lists(FRACTIONS, min_size=1, max_size=3))
    gaps, errors = objects({"avoidable_bias": gap, "variance": gap}), objects({"train": ERRORS, "dev": ERRORS})
    said = objects({"gaps": gaps, "errors": errors, "n": objects({"dev": ANYTHING}), "human": st.one_of(ERRORS, TEXTS)})
    ours = st.tuples(tag("bvtrack.gaps", said.map(json.dumps)), tag("bvtrack.diagnosis", TEXTS), PAIR, PAIR)
    texts, start = {"run_name": ANYTHING, "experiment_id": ANYTHING, "status": ANYTHING}, st.one_of(NUMBERS, ANYTHING)
    info = objects({"run_id": TEXTS, "start_time": start, **texts})
    return objects({"info": info, "data": objects({"tags": st.one_of(ours, ours, lists(PAIR)), "params": lists(PAIR)})})


RUN = st.one_of(
    runs_of(EACH, lambda items: st.lists(items, min_size=1, max_size=4)),
    runs_of(some, lambda items: st.one_of(st.lists(st.one_of(items, ANYTHING), max_size=4), ANYTHING)),
)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """The map, whose runs are what `window.shown` is told that MLflow answers."""
    page = browser.new_page(viewport={"width": 1400, "height": 1400})
    page.route(
        "http://map.test/**", lambda route: route.fulfill(path=PAGE / (route.request.url.split("/")[-1] or "index.html"))
    )
    page.add_init_script(ANSWERED_BY_THE_TEST)
    page.goto("http://map.test/")
    page.add_style_tag(
        content="#map { flex: none; width: 800px; } #plot { flex: none; height: 600px; }"
    )  # whatever the legend holds
    page.get_by_label("Arrows between runs").check()
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def problems(page: Page) -> list[str]:
    """What goes wrong in the page."""
    noticed: list[str] = []
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("console", lambda message: noticed.append(message.text) if message.type in ("error", "warning") else None)
    return noticed


def shown(page: Page, runs: list[Any]) -> dict[str, Any]:
    """What the page shows of these runs, each row by its id."""
    found: dict[str, Any] = page.evaluate("answer => window.shown(answer)", json.dumps({"runs": runs}))
    return found


def has_id(run: Any) -> bool:
    """Whether this can be read as a run: it has an id."""
    return isinstance(run, dict) and isinstance(run.get("info"), dict) and isinstance(run["info"].get("run_id"), str)


def numbered(runs: list[Any]) -> list[Any]:
    """The runs with no id twice: of two with one id, MLflow has only one."""
    for number, run in enumerate(runs):
        if has_id(run):
            run["info"]["run_id"] = f"odd {number} {run['info']['run_id']}"
    return runs


@pytest.fixture(scope="module")
def alone(page: Page) -> dict[str, Any]:
    """What the page shows of the good runs by themselves."""
    shown(page, GOOD_RUNS)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")  # until the plot has its size
    return shown(page, GOOD_RUNS)


@settings(max_examples=150, deadline=None)
@given(hostile=st.lists(RUN, min_size=1, max_size=4).map(numbered))
def test_whatever_a_run_holds_the_others_stay_as_they_are_and_it_is_a_row_or_counted(
    hostile: list[Any], page: Page, problems: list[str], alone: dict[str, Any]
) -> None:
    problems.clear()
    found = shown(page, [*hostile[::2], *GOOD_RUNS, *hostile[1::2]])

    assert [row for row in found["rows"] if row[0] in "123456"] == alone["rows"]
    assert set(alone["changes"]) <= set(found["changes"])
    assert (found["regions"], found["problem"], problems) == (alone["regions"], "", [])
    n_read = sum(map(has_id, hostile))
    counted = re.search(r"(\d+) runs? could not be read", found["summary"])
    assert int(counted[1] if counted else 0) == len(hostile) - n_read
    assert len(found["rows"]) == len(GOOD) + n_read
    assert found["summary"].startswith(f"{len(GOOD) + n_read} runs")
    by_themselves = shown(page, hostile)
    assert (len(by_themselves["rows"]), by_themselves["problem"], problems) == (n_read, "", [])


def test_the_good_runs_are_all_there(alone: dict[str, Any]) -> None:
    assert {name.split("\t")[0] for _, name, *_ in alone["rows"]} == {run.name for run in GOOD}
    assert len({(x, y) for _, _, x, y in alone["rows"] if x is not None}) == 4
    assert (len(alone["changes"]), alone["summary"]) == (3, "6 runs")
