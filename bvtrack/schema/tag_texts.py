"""The values of the tags `bvtrack.recipe` and `bvtrack.measure`, written for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bvtrack.diagnosis.recipe import Step

RECIPE_LENGTH = 250


def recipe_line(steps: Sequence[Step]) -> str | None:
    """The ranked steps in one line; the last ones are left out if the line would be too long for the tag."""
    if not steps:
        return None
    line = " > ".join(step.title for step in steps)
    return line if len(line) <= RECIPE_LENGTH else recipe_line(steps[:-1])


RUNNING = "train: running average, not in eval mode"
AUGMENTED = "train: on augmented examples"
"""Remarks in `bvtrack.measure` on how the train error was measured."""


SHOWN = 3


def one_of(*names: str) -> str:
    """The remark that each of these metrics may be meant; the first one was taken.

    >>> one_of("val_acc_a", "val_acc_b")
    'one of: val_acc_a, val_acc_b'
    """
    more = len(names) - SHOWN
    return f"one of: {', '.join(names[:SHOWN])}" + (f" and {more} more" if more > 0 else "")


def measure_text(measure: object, remark: str = "") -> str:
    """The value of `bvtrack.measure`, with a remark on how the train error was measured.

    >>> measure_text("1 - val_acc", "train: as logged")
    '1 - val_acc (train: as logged)'
    """
    return f"{measure} ({remark})" if remark else str(measure)


def metric_of(measure: str | None) -> str:
    """A value of `bvtrack.measure` without its remark."""
    return re.sub(r" \((?:train|train_dev|dev|test|one of): [^)]*\)$", "", measure or "")
