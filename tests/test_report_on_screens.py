"""The report in a real browser: nothing is cut on a phone, and what is folded is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser, Page, expect
from run_contents import content, shifted_split

from bvtrack.auditing.run_report import Report
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.run_verdict import EpochErrors, judge
from bvtrack.measures.unit import Unit
from bvtrack.report.content import Content
from bvtrack.splits.faults import faults_of

PHONE, TABLET, DESKTOP = 390, 800, 1400
SMALLEST_TEXT = 9.0
"""Pixels; what a phone's user reads without zooming."""
BEYOND = """() => [...document.querySelectorAll("main *")].filter((element) => {
  const box = element.getBoundingClientRect(), scroller = element.closest(".scroll, section > table, details > table");
  return box.width && !element.closest("svg") && !scroller && (box.right > innerWidth + 1 || box.left < -1);
}).map((element) => element.outerHTML.slice(0, 80))"""
FIGURES = "[...document.querySelectorAll('figure svg')].filter((svg) => svg.getBoundingClientRect().width)"
OUT_OF_FIGURE = f"""() => {FIGURES}.flatMap((svg) => [...svg.querySelectorAll("text")].filter((text) => {{
  const box = text.getBoundingClientRect(), frame = svg.getBoundingClientRect();
  return box.left < frame.left - 1 || box.right > frame.right + 1;
}}).map((text) => text.textContent))"""
TEXT_SIZES = f"""() => {FIGURES}.flatMap((svg) => [...svg.querySelectorAll("text")].map(
  (text) => parseFloat(getComputedStyle(text).fontSize) * svg.getScreenCTM().a))"""


def long_names() -> Content:
    """A split at fault in a column with a long name, in a run with a longer one."""
    made = shifted_split("a_column_with_a_very_long_name_" * 3)
    faults = faults_of(made.findings)
    verdict = judge(
        made.history,
        at="best",
        human_error=0.01,
        same_distribution=True,
        chance=0.9,
        model=ModelFacts(),
        n_train=5000,
        split_faults=faults,
    )
    return replace(made, verdict=verdict, name="a_run_with_a_very_long_name_" * 6, measure="1 - " + "m" * 150)


def regression() -> Content:
    history = [EpochErrors(e, {"train": 0.8 - 0.1 * e, "train_dev": 0.85 - 0.06 * e, "dev": 0.9 - 0.05 * e}) for e in range(6)]
    verdict = judge(
        history,
        at="best",
        human_error=None,
        same_distribution=True,
        chance=None,
        model=ModelFacts(),
        n_train=200,
        unit=Unit("best_constant", "val_mae"),
    )
    return Content("regression", verdict, history, measure="val_mae")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("made", [shifted_split, long_names, regression, content])
def test_nothing_is_cut_on_a_phone_a_tablet_and_a_desktop(made: Callable[[], Content], page: Page, tmp_path: Path) -> None:
    page.goto(Report(made()).save(tmp_path / "report.html").as_uri())
    for width in (PHONE, TABLET, DESKTOP):
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(BEYOND) == []
        assert page.evaluate(OUT_OF_FIGURE) == []
        assert min(page.evaluate(TEXT_SIZES)) >= SMALLEST_TEXT


def test_the_head_names_the_epoch_of_the_verdict_and_its_errors(page: Page, tmp_path: Path) -> None:
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.goto(Report(content()).save(tmp_path / "report.html").as_uri())
    head = page.locator("header")

    expect(head).to_contain_text("epoch 15, the best of 20 by the dev set")
    expect(head.locator(".of-dev")).to_have_text("dev10.7 % (9.4 to 12.5)")
    expect(head.locator(".of-dev")).to_be_in_viewport()


def test_what_is_folded_is_printed_in_light_colours(page: Page, tmp_path: Path) -> None:
    page.goto(Report(shifted_split()).save(tmp_path / "report.html").as_uri())
    judged = page.get_by_text("15 (judged)")
    expect(judged).not_to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")

    shown = "(one) => one.checkVisibility({contentVisibilityAuto: true}) && one.getBoundingClientRect().height > 0"
    assert judged.evaluate(shown)
    assert page.locator("details table").evaluate_all(f"(all) => all.every({shown})")
    assert page.locator(".narrow").evaluate_all("(all) => all.every((one) => !one.checkVisibility())")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 29)"
    page.emulate_media(color_scheme="light")


def test_a_fault_of_the_split_is_told_once_and_pointed_to(page: Page, tmp_path: Path) -> None:
    page.goto(Report(long_names()).save(tmp_path / "report.html").as_uri())
    words = page.locator("header").inner_text() + page.get_by_role("list").first.inner_text()

    assert words.count("differ in a_column") == 1
    assert "What is wrong with it stands above." in words
