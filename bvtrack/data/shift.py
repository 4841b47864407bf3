"""Do train, dev and test come from the same distribution? Labels first, then features, with an effect size to each p-value.

Features and continuous targets: Kolmogorov-Smirnov, whose statistic is its effect size. Classes: chi-squared, with the total
variation distance. Holm's correction runs over all tests of all pairs, so one verdict has one false-alarm rate.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.data.finding import Finding
from bvtrack.gaps import ROUNDING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

Verdict = Literal["same", "same, but not i.i.d.", "shifted", "unclear"]
LABEL = "label"
ALPHA = 0.05
FLOOR = 0.02
"""A significant difference is a shift from this effect on; below it the sets are not i.i.d. but the same in practice.
(A mean moved by 5 % of a standard deviation changes the K-S statistic by 0.02.)"""
HARMLESS = 0.05
"""Sets that could hide no effect of this size are the same; smaller sets leave it unclear."""
KS_CRITICAL = 1.358
"""The 95 % quantile of the Kolmogorov distribution."""
NAMES = "US"
"""The kinds of NumPy's text types."""
MAX_CLASSES = 1000
MAX_COLUMNS = 256
"""Of wider data, this many columns are compared, spread evenly over all of them."""
FEWEST_VALUES = 2
"""A column with fewer values in a set is not compared: the asymptotic K-S test has no p-value there."""
FEWEST_EXPECTED = 5
"""Chi-squared wants at least 5 expected examples a cell (Cochran); rarer classes are counted together."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one pair of sets: what was compared, Holm's p-value and the effect (K-S statistic or total variation)."""

    earlier: str
    later: str
    what: str
    p_value: float
    effect: float


@dataclass(frozen=True)
class ShiftReport:
    """Whether the sets look alike. `verdict`: `same`, `same, but not i.i.d.`, `shifted` or `unclear`."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...]
    counts: Mapping[str, int]

    @property
    def tag(self) -> str:
        """The value of `bvtrack.distribution`."""
        return self.verdict.replace("same, but not i.i.d.", "not_iid")


def compare_splits(*, train: Any, dev: Any, test: Any = None) -> ShiftReport:
    """Compare the distributions of train, dev and test, by pairs.

    Each set is an array of features `[n_examples, ...]`, or a pair `(features, targets)` with one target an example
    (integers, booleans, strings and one-hot rows are classes, floats are continuous). Missing values (NaN) are left out.

    Raises `ValueError` for an empty set, features and targets of different lengths, or sets of different shapes or kinds.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> compare_splits(train=rng.normal(size=(5000, 3)), dev=rng.normal(0.3, 1, size=(5000, 3))).verdict
    'shifted'
    """
    given = {"train": train, "dev": dev} | ({} if test is None else {"test": test})
    sets = {name: _Columns.of(name, data) for name, data in given.items()}
    _must_match(sets)
    raw = [
        Comparison(earlier, later, what, *_test(what, sets[earlier].columns[what], sets[later].columns[what]))
        for earlier, later in itertools.combinations(sets, 2)
        for what in sets[earlier].columns
    ]
    comparisons = _holm(raw)
    counts = {name: columns.n for name, columns in sets.items()}
    significant = [comparison for comparison in comparisons if comparison.p_value < ALPHA]
    verdict = _verdict(significant, counts)
    return ShiftReport(verdict, tuple(_findings(significant, verdict, counts)), comparisons, counts)


@dataclass(frozen=True)
class _Columns:
    """A set as named columns of one value an example, the label first."""

    n: int
    width: int
    columns: Mapping[str, Array]

    @classmethod
    def of(cls, name: str, data: Any) -> _Columns:
        import numpy as np

        features, targets = data if isinstance(data, tuple) else (data, None)
        features = np.asarray(features)
        n = len(features) if features.ndim else 0
        if n == 0:
            raise ValueError(f"{name} must hold at least one example; got an array of shape {features.shape}")
        if not np.issubdtype(features.dtype, np.number) and features.dtype != bool:
            raise ValueError(f"the features of {name} must be numbers; got dtype {features.dtype}; encode or leave them out")
        flat = features.reshape(n, -1)
        width = flat.shape[1]
        chosen = np.unique(np.linspace(0, width - 1, min(width, MAX_COLUMNS)).astype(int)) if width else ()
        columns = {} if targets is None else {LABEL: _labels(name, targets, n)}
        return cls(n, width, columns | {f"feature {index}": flat[:, index] for index in chosen})


def labels_of(targets: Any) -> Array:
    """Targets as one value an example: a single column is flattened, one-hot rows become class numbers."""
    import numpy as np

    labels: Array = np.asarray(targets)
    if labels.dtype == object:  # what pandas makes of text
        labels = np.asarray(labels.tolist())
        labels = labels.astype(str) if labels.dtype == object else labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    elif labels.ndim == 2 and ((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all():
        labels = labels.argmax(axis=1)
    return labels


def _labels(name: str, targets: Any, n: int) -> Array:
    labels = labels_of(targets)
    if labels.shape != (n,):
        raise ValueError(f"{name} must have one target an example, {n}; got targets of shape {labels.shape}")
    return labels


def _must_match(sets: Mapping[str, _Columns]) -> None:
    (first, reference), *others = sets.items()
    for name, columns in others:
        if columns.width != reference.width or columns.columns.keys() != reference.columns.keys():
            raise ValueError(
                f"{first} and {name} must have the same columns; got {reference.width} and {columns.width} features, "
                f"{'with' if LABEL in reference.columns else 'without'} and "
                f"{'with' if LABEL in columns.columns else 'without'} targets"
            )
        kinds = [found.columns[LABEL].dtype for found in (reference, columns) if LABEL in found.columns]
        if len({dtype.kind in NAMES for dtype in kinds}) > 1:
            raise ValueError(
                f"the targets of {first} and {name} must both be names or both numbers; got {kinds[0]} and {kinds[1]}"
            )


def _test(what: str, earlier: Array, later: Array) -> tuple[float, float]:
    """The p-value and the effect size of one column's difference."""
    if what == LABEL and _are_classes(earlier, later):
        return _chi_squared(earlier, later)
    return _kolmogorov_smirnov(earlier.astype(float), later.astype(float))


def _are_classes(earlier: Array, later: Array) -> bool:
    """Names always are; integers unless there are so many that they must be amounts."""
    import numpy as np

    if earlier.dtype.kind == "f" or later.dtype.kind == "f":
        return False
    return earlier.dtype.kind in NAMES or len(np.union1d(earlier, later)) <= MAX_CLASSES


def _kolmogorov_smirnov(earlier: NDArray[np.float64], later: NDArray[np.float64]) -> tuple[float, float]:
    import numpy as np
    from scipy.stats import ks_2samp

    earlier, later = earlier[~np.isnan(earlier)], later[~np.isnan(later)]
    if min(len(earlier), len(later)) < FEWEST_VALUES:
        return 1.0, 0.0
    result = ks_2samp(earlier, later, method="asymp")
    return float(result.pvalue), float(result.statistic)


def _chi_squared(earlier: Array, later: Array) -> tuple[float, float]:
    import numpy as np
    from scipy.stats import chi2_contingency

    classes, numbers = np.unique(np.concatenate([earlier, later]), return_inverse=True)
    parts = numbers[: len(earlier)], numbers[len(earlier) :]
    table = np.array([np.bincount(part, minlength=len(classes)) for part in parts])
    distance = float(np.abs(table[0] / len(earlier) - table[1] / len(later)).sum() / 2)
    expected = table.sum(axis=0) * min(len(earlier), len(later)) / (len(earlier) + len(later))
    rare = table[:, expected < FEWEST_EXPECTED].sum(axis=1, keepdims=True)
    tested = np.hstack([table[:, expected >= FEWEST_EXPECTED], rare])
    tested = tested[:, tested.sum(axis=0) > 0]
    if tested.shape[1] < 2:
        return 1.0, distance
    return float(chi2_contingency(tested, correction=False).pvalue), distance


def _holm(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons with p-values that hold for all of them together (Holm 1979)."""
    corrected = list(comparisons)
    largest = 0.0
    by_p_value = sorted(range(len(comparisons)), key=lambda index: comparisons[index].p_value)
    for rank, index in enumerate(by_p_value):
        largest = max(largest, min(1.0, (len(comparisons) - rank) * comparisons[index].p_value))
        corrected[index] = replace(comparisons[index], p_value=largest)
    return tuple(corrected)


def _verdict(significant: Sequence[Comparison], counts: Mapping[str, int]) -> Verdict:
    if any(comparison.effect >= FLOOR - ROUNDING for comparison in significant):
        return "shifted"
    if significant:
        return "same, but not i.i.d."
    return "unclear" if _coarsest_effect(counts) > HARMLESS else "same"


def _coarsest_effect(counts: Mapping[str, int]) -> float:
    """The K-S statistic that the pair of the two smallest sets reaches by chance in one case of twenty."""
    smaller, larger = sorted(counts.values())[:2]
    return KS_CRITICAL * math.sqrt(1 / smaller + 1 / larger)


def _findings(significant: Sequence[Comparison], verdict: Verdict, counts: Mapping[str, int]) -> Iterator[Finding]:
    if verdict == "unclear":
        needed = math.ceil(2 * (KS_CRITICAL / HARMLESS) ** 2 / 100) * 100
        read = ", ".join(f"{name} {n:,}" for name, n in counts.items())
        message = (
            "no difference was found, but one that matters could hide in so few examples "
            f"({read}): {needed:,} in each would tell"
        )
        yield Finding("unclear_distribution", "note", message)
    for (earlier, later), group in itertools.groupby(significant, key=lambda found: (found.earlier, found.later)):
        found = sorted(group, key=lambda comparison: (comparison.what != LABEL, -comparison.effect))
        yield _difference(earlier, later, found)


def _difference(earlier: str, later: str, found: Sequence[Comparison]) -> Finding:
    named = ", ".join(f"{one.what} (effect {one.effect:.3f}, p {one.p_value:.1g})" for one in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    code = f"{later}_differs_from_{earlier}"
    if max(one.effect for one in found) < FLOOR - ROUNDING:
        return Finding(
            code, "note", f"{earlier} and {later} are not drawn alike, but differ too little to matter: {named}{more}"
        )
    if earlier == "train":
        advice = "a train-dev set, held out of the training data, tells variance from data mismatch"
        return Finding(code, "warning", f"{earlier} and {later} differ in {named}{more}: {advice}")
    advice = "draw both from the data that the model is for"
    return Finding(code, "error", f"{earlier} and {later} differ in {named}{more}: {advice}")
