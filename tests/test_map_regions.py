"""Symbols lie in the regions that have their names, or their cards say why not: the map's own modules, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Page, expect
from hypothesis import example, given, settings
from hypothesis import strategies as st
from logged_runs import LoggedRun
from map_pages import modules_in

from bvtrack_server import render_map
from bvtrack_server.regions import GIVEN, Baseline

GROUNDS = """async (answers) => {
  const modules = ["./run.js", "./regions.js", "./grounds.js"].map((name) => import(name));
  const [{ readRuns }, { regionsFor }, { isElsewhere, groundsInWords }] = await Promise.all(modules);
  window.stored ??= await (await fetch("regions.json")).json();
  return [...readRuns(answers).runs.values()].map((run) => {
    const regions = { baseline: run.baseline, columns: regionsFor(window.stored, run.baseline) };
    return isElsewhere(run, regions.columns) ? groundsInWords(run, regions) : null;
  });
}"""
SURE = {"n_train": 50_000, "n_dev": 50_000}
NEAR_BORDERS = st.sampled_from([0.0005, 0.01, 0.015, 0.02, 0.04, 0.05, 0.1, 0.2])
GAPS = st.one_of(
    st.floats(-1, 1),
    st.floats(-0.1, 0.1),
    st.builds(
        lambda border, sign, beside: sign * border + beside, NEAR_BORDERS, st.sampled_from([-1, 1]), st.floats(-2e-4, 2e-4)
    ),
)
HUMANS = st.one_of(st.sampled_from([human for human in GIVEN if human <= 0.5]), st.floats(0, 0.5), st.floats(0, 0.1))
BASELINES = st.one_of(
    st.just(Baseline("assumed")), st.just(Baseline("none")), st.builds(Baseline, st.sampled_from(["given", "reached"]), HUMANS)
)


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    with modules_in(browser) as page:
        yield page


def run_of(errors: dict[str, Any], **tags: str) -> LoggedRun:
    return LoggedRun("run", errors, tags=tags)


def grounds(page: Page, *runs: LoggedRun) -> list[str | None]:
    """Why each is diagnosed otherwise than the region it lies in, where the regions are drawn for its own baseline."""
    found: list[str | None] = page.evaluate(GROUNDS, [run.in_rest_shape() for run in runs])
    return found


def judged(baseline: Baseline, **errors: float) -> LoggedRun:
    """A run with these errors against this baseline."""
    human = baseline.human if baseline.kind in ("given", "reached") else None
    how = {"human_error": human, "is_error_rate": baseline.kind != "none", "is_upper_bound": baseline.kind == "reached"}
    return run_of({**errors, **how})


@settings(max_examples=400, deadline=None)
@given(baseline=BASELINES, bias=GAPS, variance=GAPS)
@example(baseline=Baseline("assumed"), bias=0.03, variance=0.0)  # undetermined: an assumed bias
@example(baseline=Baseline("assumed"), bias=0.08, variance=-0.05)  # high_bias+easier_dev
@example(baseline=Baseline("none"), bias=0.3, variance=0.02)  # undetermined: no bias is assumed
@example(baseline=Baseline("given"), bias=0.03, variance=0.0)
@example(baseline=Baseline("given", 0.0234), bias=0.001, variance=-0.002)  # beyond_human
@example(baseline=Baseline("given", 0.0234), bias=-0.015, variance=0.03)  # partly below the human error
@example(baseline=Baseline("given", 0.0234), bias=0.0106, variance=0.0122)  # a bias in company
@example(baseline=Baseline("reached", 0.0234), bias=-0.01, variance=0.015)  # high_variance: all of it could be closed
@example(baseline=Baseline("reached", 0.0234), bias=0.001, variance=-0.002)  # balanced, not beyond_human
@example(baseline=Baseline("reached", 0.1037), bias=-0.0955, variance=0.01)  # where the threshold bends
def test_without_counts_a_symbol_lies_in_the_region_of_its_tag(
    baseline: Baseline, bias: float, variance: float, modules: Page
) -> None:
    train = min(max(baseline.human + bias, 0.0), 1.0)
    dev = min(max(train + variance, 0.0), 1.0)

    assert grounds(modules, judged(baseline, train_error=train, dev_error=dev)) == [None]


ELSEWHERE = {
    "few examples": (run_of({"train_error": 0.1, "dev_error": 0.14, "n_train": 100, "n_dev": 100}), "intervals"),
    "a dev set easier by chance": (run_of({"train_error": 0.1, "dev_error": 0.05, "n_train": 100, "n_dev": 100}), "intervals"),
    "a bias by chance": (run_of({"train_error": 0.06, "dev_error": 0.06, "human_error": 0.04, "n_train": 100}), "intervals"),
    "a test error": (run_of({"train_error": 0.01, "dev_error": 0.015, "test_error": 0.08}), "test error"),
    "a train-dev error": (run_of({"train_error": 0.01, "dev_error": 0.1, "train_dev_error": 0.015}), "train-dev error"),
    "an assumed bias by chance": (run_of({"train_error": 0.0625, "dev_error": 0.0625, "n_train": 16}), "intervals"),
    "a variance by chance below the best run's error": (
        judged(Baseline("reached", 0.1), train_error=0.02, dev_error=0.05, n_train=100, n_dev=100),
        "intervals",
    ),
    "a training that diverged": (run_of({"train_error": 0.3, "dev_error": 0.31}, **{"bvtrack.diagnosis": "diverged"}), "curve"),
    "an earlier rule": (
        run_of({"train_error": 0.03, "dev_error": 0.03}, **{"bvtrack.diagnosis": "high_bias", "bvtrack.version": "0.0.9"}),
        "the rule of bvtrack 0.0.9",
    ),
    "a problem that nobody knows": (
        run_of({"train_error": 0.0, "dev_error": 0.0}, **{"bvtrack.diagnosis": "x"}),
        "another rule",
    ),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_a_symbol_in_another_region_says_by_what_it_is_judged(case: str, modules: Page) -> None:
    run, expected = ELSEWHERE[case]
    (words,) = grounds(modules, run)

    assert words is not None
    assert expected in words


BIASED = {"train_error": 0.03, "dev_error": 0.031, **SURE}
"""Undetermined, or high bias, by whether a human error of 0 or 1 % was assumed or known."""


@pytest.mark.parametrize(
    ("drawn", "caption", "other", "words"),
    [
        (Baseline("assumed"), "against an assumed human error of 0.0 %", Baseline("given"), "By a human error of 0.0 %"),
        (Baseline("given"), "against a human error of 0.0 %", Baseline("assumed"), "By an assumed human error of 0.0 %"),
        (
            Baseline("given", 0.0134),
            "against a human error of 1.3 %",
            Baseline("assumed"),
            "By an assumed human error of 0.0 %",
        ),
        (Baseline("reached", 0.01), "against the best other run's error of 1.0 %", Baseline("none"), "By 1 - val_r2, of which"),
        (Baseline("none"), "against no human error", Baseline("reached", 0.01), "By the best other run's error of 1.0 %"),
    ],
)
def test_the_regions_are_those_of_the_baseline_that_most_runs_have(
    drawn: Baseline, caption: str, other: Baseline, words: str, browser: Browser, tmp_path: Path
) -> None:
    measure = {"bvtrack.measure": "1 - val_r2"}
    of_most = [replace(judged(drawn, **BIASED), name="one of most", id=str(n), tags=measure) for n in range(2)]
    another = replace(judged(other, **BIASED), name="another", tags=measure)
    page = opened(browser, tmp_path, [*of_most, another])

    expect(page.locator("#caption")).to_contain_text(caption)
    expect(page.locator("#caption")).to_contain_text("1 run is judged by more than this map shows")
    cell = page.locator("#rows tr", has_text="another").locator("td").nth(1)
    assert words in str(cell.get_attribute("title"))


def test_the_card_says_it_and_a_run_in_its_own_region_has_nothing_to_say(browser: Browser, tmp_path: Path) -> None:
    few = replace(run_of({"train_error": 0.1, "dev_error": 0.14, "n_train": 100, "n_dev": 100}), name="few")
    page = opened(browser, tmp_path, [run_of(BIASED)])
    page.locator("#plot").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#card")).to_contain_text("Undetermined")
    assert "Judged" not in page.locator("#card").inner_text()
    page = opened(browser, tmp_path, [few])
    page.locator("#plot").focus()
    page.keyboard.press("ArrowUp")

    expect(page.locator("#card")).to_contain_text("By its place on the map it would be: high bias + high variance.")
    expect(page.locator("#said")).to_contain_text("Judged: By its intervals")


def test_an_easier_dev_set_behind_a_problem_is_of_that_problem_and_alone_of_a_kind_of_its_own(
    browser: Browser, tmp_path: Path
) -> None:
    behind = replace(run_of({"train_error": 0.2, "dev_error": 0.1}), name="behind")
    alone = replace(run_of({"train_error": 0.03, "dev_error": 0.01}), name="alone")
    page = opened(browser, tmp_path, [behind, alone])

    expect(page.locator("#rows tr", has_text="behind")).to_contain_text("High bias + easier dev")
    assert [text.split("\n")[0] for text in page.locator("#legend label:visible").all_inner_texts()] == [
        "High bias",
        "Easier dev set",
    ]
    page.get_by_label("Easier dev set").uncheck()
    expect(page.locator("#summary")).to_have_text("1 run")


def test_a_diagnosis_can_be_filtered_by_each_of_its_parts(browser: Browser, tmp_path: Path) -> None:
    both = replace(run_of({"train_error": 0.15, "dev_error": 0.3}), name="both")
    variance = replace(run_of({"train_error": 0.01, "dev_error": 0.3}), name="variance")
    page = opened(browser, tmp_path, [both, variance])
    page.locator("#tag-name").select_option("bvtrack.diagnosis")

    offered = page.locator("#tag-value option").all_inner_texts()
    assert offered == ["high_variance (2)", "high_bias+high_variance (1)", "high_bias (1)"]
    page.locator("#tag-value").select_option("high_bias")
    expect(page.locator("#rows tr[data-id]")).to_have_count(1)


def opened(browser: Browser, folder: Path, runs: list[LoggedRun]) -> Page:
    (folder / "map.html").write_text(render_map([run.in_rest_shape() for run in runs], title="Regions", tracking_uri=None))
    page = browser.new_page(viewport={"width": 1400, "height": 860})
    page.goto((folder / "map.html").as_uri())
    return page
