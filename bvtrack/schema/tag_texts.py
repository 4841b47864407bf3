"""The value of the tag `bvtrack.measure`, written for people."""

from __future__ import annotations

import re

RUNNING = "train: running average, not in eval mode"
AUGMENTED = "train: on augmented examples"
LAST_BATCH = "train: no running average, only that of the last batch is logged"
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
