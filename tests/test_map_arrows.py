"""Arrows join runs of which one parameter can have made the difference, and words say of the others why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Page
from logged_runs import LoggedRun
from map_pages import Answer, answered, map_of, modules_in

CHANGES = """async (answers) => {
  const [{ readRuns }, { changesBetween, changeInWords }] = await Promise.all([import("./run.js"), import("./changes.js")]);
  return changesBetween([...readRuns(answers).runs.values()]).map((change) => [changeInWords(change), change.against]);
}"""
ERRORS = {"train_error": 0.1, "dev_error": 0.2}
SETS = {"train": "t", "dev": "d"}


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    with modules_in(browser) as page:
        yield page


def a_run(lr: str, *, params: dict[str, str] | None = None, tags: dict[str, str] | None = None, **more: Any) -> Answer:
    run = LoggedRun(f"lr {lr}", ERRORS, {"lr": lr, **(params or {})}, {"bvtrack.measure": "1 - val_acc", **(tags or {})})
    return answered(run, **{"sets": SETS, "n_epochs": 10, **more})


def changes(page: Page, *runs: Answer) -> list[tuple[str, str | None]]:
    return [tuple(change) for change in page.evaluate(CHANGES, list(runs))]


@pytest.mark.parametrize(
    ("other", "against"),
    [
        ({}, None),
        ({"n_epochs": 15}, None),
        ({"n_epochs": 16}, "another length (10 and 16 epochs)"),
        ({"n_epochs": None}, "the number of epochs is known of one alone"),
        ({"n_epochs": None, "tags": {"bvtrack.epoch": "9"}}, None),
        ({"n_epochs": None, "tags": {"bvtrack.epoch": "99"}}, "another length (10 and 100 epochs)"),
        ({"sets": {"train": "t", "dev": "other"}}, "another dev set"),
        ({"sets": {"train": "other", "dev": "d"}}, "another train set"),
        ({"sets": {"train": "t"}}, "the dev set is known of one alone"),
        ({"sets": {"training": "t", "validation": "d"}}, None),
        ({"sets": {"train": "t", "eval": "d"}}, None),
        ({"tags": {"bvtrack.measure": "1 - val_accuracy (train: as logged)"}}, None),
        ({"tags": {"bvtrack.measure": "1 - val_f1"}}, "another measure (1 - val_f1)"),
        ({"params": {"momentum": "0.9"}}, "no pair"),
    ],
)
def test_an_arrow_joins_runs_on_the_same_data_by_one_measure_and_of_like_length(
    other: dict[str, Any], against: str | None, modules: Page
) -> None:
    found = changes(modules, a_run("0.1"), a_run("0.2", **other))

    assert found == ([] if against == "no pair" else [("lr: 0.1 → 0.2", against)])


def test_where_neither_data_nor_lengths_are_known_runs_are_compared_as_they_are(modules: Page) -> None:
    unknown: dict[str, Any] = {"sets": None, "n_epochs": None}

    assert changes(modules, a_run("0.1", **unknown), a_run("0.2", **unknown)) == [("lr: 0.1 → 0.2", None)]


def test_what_a_parameter_sets_may_differ_by_it(modules: Page) -> None:
    short, long = (a_run("0.1", params={"max_epochs": str(n)}, n_epochs=n) for n in (10, 50))
    few, many = (
        a_run("0.1", params={"n_train": str(n)}, sets={"train": f"first {n}", "dev": "d"}, train=n) for n in (500, 5000)
    )

    assert changes(modules, short, long) == [("max_epochs: 10 → 50", None)]
    assert changes(modules, few, many) == [("n_train: 500 → 5000", None)]


def test_an_arrow_passes_over_a_run_on_other_data_and_the_latest_comparable_one_is_joined(modules: Page) -> None:
    on_others = {"sets": {"train": "t", "dev": "other"}}
    found = changes(modules, a_run("0.1"), a_run("0.2", **on_others), a_run("0.3", n_epochs=99), a_run("0.3"))

    assert found == [("lr: 0.1 → 0.3", None), ("lr: 0.2 → 0.3", "another dev set")]


def test_the_facts_in_one_tag_serve_for_parameters_as_the_many_of_earlier_versions(modules: Page) -> None:
    now = [
        LoggedRun("now", ERRORS, tags={"bvtrack.model": f'{{"dropout":{rate},"optimizer":"Adam","x":null}}'})
        for rate in (0, 0.5)
    ]
    before = [LoggedRun("before", ERRORS, tags={"bvtrack.model.dropout": rate}) for rate in ("0", "0.5")]

    for runs in (now, before):
        assert changes(modules, *map(answered, runs)) == [("dropout: 0 → 0.5", None)]


def test_a_pair_without_an_arrow_is_a_row_that_says_why(browser: Browser, tmp_path: Path) -> None:
    runs = [a_run("0.1"), a_run("0.2"), a_run("0.3", sets={"train": "t", "dev": "other"})]
    with map_of(browser, tmp_path, runs) as page:
        page.get_by_label("Arrows between runs").check()
        rows = [row.split("\t") for row in page.locator("#changes-rows tr").all_inner_texts()]

        assert rows == [["lr: 0.1 → 0.2", "0.0", "0.0"], ["lr: 0.2 → 0.3", "no arrow: another dev set"]]
        assert page.locator(".arrows path").count() == 1
        assert page.locator("#changes-mean").inner_text() == "1 pair has no arrow: see below."


def test_where_no_two_runs_are_a_pair_the_page_says_so(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, [a_run("0.1"), a_run("0.2", params={"momentum": "0.9"})]) as page:
        page.get_by_label("Arrows between runs").check()

        assert page.locator("#changes-mean").inner_text() == "No two of these runs differ in exactly one parameter."
