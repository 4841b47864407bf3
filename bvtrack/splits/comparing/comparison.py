"""Compare the profiles of several splits: labels first, then features, with an effect size for each p-value.

A weighted Holm-Bonferroni correction over all tests of all pairs gives the whole comparison one false-alarm rate.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bvtrack.splits.comparing.detectable import IN_POINTS, Detectable
from bvtrack.splits.comparing.joint_tests import joint_tests
from bvtrack.splits.comparing.two_sample import Test, class_tests, numeric_tests
from bvtrack.splits.profiling.columns import Names
from bvtrack.splits.profiling.conversion import LABEL
from bvtrack.splits.profiling.profile import SplitProfile

ALPHA = 0.05
LABEL_SHARE = 0.5
"""Share of alpha spent on labels (weighted Holm-Bonferroni): they are one column among many, but matter more than one."""
FEWEST_LISTED = 20
"""Minimum number of comparisons to list: beyond the significant ones, those closest to significance."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one pair of splits: its name, the column, the Holm-corrected p-value, and the effect with the upper end of
    its 80 % interval.

    `mean` and `components` are in standard deviations, `spread` is the logarithm of the ratio of standard deviations,
    `dependence` the difference of correlations; the others are differences of shares of examples, in [0, 1].
    """

    earlier: str
    later: str
    test: str
    what: str
    p_value: float
    effect: float
    high: float
    harmless: float

    @property
    def is_shift(self) -> bool:
        """True if the difference is significant and not negligible."""
        return self.is_significant and self.effect >= self.harmless

    @property
    def is_significant(self) -> bool:
        """True if the corrected p-value is below `ALPHA`."""
        return self.p_value < ALPHA

    def in_words(self) -> str:
        """The column that differs, and the size of the difference."""
        match self.test:
            case "mean":
                return f"{self.what} (mean moved by {self.effect:.2f} standard deviations)"
            case "components":
                return f"all columns together (moved by {self.effect:.2f} standard deviations)"
            case "spread":
                return f"{self.what} (spread changed by {100 * self.effect:.0f} %)"
            case "dependence":
                return f"{self.what} (correlation changed by {self.effect:.2f})"
            case "distribution":
                return f"{self.what} (distributions {100 * self.effect:.1f} points apart)"
            case "frequent value":
                return f"{self.what} (one value {100 * self.effect:.1f} points more frequent)"
            case "missing" | "infinite":
                return f"{self.what} ({self.test} values differ by {100 * self.effect:.1f} points)"
        return f"{self.what} (shares differ by {100 * self.effect:.1f} points)"


@dataclass(frozen=True)
class _Family:
    """A test of one pair of splits, the share of alpha for each of its p-values, and a function that names its columns."""

    earlier: str
    later: str
    test: Test
    share: float
    name_of: Callable[[Any], str]
    is_of_labels: bool

    @property
    def detectable(self) -> Detectable | None:
        """The smallest difference that is found in most cases; `None` where that is not known of the test, or where none is."""
        if self.test.smallest is None:
            return None
        size = self.test.smallest(ALPHA * self.share)
        if self.test.name in IN_POINTS and size >= 1:
            return None
        return Detectable(self.earlier, self.later, self.test.name, self.is_of_labels, size, self.test.harmless)

    def comparison(self, index: int, p_value: float) -> Comparison:
        return Comparison(
            self.earlier,
            self.later,
            self.test.name,
            self.name_of(self.test.whats[index]),
            p_value,
            float(self.test.effects[index]),
            float(self.test.highs[index]),
            self.test.harmless,
        )


def compare_profiles(sets: Mapping[str, SplitProfile]) -> tuple[tuple[Comparison, ...], tuple[Detectable, ...]]:
    """All significant differences between all pairs, and some of those closest to significance, the smallest p-value first; and
    the smallest differences that would have been found, by pair.
    """
    pairs = list(itertools.combinations(sets, 2))
    families = [
        _Family(earlier, later, test, part / len(pairs) / len(test.p_values), name_of, is_of_labels)
        for earlier, later in pairs
        for test, part, name_of, is_of_labels in _weighted(sets[earlier], sets[later])
    ]
    return tuple(_holm(families)), tuple(found for family in families if (found := family.detectable) is not None)


def _holm(families: Sequence[_Family]) -> Iterator[Comparison]:
    """Comparisons with jointly corrected p-values, each weighted by its share of alpha (Holm 1979)."""
    import numpy as np

    if not families:
        return
    sizes = [len(family.test.p_values) for family in families]
    shares = np.repeat([family.share for family in families], sizes)
    ratios = np.concatenate([family.test.p_values for family in families]) / shares
    order = np.argsort(ratios, kind="stable")
    left = shares[order][::-1].cumsum()[::-1]
    corrected = np.maximum.accumulate(np.minimum(left * ratios[order], 1.0))
    n_listed = max(FEWEST_LISTED, int((corrected < ALPHA).sum()))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for place, p_value in zip(order[:n_listed].tolist(), corrected[:n_listed].tolist(), strict=True):
        number = int(starts.searchsorted(place, "right")) - 1
        yield families[number].comparison(place - int(starts[number]), p_value)


def _weighted(one: SplitProfile, other: SplitProfile) -> Iterator[tuple[Test, float, Callable[[Any], str], bool]]:
    """The tests of a pair, each with its share of alpha (they add up to 1), a function that names its columns, and True for
    labels.
    """
    columns = one.layout.column_names
    features = [*numeric_tests(one.numbers, other.numbers), *joint_tests(one.numbers, other.numbers)]
    features += class_tests({name: _side_by_side(names, other.names[name]) for name, names in one.names.items()}, "names")
    labels = [*_label_tests(one, other)]
    of_labels = 0.0 if not labels else LABEL_SHARE if features else 1.0
    several = one.label_numbers is not None and len(one.label_numbers.codes) > 1
    numbered = [str(index) for index in range(len(one.label_numbers.codes))] if several and one.label_numbers else None
    for group, part, name_of in (
        (labels, of_labels, lambda what: f"{LABEL} {_named(what, numbered)}" if numbered else LABEL),
        (features, 1 - of_labels, lambda what: _named(what, columns)),
    ):
        some = [test for test in group if len(test.p_values)]
        total = sum(test.weight for test in some)
        yield from ((test, part * test.weight / total, name_of, group is labels) for test in some)


def _label_tests(one: SplitProfile, other: SplitProfile) -> Iterator[Test]:
    if one.labels is not None and other.labels is not None:
        yield from class_tests({LABEL: _side_by_side(one.labels, other.labels)}, "classes")
    if one.label_numbers is not None and other.label_numbers is not None:
        yield from numeric_tests(one.label_numbers, other.label_numbers)
        yield from joint_tests(one.label_numbers, other.label_numbers)


def _side_by_side(one: Names, other: Names) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """The counts of both in the same form: by bucket if either is."""
    if one.is_bucketed or other.is_bucketed:
        return one.in_buckets().counts, other.in_buckets().counts
    return one.counts, other.counts


def _named(what: Any, columns: Sequence[str]) -> str:
    """The name of a column or of a pair of columns; a string is returned as it is."""
    if isinstance(what, tuple):
        return " and ".join(columns[index] for index in what)
    return what if isinstance(what, str) else columns[what]
