"""Detect distribution shift between train, dev and test, and examples that they share.

The verdict depends on which differences are significant (see `comparison`), and on their effect sizes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from bvtrack.display import as_words
from bvtrack.splits.comparing.comparison import Comparison, compare_profiles
from bvtrack.splits.comparing.detectable import Detectable
from bvtrack.splits.comparing.distribution_tag import LEAK, tag_of_verdict, would_have_been_seen
from bvtrack.splits.comparing.histograms import Histogram, histograms
from bvtrack.splits.comparing.labels import comparable_labels, unseen_classes
from bvtrack.splits.comparing.leakage import find_leaks
from bvtrack.splits.comparing.reading_remarks import remarks_on
from bvtrack.splits.comparing.repeated import RepeatedRows
from bvtrack.splits.finding import Finding, is_ok
from bvtrack.splits.finding_codes import FindingCode, named
from bvtrack.splits.profiling.conversion import LABEL
from bvtrack.splits.profiling.profile import SplitProfile, profile

Verdict = Literal[
    "same",
    "same, but not i.i.d.",
    "shifted",
    "unclear",
    "same + leak",
    "same, but not i.i.d. + leak",
    "shifted + leak",
    "unclear + leak",
]
NEGLIGIBLE_KS = 0.05
"""Negligible Kolmogorov-Smirnov statistic; sets too small to detect it leave the verdict unclear."""
KS_CRITICAL = 1.358
"""The 95 % quantile of the Kolmogorov distribution."""


@dataclass(frozen=True)
class ShiftReport:
    """The result of comparing sets: distribution shift and shared examples.

    `verdict` is `same`, `same, but not i.i.d.` (a significant but negligible difference), `shifted` or `unclear`, followed by
    ` + leak` if examples are shared. `comparisons` are the significant differences, then those closest to it; `counts`
    are the numbers of examples read, `digests` their fingerprints, by set; `histograms` are those of the columns that differ.
    `detectable` are the smallest differences that would have been found, in four cases of five. Where none was, the verdict
    goes by the sizes of the sets alone: `unclear` if they are too small for a Kolmogorov-Smirnov statistic of 0.05. `repeated`
    are some of the rows that the sets share.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...] = field(repr=False)
    counts: Mapping[str, int]
    digests: Mapping[str, str]
    histograms: tuple[Histogram, ...] = field(default=(), repr=False)
    detectable: tuple[Detectable, ...] = field(default=(), repr=False)
    repeated: tuple[RepeatedRows, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return as_words(self)

    @property
    def tag(self) -> str:
        """The value of `bvtrack.distribution`: `shifted`, `not_iid`, `same` if no difference that matters would have been
        missed, else `no_shift_found`; and `+leak` behind it.
        """
        return self.tag_without_leak + ("+leak" if self.verdict.endswith(LEAK) else "")

    @property
    def tag_without_leak(self) -> str:
        """The part of the tag that speaks of distributions."""
        return tag_of_verdict(self.verdict, self.detectable)

    @property
    def ok(self) -> bool:
        """True if nothing is worse than a note."""
        return is_ok(self.findings)


def compare_splits(*, train: Any, dev: Any, test: Any = None, leaks: bool = True) -> ShiftReport:
    """Compare train, dev and test pairwise: labels, features, and shared examples.

    Each set is a profile, or data to profile: an array of features `[n_examples, ...]`, a table, a mapping of columns, a
    dataset, a loader or a generator of batches, or a pair `(features, targets)`. Targets of a table or a mapping may also be
    its column `label`, `labels`, `target`, `targets` or `y`. Booleans, names and one-hot rows are classes, floats are
    continuous. Integers are one or the other by how often each occurs (ages and prices are quantities), and compared as both
    where that does not tell; write them as floats or names to say it. `leaks=False` skips hashing rows and looking for copies.
    Copies are also found without columns that differ in each row, such as row numbers. Words in a column of numbers are read
    as missing, and a set without labels is compared by its features; both are said.

    Raises `ValueError` for an empty set, features and targets of different lengths, sets with different columns, or profiles
    with different bin edges.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> compare_splits(train=rng.normal(size=(5000, 3)), dev=rng.normal(0.3, 1, size=(5000, 3))).verdict
    'shifted'
    """
    return compare_sets({"train": train, "dev": dev} | ({} if test is None else {"test": test}), leaks=leaks)


def compare_sets(
    given: Mapping[str, Any],
    *,
    leaks: bool,
    samples: Collection[str] = (),
    searched: Mapping[str, SplitProfile] | None = None,
    sizes: Mapping[str, int] = MappingProxyType({}),
) -> ShiftReport:
    """Compare any two or three sets, by name; `samples` are the sets whose labels are only a sample. `searched` are the sets
    among which copies are looked for, in the order in which the training sees them, if there are more than those. `sizes` are
    those of sets that were not read whole.
    """
    sets = _profiles(given, leaks=leaks)
    compared, on_labels = comparable_labels(sets)
    comparisons, detectable = compare_profiles(compared)
    counts = {name: found.n for name, found in sets.items()}
    distribution = _verdict(comparisons, counts)
    found = tuple(find_leaks(searched or sets, sizes)) if leaks else ()
    leaked = [leak.finding for leak in found]
    findings = (
        *unseen_classes(compared, samples),
        *_findings(comparisons, distribution, detectable, counts),
        *leaked,
        *on_labels,
        *remarks_on(sets),
    )
    of_times = {FindingCode.OVERLAPS_IN_TIME.of(earlier=one, later=other) for one, other in itertools.combinations(sets, 2)}
    has_leak = any(finding.level != "note" and finding.code not in of_times for finding in leaked)
    return ShiftReport(
        verdict=f"{distribution}{LEAK if has_leak else ''}",  # type: ignore[arg-type]  # one of Verdict's
        findings=findings,
        comparisons=comparisons,
        counts=counts,
        digests={name: found.digest for name, found in sets.items()},
        histograms=histograms(compared, comparisons),
        detectable=detectable,
        repeated=tuple(leak.repeated for leak in found if leak.repeated is not None),
    )


def _profiles(given: Mapping[str, Any], *, leaks: bool) -> dict[str, SplitProfile]:
    sets: dict[str, SplitProfile] = {}
    like: SplitProfile | None = next((data for data in given.values() if isinstance(data, SplitProfile)), None)
    for name, data in given.items():
        sets[name] = data if isinstance(data, SplitProfile) else profile(data, name=name, like=like, leaks=leaks)
        like = like or sets[name]
        if sets[name].layout.digest != like.layout.digest:
            raise ValueError(f"expected profiles that share their edges, got {name} with edges of its own; make it with like=")
    return sets


def _verdict(comparisons: Sequence[Comparison], counts: Mapping[str, int]) -> Verdict:
    if any(comparison.is_shift for comparison in comparisons):
        return "shifted"
    if any(comparison.is_significant for comparison in comparisons):
        return "same, but not i.i.d."
    return "unclear" if _coarsest_effect(counts) > NEGLIGIBLE_KS else "same"


def _coarsest_effect(counts: Mapping[str, int]) -> float:
    """Critical Kolmogorov-Smirnov statistic (5 %) of the two smallest sets."""
    smaller, larger = sorted(counts.values())[:2]
    return KS_CRITICAL * math.sqrt(1 / smaller + 1 / larger)


def _needed(detectable: Sequence[Detectable], counts: Mapping[str, int]) -> int:
    """The examples in each set, in hundreds, of which no difference that matters would be missed: errors fall with the root."""
    needed = [2 * (KS_CRITICAL / NEGLIGIBLE_KS) ** 2]
    needed += [2 / (1 / counts[one.earlier] + 1 / counts[one.later]) * (one.size / one.harmless) ** 2 for one in detectable]
    return math.ceil(max(needed) / 100) * 100


def _findings(
    comparisons: Sequence[Comparison], verdict: Verdict, detectable: Sequence[Detectable], counts: Mapping[str, int]
) -> Iterator[Finding]:
    if verdict == "unclear":
        smallest = would_have_been_seen(detectable)
        yield FindingCode.UNCLEAR_DISTRIBUTION.finding(
            others=" and ".join((", ".join([*counts][:-1]), [*counts][-1])),
            read=", ".join(f"{name} {n:,}" for name, n in counts.items()),
            needed=_needed(detectable, counts),
            seen=bool(smallest),
            words=smallest,
        )
    significant = [one for one in comparisons if one.is_significant]
    for earlier, later in itertools.combinations(counts, 2):
        if of_pair := [one for one in significant if (one.earlier, one.later) == (earlier, later)]:
            yield _difference(earlier, later, of_pair)


def _difference(earlier: str, later: str, found: Sequence[Comparison]) -> Finding:
    is_shift = any(one.is_shift for one in found)
    by_column: dict[str, Comparison] = {}
    for one in sorted(found, key=lambda one: (one.is_shift != is_shift, one.test == "components", one.what != LABEL)):
        by_column.setdefault(one.what, one)
    differences = named([one.in_words() for one in by_column.values()])
    code = FindingCode.DIFFERS_FROM_TRAIN if earlier == "train" else FindingCode.DIFFERS
    return code.finding(code.gravest if is_shift else "note", earlier=earlier, later=later, differences=differences)
