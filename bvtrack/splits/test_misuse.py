"""Whether what is called a test set is used to choose: then it is a dev set, and there is no test set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from bvtrack.measures.measure import is_of_stage
from bvtrack.splits.finding import Finding

if TYPE_CHECKING:
    from bvtrack.splits.profiling.profile import SplitProfile

CODE = "test_used_to_choose"
ADVICE = "so it is a dev set, and its error no test error: hold out examples that nothing is chosen by"


def disguised_dev_set(profiles: Mapping[str, SplitProfile], monitors: Iterable[str] = ()) -> list[Finding]:
    """An error where dev and test hold the same examples, as far as they were read, or a callback monitors a test metric.

    `profiles` are by set; `monitors` are the names of the metrics that the training stops, keeps epochs or lowers its learning
    rate by. See Machine Learning Yearning, ch. 5: the dev set is what choices are made on.

    >>> [finding.code for finding in disguised_dev_set({}, ["val_loss", "test_acc"])]
    ['test_used_to_choose']
    """
    reasons = []
    dev, test = profiles.get("dev"), profiles.get("test")
    if dev and test and dev.digest == test.digest:
        reasons.append("the test set holds the dev set's examples")
    if chosen_by := sorted({name for name in monitors if is_of_stage(name, "test")}):
        reasons.append(f"callbacks of the training choose by {', '.join(chosen_by)}")
    return [Finding(CODE, "error", f"{' and '.join(reasons)}, {ADVICE}")] if reasons else []
