"""Detect test sets that are used for model selection, and are therefore dev sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from bvtrack.measures.metric_words import is_of_stage
from bvtrack.splits.finding import Finding
from bvtrack.splits.finding_codes import FindingCode

if TYPE_CHECKING:
    from bvtrack.splits.profiling.profile import SplitProfile


def disguised_dev_set(profiles: Mapping[str, SplitProfile], monitors: Iterable[str] = ()) -> list[Finding]:
    """An error if dev and test hold the same examples, as far as they were read, or if a callback monitors a test metric.

    `profiles` are by set; `monitors` are the names of metrics for early stopping, checkpoint selection or reducing the learning
    rate. See Machine Learning Yearning, ch. 5: choices are made on the dev set.

    >>> [finding.code for finding in disguised_dev_set({}, ["val_loss", "test_acc"])]
    ['test_used_to_choose']
    """
    dev, test = profiles.get("dev"), profiles.get("test")
    are_same = bool(dev and test and dev.digest == test.digest)
    chosen_by = sorted({name for name in monitors if is_of_stage(name, "test")})
    if not are_same and not chosen_by:
        return []
    return [
        FindingCode.TEST_USED_TO_CHOOSE.finding(
            same_examples=are_same,
            both=are_same and bool(chosen_by),
            monitored=bool(chosen_by),
            monitors=", ".join(chosen_by),
        )
    ]
