"""Whether train, dev and test come from the same distribution, and whether they share examples.

Labels first, then features, with an effect size to each p-value. Holm's correction, weighted, runs over all tests of all
pairs, so one verdict has one false-alarm rate.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bvtrack.data.finding import Finding
from bvtrack.data.leakage import leak_findings
from bvtrack.data.profile import SplitProfile, profile
from bvtrack.data.two_sample import Test, class_tests, numeric_tests

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
LABEL = "label"
ALPHA = 0.05
LABEL_SHARE = 0.5
"""Of the false alarms that are allowed, the labels' part: they are one column among many, and matter more than one."""
HARMLESS = 0.05
"""Sets that could hide no Kolmogorov-Smirnov statistic of this size are the same; smaller sets leave it unclear."""
KS_CRITICAL = 1.358
"""The 95 % quantile of the Kolmogorov distribution."""
LEAK = " + leak"
NAMED = 3
"""Differences that a finding names; of more it says how many there are."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one pair of sets: which test of what, Holm's p-value, and the effect with the upper end of its 80 % interval.

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
        """Whether the difference is real, and large enough to matter."""
        return self.is_significant and self.effect >= self.harmless

    @property
    def is_significant(self) -> bool:
        """Whether the difference is real."""
        return self.p_value < ALPHA

    def in_words(self) -> str:
        """What differs, and by how much."""
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
class ShiftReport:
    """Whether the sets look alike, and share examples.

    `verdict` is `same`, `same, but not i.i.d.` (a difference is there but too small to matter), `shifted` or `unclear`, with
    ` + leak` behind it where examples are shared. `comparisons` are the differences that are significant, then the others
    that come nearest; `counts` are the examples that were read, `digests` their fingerprints, by set.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...]
    counts: Mapping[str, int]
    digests: Mapping[str, str]

    @property
    def tag(self) -> str:
        """The value of `bvtrack.distribution`."""
        return self.verdict.replace("same, but not i.i.d.", "not_iid").replace(LEAK, "+leak")

    @property
    def ok(self) -> bool:
        """True where nothing is worse than a note."""
        return all(finding.level == "note" for finding in self.findings)


def compare_splits(*, train: Any, dev: Any, test: Any = None, leaks: bool = True) -> ShiftReport:
    """Compare train, dev and test by pairs: their labels, their features, and whether they share examples.

    Each set is a profile, or what can be profiled: an array of features `[n_examples, ...]`, a table, a mapping of columns, a
    dataset, a loader or a generator of batches, or a pair `(features, targets)`. Integers, booleans, names and one-hot rows
    are classes, other targets are continuous. `leaks=False` hashes no rows and looks for no copies.

    Raises `ValueError` for an empty set, features and targets of different lengths, sets with different columns, or profiles
    that do not share their edges.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> compare_splits(train=rng.normal(size=(5000, 3)), dev=rng.normal(0.3, 1, size=(5000, 3))).verdict
    'shifted'
    """
    sets = _profiles({"train": train, "dev": dev} | ({} if test is None else {"test": test}), leaks=leaks)
    comparisons = compare_profiles(sets)
    counts = {name: found.n for name, found in sets.items()}
    distribution = _verdict(comparisons, counts)
    leaked = tuple(leak_findings(sets)) if leaks else ()
    findings = (*_unseen_classes(sets), *_findings(comparisons, distribution, counts), *leaked)
    has_leak = any(finding.level == "error" for finding in leaked)
    return ShiftReport(
        verdict=f"{distribution}{LEAK if has_leak else ''}",  # type: ignore[arg-type]  # one of Verdict's
        findings=findings,
        comparisons=comparisons,
        counts=counts,
        digests={name: found.digest for name, found in sets.items()},
    )


def compare_profiles(sets: Mapping[str, SplitProfile]) -> tuple[Comparison, ...]:
    """All significant differences of all pairs, or the nearest to one, the smallest p-value first."""
    pairs = list(itertools.combinations(sets, 2))
    found: list[tuple[float, float, Comparison]] = []
    for earlier, later in pairs:
        for test, weight in _weighted(sets[earlier], sets[later]):
            share = weight / len(pairs) / max(len(test.p_values), 1)
            for index, what in enumerate(test.whats):
                p_value = float(test.p_values[index])
                one = Comparison(
                    earlier,
                    later,
                    test.name,
                    str(what),
                    p_value,
                    float(test.effects[index]),
                    float(test.highs[index]),
                    test.harmless,
                )
                found.append((p_value / share, share, one))
    return tuple(_holm(found))


def _profiles(given: Mapping[str, Any], *, leaks: bool) -> dict[str, SplitProfile]:
    sets: dict[str, SplitProfile] = {}
    like: SplitProfile | None = next((data for data in given.values() if isinstance(data, SplitProfile)), None)
    for name, data in given.items():
        sets[name] = data if isinstance(data, SplitProfile) else profile(data, name=name, like=like, leaks=leaks)
        like = like or sets[name]
        if sets[name].layout.digest != like.layout.digest:
            raise ValueError(f"expected profiles that share their edges, got {name} with edges of its own; make it with like=")
    return sets


def _weighted(one: SplitProfile, other: SplitProfile) -> Iterator[tuple[Test, float]]:
    """The tests of a pair with their parts of the false alarms, which add up to 1."""
    columns = one.layout.column_names
    features = [
        _named(test, lambda what: " and ".join(columns[index] for index in what) if isinstance(what, tuple) else columns[what])
        for test in numeric_tests(one.numbers, other.numbers)
    ]
    names = {name: (found.counts, other.names[name].counts) for name, found in _alike(one.names, other.names).items()}
    features += list(class_tests(names, "names"))
    labels: list[Test] = []
    if one.labels is not None and other.labels is not None:
        pair = _alike({LABEL: one.labels}, {LABEL: other.labels})[LABEL].counts, other.labels.counts
        labels = list(class_tests({LABEL: pair}, "classes"))
    elif one.label_numbers is not None and other.label_numbers is not None:
        several = len(one.label_numbers.codes) > 1
        tests = numeric_tests(one.label_numbers, other.label_numbers)
        labels = [_named(test, lambda what: f"{LABEL} {what}" if several else LABEL) for test in tests]
    of_labels = 0.0 if not labels else LABEL_SHARE if features else 1.0
    for group, part in ((labels, of_labels), (features, 1 - of_labels)):
        total = sum(test.weight for test in group if len(test.p_values))
        for test in group:
            if len(test.p_values):
                yield test, part * test.weight / total


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The names of one, by bucket where those of the other are."""
    return {name: names.in_buckets() if other[name].is_bucketed else names for name, names in one.items()}


def _named(test: Test, name: Any) -> Test:
    from dataclasses import replace

    return replace(test, whats=["all columns" if what == "all columns" else name(what) for what in test.whats])


def _holm(found: Sequence[tuple[float, float, Comparison]]) -> Iterator[Comparison]:
    """The comparisons with p-values that hold for all of them together, each weighing its share (Holm 1979)."""
    from dataclasses import replace

    left, largest = sum(share for _, share, _ in found), 0.0
    for ratio, share, one in sorted(found, key=lambda item: item[0]):
        largest = max(largest, min(1.0, left * ratio))
        left = max(left - share, share)
        yield replace(one, p_value=largest)
        if largest >= 1.0:
            return


def _verdict(comparisons: Sequence[Comparison], counts: Mapping[str, int]) -> Verdict:
    if any(comparison.is_shift for comparison in comparisons):
        return "shifted"
    if any(comparison.is_significant for comparison in comparisons):
        return "same, but not i.i.d."
    return "unclear" if _coarsest_effect(counts) > HARMLESS else "same"


def _coarsest_effect(counts: Mapping[str, int]) -> float:
    """The K-S statistic that the pair of the two smallest sets reaches by chance in one case of twenty."""
    smaller, larger = sorted(counts.values())[:2]
    return KS_CRITICAL * math.sqrt(1 / smaller + 1 / larger)


def _unseen_classes(sets: Mapping[str, SplitProfile]) -> Iterator[Finding]:
    (first, reference), *others = sets.items()
    if reference.labels is None or reference.labels.is_bucketed:
        return
    for name, found in others:
        unseen = {label: n for label, n in found.class_counts.items() if label not in reference.labels.counts}
        if unseen and found.labels is not None and not found.labels.is_bucketed:
            named = ", ".join(f"{label} ({n:,})" for label, n in list(unseen.items())[:NAMED])
            more = f" and {len(unseen) - NAMED} more" if len(unseen) > NAMED else ""
            message = f"{name} holds classes that {first} lacks: {named}{more}; no model can have learned them"
            yield Finding(f"{name}_has_unseen_classes", "warning", message)


def _findings(comparisons: Sequence[Comparison], verdict: Verdict, counts: Mapping[str, int]) -> Iterator[Finding]:
    if verdict == "unclear":
        needed = math.ceil(2 * (KS_CRITICAL / HARMLESS) ** 2 / 100) * 100
        read = ", ".join(f"{name} {n:,}" for name, n in counts.items())
        message = (
            "no difference was found, but one that matters could hide in so few examples "
            f"({read}): {needed:,} in each would tell"
        )
        yield Finding("unclear_distribution", "note", message)
    significant = [one for one in comparisons if one.is_significant]
    for earlier, later in itertools.combinations(counts, 2):
        if of_pair := [one for one in significant if (one.earlier, one.later) == (earlier, later)]:
            yield _difference(earlier, later, of_pair)


def _difference(earlier: str, later: str, found: Sequence[Comparison]) -> Finding:
    is_shift = any(one.is_shift for one in found)
    by_column: dict[str, Comparison] = {}
    for one in sorted(found, key=lambda one: (one.is_shift != is_shift, one.test == "components", one.what != LABEL)):
        by_column.setdefault(one.what, one)
    named = ", ".join(one.in_words() for one in list(by_column.values())[:NAMED])
    more = f" and {len(by_column) - NAMED} more" if len(by_column) > NAMED else ""
    code = f"{later}_differs_from_{earlier}"
    if not is_shift:
        message = f"{earlier} and {later} are not drawn alike, but differ too little to matter: {named}{more}"
        return Finding(code, "note", message)
    if earlier == "train":
        advice = "a train-dev set, held out of the training data, tells variance from data mismatch"
        return Finding(code, "warning", f"{earlier} and {later} differ in {named}{more}: {advice}")
    advice = "draw both from the data that the model is for"
    return Finding(code, "error", f"{earlier} and {later} differ in {named}{more}: {advice}")
