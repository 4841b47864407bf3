"""Histograms of the columns that differ: each split's shares of examples in bins of equal width, or by class."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bvtrack.splits.comparing.comparison import Comparison
from bvtrack.splits.profiling.binning import N_CODES, Coding
from bvtrack.splits.profiling.conversion import LABEL
from bvtrack.splits.profiling.profile import SplitProfile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.profiling.columns import Names
    from bvtrack.splits.profiling.counts import Counts

MOST_SHOWN = 6
"""Number of columns shown, the most significant first."""
N_BINS = 24
TAIL = 0.01
"""The bins span the 1st to the 99th percentile of all examples; the outer bins also hold what lies beyond."""
MOST_CLASSES = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """A column's shares of examples by split, in [0, 1]: in bins between `edges`, one more than there are shares, or by
    `classes`, the most frequent first or in order of value. Missing and infinite numbers are in no share, only in `missing`, by
    split.
    """

    what: str
    shares: Mapping[str, Sequence[float]]
    edges: Sequence[float] = ()
    classes: Sequence[str] = ()
    missing: Mapping[str, float] = field(default_factory=dict)


def histograms(sets: Mapping[str, SplitProfile], comparisons: Sequence[Comparison]) -> tuple[Histogram, ...]:
    """Histograms of the columns, and of the label, that differ significantly between any two of the splits."""
    differ = dict.fromkeys(one.what for one in comparisons if one.is_significant)
    found = (_histogram(what, sets) for what in differ)
    return tuple(itertools.islice((one for one in found if one is not None), MOST_SHOWN))


def _histogram(what: str, sets: Mapping[str, SplitProfile]) -> Histogram | None:
    """The histogram of one column; `None` if `what` is not a single column, such as a correlation."""
    first = next(iter(sets.values()))
    if what == LABEL and first.labels is not None:
        return _of_classes(what, {name: found.labels for name, found in sets.items() if found.labels is not None})
    if what in first.names:
        return _of_classes(what, {name: found.names[what] for name, found in sets.items()})
    if what in first.layout.column_names:
        counts = {name: found.numbers for name, found in sets.items()}
        return _of_numbers(what, first.layout.coding, counts, first.layout.column_names.index(what))
    target = what.removeprefix(LABEL).strip() or "0"
    if what.startswith(LABEL) and target.isdecimal() and first.layout.target_coding is not None:
        counts = {name: found.label_numbers for name, found in sets.items() if found.label_numbers is not None}
        return _of_numbers(what, first.layout.target_coding, counts, int(target))
    return None


def _of_classes(what: str, counts: Mapping[str, Names]) -> Histogram | None:
    """Shares of the most frequent classes of all splits; `None` if they are counted by bucket, whose names mean nothing."""
    if any(names.is_bucketed for names in counts.values()):
        return None
    pooled = sum((Counter(names.counts) for names in counts.values()), Counter())
    classes = [name for name, _ in pooled.most_common(MOST_CLASSES)]
    totals = {name: max(sum(names.counts.values()), 1) for name, names in counts.items()}
    shares = {name: [names.counts.get(label, 0) / totals[name] for label in classes] for name, names in counts.items()}
    return Histogram(what, shares, classes=[label or "missing" for label in classes])


def _of_numbers(what: str, coding: Coding, counts: Mapping[str, Counts], column: int) -> Histogram | None:
    """Bins of equal width from the counts of codes, by linear interpolation of the cumulative distribution between edges."""
    import numpy as np

    edges = coding.edges[column]
    codes = {name: found.codes[column, :N_CODES] for name, found in counts.items()}
    if not all(found.sum() for found in codes.values()):
        return None
    missing = {name: float(1 - codes[name].sum() / found.n) for name, found in counts.items()}
    values = np.unique(edges)
    if 1 < len(values) <= MOST_CLASSES:
        shares, classes = _by_value(edges, codes)
        return Histogram(what, shares, classes=classes, missing=missing)
    is_last = np.append(np.diff(edges) > 0, True)  # of each group of equal edges
    up_to = {name: found[:-1].cumsum()[is_last] / found.sum() for name, found in codes.items()}
    pooled = np.mean(list(up_to.values()), axis=0)
    first, last = (min(int(place), len(values) - 1) for place in np.searchsorted(pooled, [TAIL, 1 - TAIL]))
    low, high = values[first], values[last]
    if not low < high:
        return None
    grid = np.linspace(low, high, N_BINS + 1)
    inner = {name: np.interp(grid[1:-1], values, reached) for name, reached in up_to.items()}
    shares = {name: np.diff(reached, prepend=0.0, append=1.0).tolist() for name, reached in inner.items()}
    return Histogram(what, shares, edges=grid.tolist(), missing=missing)


def _by_value(edges: NDArray[Any], codes: Mapping[str, NDArray[Any]]) -> tuple[dict[str, list[float]], list[str]]:
    """Shares and class names of a column with few values: each value is a class, and so is each interval between, below or
    above.

    A value on several equal edges has the code in their middle, and one between two edges that of the lower edge; on a single
    edge the two have the same code.
    """
    import numpy as np

    values, n_equal = np.unique(edges, return_counts=True)
    names, places = _as_texts(values), np.zeros(N_CODES, int)
    labels = [f"< {names[0]}"]
    for index, (name, reached) in enumerate(zip(names, n_equal.cumsum(), strict=True)):
        following = f"to {names[index + 1]}" if index + 1 < len(names) else "and more"
        if n_equal[index] > 1:
            places[reached - n_equal[index] + 1 : reached] = len(labels)
            labels.append(name)
        places[reached] = len(labels)
        labels.append(f"{name} {following}")
    counts = {name: np.bincount(places, found, len(labels)) / found.sum() for name, found in codes.items()}
    kept = np.flatnonzero(np.sum(list(counts.values()), axis=0))
    return {name: found[kept].tolist() for name, found in counts.items()}, [labels[index] for index in kept]


def _as_texts(values: NDArray[Any]) -> list[str]:
    """The values as text, with just enough digits to keep them distinct."""
    shortest = (
        found for digits in (4, 6, 9, 17) if len(set(found := [f"{value:.{digits}g}" for value in values])) == len(found)
    )
    return next(shortest)
