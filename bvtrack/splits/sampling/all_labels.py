"""Class counts over all examples of a split that was only sampled: targets alone are small, and quickly counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bvtrack.splits.profiling.class_labels import class_labels
from bvtrack.splits.profiling.columns import Names
from bvtrack.splits.profiling.layout import Layout
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.reading.features import target_array
from bvtrack.splits.reading.kinds import is_of_arrow, is_of_pandas
from bvtrack.splits.sampling.allowance import MOST_BYTES, Allowance, bytes_of


def with_all_labels(found: SplitProfile, targets: Any, n: int) -> SplitProfile:
    """The profile of a sample with the class counts of all `targets` `[n, ...]`, if time and memory allow."""
    if found.labels is None or found.n == n or n * getattr(getattr(targets, "dtype", None), "itemsize", 1) > MOST_BYTES:
        return found
    try:
        labels = _all_labels(found.layout, targets, n)
    except Exception:  # any library's targets may raise anything; the sample's are known
        return found
    return found if labels is None else replace(found, labels=labels)


def _all_labels(layout: Layout, targets: Any, n: int) -> Names | None:
    allowance = Allowance(examples=n, watches_memory=True)
    labels = Names({})
    while size := allowance.more:
        part = target_array(_slice(targets, allowance.n_read, size))
        labels += Names.of(class_labels(layout, part))
        allowance.spend(size, bytes_of(part))
    return labels if allowance.n_read == n else None


def _slice(targets: Any, start: int, size: int) -> Any:
    if is_of_arrow(targets):
        return targets.slice(start, size)
    return (targets.iloc if is_of_pandas(targets) else targets)[start : start + size]
