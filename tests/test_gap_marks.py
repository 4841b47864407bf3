"""The marks beside the bars of a report, from which on a gap is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bvtrack
from bvtrack.report.figures import draw_gaps, new_figure


def drawn(**errors: Any) -> tuple[dict[str, float], float]:
    """The place of each gap's mark in points, and the right end of the axis."""
    diagnosis = bvtrack.diagnose(**errors)
    _, axes = new_figure(2.0)
    draw_gaps(axes, diagnosis)
    dotted = [np.asarray(line.get_xydata()) for line in axes.lines if line.get_linestyle() == ":"]
    marks = {list(diagnosis.gaps)[round(ends[:, 1].mean())]: float(ends[0, 0]) for ends in dotted}
    return marks, axes.get_xlim()[1]


@pytest.mark.parametrize(
    ("errors", "marks"),
    [
        ({"train_error": 0.03, "dev_error": 0.03}, {"avoidable_bias": 5.0, "variance": 1.0}),
        ({"train_error": 0.2, "dev_error": 0.6}, {"avoidable_bias": 27.0, "variance": 15.0}),
        ({"train_error": 0.03, "dev_error": 0.03, "human_error": 0.0}, {"avoidable_bias": 1.5, "variance": 1.0}),
        ({"train_error": 0.01, "dev_error": 0.028, "human_error": 0.02}, {"avoidable_bias": 1.5, "variance": 2.0}),
        ({"train_error": 0.036, "dev_error": 0.05, "human_error": 0.022}, {"avoidable_bias": 1.2, "variance": 1.25}),
    ],
    ids=["assumed", "assumed, and small beside dev", "given", "partly below the human error", "in company"],
)
def test_a_mark_is_where_the_rule_begins_to_name(errors: dict[str, float], marks: dict[str, float]) -> None:
    assert drawn(**errors)[0] == pytest.approx(marks)


def test_a_gap_that_is_never_named_has_no_mark_and_leaves_the_axis_to_the_bars() -> None:
    marks, right = drawn(train_error=0.3, dev_error=0.32, is_error_rate=False)

    assert marks.keys() == {"variance"}
    assert right < 60
