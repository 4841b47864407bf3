"""On the map a configuration is one symbol with a spread, into which its repeats are folded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from browser import Browser, Page, expect, settled_box
from logged_repeats import LoggedConfiguration
from logged_runs import LoggedRun
from map_pages import map_of, rows_of

WIDE = LoggedConfiguration("wide", [(0.010, 0.10), (0.012, 0.13), (0.008, 0.11), (0.011, 0.12)], {"width": "64"})
SMALL = LoggedConfiguration("small", [(0.15, 0.160), (0.16, 0.165), (0.17, 0.170)], {"width": "8"})
SINGLE = LoggedRun("single", {"train_error": 0.01, "dev_error": 0.01, "n_train": 50_000, "n_dev": 50_000})
INK = """() => {
  const canvas = document.getElementById("points");
  const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return all.reduce((sum, value, place) => sum + (place % 4 === 3 && value > 0), 0);
}"""
"""The number of pixels that are drawn on."""


def all_runs() -> list[LoggedRun]:
    return [*WIDE.runs(), *SMALL.runs(), SINGLE]


def hovered(page: Page, name: str) -> None:
    page.locator("#rows tr[data-id]").filter(has=page.get_by_title(name, exact=True)).hover()


def unfold(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(rf" of {name}$")).click()


def test_the_table_the_legend_and_the_filters_count_a_configuration_once(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, all_runs()) as page:
        expect(page.locator("#summary")).to_have_text("1 run and 2 configurations of 7 repeats")
        assert sorted(rows_of(page)) == ["single", "small", "wide"]
        expect(page.get_by_label("Outlined twice").locator("xpath=..")).to_contain_text("2")
        page.locator("#tag-name").select_option("bvtrack.diagnosis")
        page.locator("#tag-value").select_option("high_variance")

        expect(page.locator("#summary")).to_have_text("1 configuration of 4 repeats")


def test_the_legends_entry_hides_configurations_with_their_repeats(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, all_runs()) as page:
        page.get_by_label("Outlined twice").uncheck()

        expect(page.locator("#summary")).to_have_text("1 run")
        alone = page.evaluate(INK)
    with map_of(browser, tmp_path, [SINGLE]) as page:
        assert page.evaluate(INK) == pytest.approx(alone, rel=0.05)
        expect(page.get_by_label("Outlined twice")).to_be_hidden()


def test_pointed_at_a_configuration_says_its_spread_and_lines_lead_to_its_repeats(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, all_runs()) as page:
        page.locator("#plot").focus()
        for _ in range(4):
            page.keyboard.press("ArrowUp")
        card = page.locator("#card")

        expect(card).to_contain_text("4 seeds")
        expect(card).to_contain_text("mean 11.5 % (9.3 to 13.8), single repeats ± 1.3")
        expect(card).to_contain_text("4 high variance")
        expect(page.locator("#said")).to_contain_text("wide, 4 seeds: High variance (certain); bias +1.0 points")
        expect(page.locator("#said")).to_contain_text("By themselves: 4 high variance")
        assert page.locator("#above .marked line").count() == 4


def test_its_interval_is_drawn_where_nobody_points(browser: Browser, tmp_path: Path) -> None:
    parent = WIDE.runs()[0]
    said = json.loads(parent.tags["bvtrack.gaps"])
    unknown = {**said, "gaps": {name: gap[:1] for name, gap in said["gaps"].items()}}
    ink = []
    for gaps in (said, unknown):
        parent.tags = {**parent.tags, "bvtrack.gaps": json.dumps(gaps)}
        with map_of(browser, tmp_path, [parent]) as page:
            expect(page.locator("#empty")).to_be_hidden()
            ink.append(page.evaluate(INK))

    assert ink[0] > ink[1] + 40


def test_unfolded_its_repeats_are_runs_and_its_numbers_stand_above_them(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, all_runs()) as page:
        unfold(page, "wide")

        expect(page.locator("#summary")).to_have_text("1 configuration and 4 of its repeats")
        assert list(rows_of(page)) == ["wide", *(f"wide, seed {seed}" for seed in range(4))]
        expect(page.get_by_role("region", name="Over its repeats")).to_contain_text("mean 1.0 % (0.7 to 1.3)")
        expect(page.get_by_role("button", name="4 seeds of wide")).to_have_attribute("aria-expanded", "true")
        hovered(page, "wide, seed 2")
        expect(page.locator("#above .marked circle")).to_have_count(1)
        unfold(page, "wide")

        expect(page.locator("#summary")).to_have_text("1 run and 2 configurations of 7 repeats")
        expect(page.locator("#repeats")).to_be_hidden()


def test_enter_unfolds_and_escape_folds(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, WIDE.runs()) as page:
        page.locator("#plot").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")

        expect(page.locator("#summary")).to_have_text("1 configuration and 4 of its repeats")
        page.keyboard.press("Escape")
        expect(page.locator("#summary")).to_have_text("1 configuration of 4 repeats")


def test_a_repeat_that_is_selected_stands_for_its_configuration(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, all_runs()) as page:
        unfold(page, "wide")
        hovered(page, "wide, seed 1")
        box = settled_box(page, "#above .marked circle")
        page.mouse.move(box["x"] - 2, box["y"] - 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"], box["y"] + box["height"], steps=3)
        page.mouse.up()

        expect(page.locator("#summary")).to_have_text("1 configuration and 4 of its repeats")


def test_without_its_parent_a_repeat_is_a_run(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, WIDE.runs()[1:]) as page:
        expect(page.locator("#summary")).to_have_text("4 runs")


def test_an_arrow_leads_between_configurations_that_differ_in_one_parameter(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, all_runs()) as page:
        page.get_by_label("Arrows between runs").check()

        expect(page.locator(".arrows path")).to_have_count(1)
        expect(page.locator("#changes-rows")).to_contain_text("width: 8 → 64")


def test_a_gap_that_so_few_repeats_may_show_by_chance_is_said_to_be_such(browser: Browser, tmp_path: Path) -> None:
    unsteady = LoggedConfiguration("unsteady", [(0.01, 0.02), (0.01, 0.09)])
    with map_of(browser, tmp_path, unsteady.runs()) as page:
        page.locator("#plot").focus()
        page.keyboard.press("ArrowUp")

        expect(page.locator("#card")).to_contain_text("so few examples, or repeats, may show a gap by chance")


@pytest.mark.parametrize(
    "gaps",
    [
        "",
        '{"gaps":{"avoidable_bias":[0.01],"variance":[0.1]},"repeats":7}',
        '{"gaps":{"avoidable_bias":[0.01],"variance":[0.1]},"repeats":{"over":"constructor","n":-1,"sd":[],"ci":{"dev":{}},"tags":[1]}}',
        '{"gaps":{"avoidable_bias":[0.01],"variance":[0.1]},"errors":{"dev":0.1},"repeats":{"over":"seeds","n":1e300,"ci":{"dev":["a"]}}}',
    ],
)
def test_whatever_stands_in_the_tags_of_a_configuration_it_is_shown(gaps: str, browser: Browser, tmp_path: Path) -> None:
    parent, *repeats = WIDE.runs()
    parent.tags = {**parent.tags, "bvtrack.gaps": gaps}
    with map_of(browser, tmp_path, [parent, *repeats]) as page:
        unfold(page, "wide")

        expect(page.locator("#rows tr[data-id]")).to_have_count(5)
        expect(page.locator("#summary")).not_to_contain_text("could not be read")


def test_a_run_that_says_to_be_its_own_parent_is_shown_once(browser: Browser, tmp_path: Path) -> None:
    parent = WIDE.runs()[0]
    parent.tags = {**parent.tags, "mlflow.parentRunId": parent.id}
    with map_of(browser, tmp_path, [parent]) as page:
        expect(page.locator("#rows tr[data-id]")).to_have_count(1)
