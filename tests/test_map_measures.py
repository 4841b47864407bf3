"""One measure at a time: a map of errors that do not compare would show differences that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Browser, expect
from logged_runs import LoggedRun
from map_pages import map_of, rows_of

ERRORS = {"train_error": 0.1, "dev_error": 0.2}


def by(measure: str, name: str = "run", **errors: float) -> LoggedRun:
    return LoggedRun(name, errors or ERRORS, tags={"bvtrack.measure": measure})


def test_the_map_holds_the_most_frequent_measure_and_says_what_it_leaves_out(browser: Browser, tmp_path: Path) -> None:
    runs = [by("1 - val_r2", "first"), by("1 - val_acc"), by("1 - val_acc"), by("val_rmse / 4.2 (best constant)", "last")]
    with map_of(browser, tmp_path, runs) as page:
        expect(page.locator("#others")).to_have_text(
            "Not on this map: 1 run by 1 - val_r2, 1 run by val_rmse / 4.2 (best constant)."
        )
        expect(page.locator("#summary")).to_have_text("4 runs, 2 by another measure")
        assert page.locator("#legend label:visible .count").all_inner_texts() == ["2"]
        assert "not on the map: another measure: 1 - val_r2" in rows_of(page)["first"]
        names = page.locator("#rows tr[data-id] td.run span").all_inner_texts()
        assert names[:2] == ["run", "run"]
        assert page.locator("#measure").locator("option").all_inner_texts() == [
            "1 - accuracy (2 runs)",
            "1 - val_r2 (1 run)",
            "val_rmse / 4.2 (best constant) (1 run)",
        ]


def test_another_measure_can_be_chosen_and_the_axes_are_its(browser: Browser, tmp_path: Path) -> None:
    r2 = by("1 - val_r2", "other", train_error=0.4, dev_error=0.5, is_error_rate=False)
    with map_of(browser, tmp_path, [by("1 - val_acc"), by("1 - val_acc"), r2]) as page:
        expect(page.locator(".name-across")).to_have_text("Avoidable bias, points of error →")
        page.locator("#measure").select_option("1 - val_r2")

        expect(page.locator(".name-across")).to_have_text("Avoidable bias, points of 1 - val_r2 →")
        expect(page.locator("#others")).to_have_text("Not on this map: 2 runs by 1 - accuracy.")
        page.locator("#plot").focus()
        page.keyboard.press("ArrowUp")
        expect(page.locator("#card .name")).to_have_text("other")


@pytest.mark.parametrize(
    "same",
    [
        ["1 - val_acc", "1 - val_accuracy", "1 - val/acc_epoch", "1 - val_acc (train: running average, not in eval mode)"],
        ["1 - val_f1", "1 - val_f1 (one of: val_f1_a, val_f1_b and 2 more)", "1 - val_f1 (train: on augmented examples)"],
        [""],
        ["__proto__", "__proto__ (dev: odd)"],
    ],
)
def test_a_remark_makes_no_other_measure(same: list[str], browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, [by(measure) for measure in same]) as page:
        expect(page.locator("#summary")).to_have_text(f"{len(same)} run{'s' if len(same) > 1 else ''}")
        expect(page.locator("#others")).to_have_text("")
        expect(page.locator("#measure-is")).to_be_hidden()


@pytest.mark.parametrize("measure", ["toString", "<b>x</b>" * 40, "\u202e\u0000", "1 - ", "x" * 9000])
def test_one_odd_measure_keeps_its_own_run_off_the_map_and_no_other(measure: str, browser: Browser, tmp_path: Path) -> None:
    with map_of(browser, tmp_path, [by(measure, "odd"), by("1 - val_acc"), by("1 - val_acc")]) as page:
        expect(page.locator("#summary")).to_have_text("3 runs, 1 by another measure")
        expect(page.locator("#others")).to_contain_text("Not on this map: 1 run by")
        page.locator("#measure").select_option(index=1)
        expect(page.locator("#summary")).to_have_text("3 runs, 2 by another measure")
