"""A run whose split is at fault carries a mark: on its symbol, in the table, in the legend and in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Browser, Page, expect
from logged_runs import LoggedRun
from map_pages import map_of

from bvtrack_server.words import FILE, words_module

ERRORS = {"train_error": 0.02, "dev_error": 0.12, "n_train": 50_000, "n_dev": 50_000}
COPIES = "Dev holds copies of train examples: remove them from one of the two, and split again"
IS_STRUCK = """() => {
  const mark = document.querySelector(".marked circle");
  const [x, y] = ["cx", "cy"].map((name) => Number(mark.getAttribute(name)));
  const [red, green, blue, alpha] = document.getElementById("points").getContext("2d").getImageData(x + 7, y - 7, 1, 1).data;
  return alpha > 100 && Math.max(red, green, blue) < 100;
}"""
"""True if there is a line in the colour of text to the upper right of the ringed symbol."""


def a_run(**tags: str) -> LoggedRun:
    return LoggedRun("run", ERRORS, tags={f"bvtrack.{name}": value for name, value in tags.items()})


def hovered(page: Page) -> None:
    page.locator("#plot").focus()
    page.keyboard.press("ArrowUp")


def test_the_words_are_those_of_the_present_findings_and_steps() -> None:
    """After a change of these, `python -m bvtrack_server.words` writes the file anew."""
    assert FILE.read_text(encoding="utf-8") == words_module()


@pytest.mark.parametrize(
    ("tags", "label", "sentence"),
    [
        ({"split": "dev_repeats_train", "next_step": "mend_split"}, "Dev repeats train", COPIES),
        ({"split": "dev_repeats_train"}, "Dev repeats train", f"{COPIES} (too few to move an error by much)"),
        (
            {"split": "dev_too_small+test_used_to_choose"},
            "Test used to choose, Dev too small",
            "The test set was used as dev set",
        ),
        ({"split": "dev_differs_from_train"}, "Dev differs from train", "Train and dev are distributed otherwise"),
        ({"split": "dev_shares_groups_with_train"}, "Dev shares groups with train", "Groups of dev are in train too"),
        (
            {"split": "ok", "distribution": "shifted+leak"},
            "Shifted, Leak",
            "The sets are distributed otherwise; Examples of one",
        ),
    ],
)
def test_a_leak_a_shift_and_a_misuse_are_marked(
    tags: dict[str, str], label: str, sentence: str, browser: Browser, tmp_path: Path
) -> None:
    with map_of(browser, tmp_path, [a_run(**tags)]) as page:
        hovered(page)

        assert page.evaluate(IS_STRUCK)
        expect(page.locator("#card")).to_contain_text(sentence)
        expect(page.locator("#said")).to_contain_text(f"The split: {sentence}")
        expect(page.locator("#rows td.split")).to_have_text(label)
        expect(page.locator("#rows td.diagnosis .strike")).to_have_count(1)
        expect(page.get_by_label("Struck through: leak, shift or misuse in the split")).to_be_visible()


@pytest.mark.parametrize(
    ("tags", "label"),
    [
        ({}, "\u2013"),
        ({"split": "ok"}, "Nothing found"),
        ({"split": "unchecked", "distribution": "same"}, "Not checked"),
        ({"split": "dev_too_small+no_test_set", "distribution": "unclear"}, "Dev too small, No test set"),
        ({"split": "constructor+__proto__"}, "Constructor, Proto"),
        ({"split": "+" * 5000}, "\u2013"),
    ],
)
def test_what_is_no_fault_has_no_mark(tags: dict[str, str], label: str, browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, [a_run(**tags)]) as page:
        hovered(page)

        assert not page.evaluate(IS_STRUCK)
        expect(page.locator("#rows td.split")).to_have_text(label)
        expect(page.locator(".strike:visible")).to_have_count(0)


def test_the_legends_entry_hides_the_runs_that_it_is_of(browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, [a_run(split="ok"), a_run(split="test_repeats_train")]) as page:
        page.get_by_label("Struck through").uncheck()

        expect(page.locator("#summary")).to_have_text("1 run")
        expect(page.locator("#rows td.split")).to_have_text("Nothing found")
