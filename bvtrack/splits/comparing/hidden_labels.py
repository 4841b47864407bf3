"""Tell a set whose labels are kept secret from one with labels."""

from __future__ import annotations

import re

from bvtrack.splits.profiling.binning import INFINITE
from bvtrack.splits.profiling.profile import SplitProfile

NO_LABELS = ("?", "-", "none", "nan", "null", "na", "n/a", "tbd")
"""Labels of sets whose true ones are kept secret, in lower case; a number is one too, where the others are not or are not
negative."""
NAMES_OF_ALL = frozenset(
    (
        *("unknown", "unlabeled", "unlabelled", "hidden", "test", "testing", "all", "data", "dataset", "set"),
        *("image", "images", "img", "imgs", "class", "classes", "label", "labels"),
    )
)
"""Words of which the names of such a set's only folder consist, perhaps with numbers: `test1`, `all_images`."""
FEWEST_ALIKE = 20
"""So many targets that all have one value are none, if those of the first set are quantities that differ."""


def has_targets(profile: SplitProfile) -> bool:
    """True for a set with targets."""
    return profile.labels is not None or profile.label_numbers is not None


def missing_label(first: SplitProfile, profile: SplitProfile) -> str | None:
    """What stands for each label of a set that has none: "" for nothing; `None` for a set with labels."""
    if profile.labels is not None:
        (label, *more) = profile.labels.counts or [""]
        return label if not more and (label == "" or _stands_for_none(label, first)) else None
    if profile.label_numbers is not None:
        has_any = profile.label_numbers.codes[:, : INFINITE + 1].any()
        is_one = profile.n >= FEWEST_ALIKE and _is_one_value(profile) and not _is_one_value(first)
        return "one number" if has_any and is_one else None if has_any else ""
    return ""


def _stands_for_none(label: str, first: SplitProfile) -> bool:
    """True for a label of a whole set that none of the first set's is like."""
    if first.labels is None or first.labels.is_bucketed or label in first.labels.counts:
        return False
    if label.lower() in NO_LABELS:
        return True
    for is_alike in (_is_negative, str.isdigit):
        if is_alike(label):
            return not any(map(is_alike, first.labels.counts))
    words = {*re.split(r"[\W\d_]+", label.lower())} - {""}
    return bool(words) and words <= NAMES_OF_ALL


def _is_negative(label: str) -> bool:
    return label.startswith("-") and label[1:].isdigit()


def _is_one_value(profile: SplitProfile) -> bool:
    """True for targets, one an example, that are all of one value."""
    numbers = profile.label_numbers
    return (
        numbers is not None and len(numbers.codes) == 1 and all((one > 0).sum() == 1 for one in (numbers.codes, numbers.digits))
    )
