"""Tests of whether two sets of counts come from one distribution, each with the size of the difference.

Under the null hypothesis both sets are draws from one pool, so variances and skews are those of the pool. Every test names
what it looks at, its p-value, and the effect with the upper end of its 80 % interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.splits.profiling.binning import INFINITE, MISSING, N_CODES, fine_scores
from bvtrack.splits.profiling.counts import Counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

UPPER_80 = 1.2816
"""Standard errors from an estimate to the upper end of its 80 % interval: that the difference is real is for the p-value to
say; this tells how large it may be."""
FEWEST_EFFECTIVE = 30
"""Values that a mean must rest on in each set: a column that is nearly always the same counts by its other values."""
LEAST_KURTOSIS, MOST_KURTOSIS = 1.2, 6.0
"""Of columns whose spread, and dependence on others, say more than their mean does: two values with equal shares have a
kurtosis of 1, a normal distribution 3, and what is the same in nine of ten examples 8."""
LEAST_SKEW = 1e-3
"""Below it a normal distribution is as good."""
FEWEST_EXPECTED = 5
"""Chi-squared wants at least 5 expected examples a cell (Cochran); rarer classes are counted together."""


@dataclass(frozen=True)
class Test:
    """One test: `p_values`, `effects` and `highs` by column (or pair of columns) of `whats`; `weight` is its share of the
    false alarms that are allowed; `highs` are the upper ends of the effects' intervals, and below `harmless` none matters.
    """

    name: str
    whats: list[Any]
    p_values: Array
    effects: Array
    highs: Array
    weight: float
    harmless: float


MEAN = SPREAD = DEPENDENCE = 0.1
"""A moved mean and a changed spread, in standard deviations, and a changed correlation that are harmless."""
SHARE = 0.05
"""The same for a Kolmogorov-Smirnov statistic, a total variation distance or a share of examples: about what a mean moved by
0.1 standard deviations changes the first by (0.04)."""
FILLED = SHARE / 2
"""The same for a single value, and for values that are missing or infinite: half, for they are seldom chance."""


def numeric_tests(one: Counts, other: Counts) -> Iterator[Test]:
    """The tests of each numeric column by itself."""
    import numpy as np

    n = np.array([counts.codes[:, :N_CODES].sum(axis=1) for counts in (one, other)])
    columns = np.flatnonzero((n >= 2).all(axis=0))
    codes = _Pair.of(columns, one.codes[:, :N_CODES], other.codes[:, :N_CODES])
    yield _mean_test(codes)
    yield _spread_test(codes)
    yield _distribution_test(codes)
    yield _frequent_value_test(_Pair.of(columns, one.digits, other.digits))
    for name, code in (("missing", MISSING), ("infinite", INFINITE)):
        yield _share_test(name, one.codes[:, code], other.codes[:, code], one.n, other.n)


@dataclass(frozen=True)
class _Pair:
    """Counts `[d, k]` of some `columns` in two sets, and their sums `[d]`."""

    columns: NDArray[np.int64]
    a: Array
    b: Array
    n_a: Array
    n_b: Array

    @classmethod
    def of(cls, columns: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> _Pair:
        a, b = one[columns].astype(float), other[columns].astype(float)
        return cls(columns, a, b, a.sum(axis=1), b.sum(axis=1))

    def only(self, kept: NDArray[np.bool_]) -> _Pair:
        return _Pair(self.columns[kept], self.a[kept], self.b[kept], self.n_a[kept], self.n_b[kept])

    @property
    def pooled(self) -> Array:
        return self.a + self.b

    @property
    def smaller(self) -> Array:
        """Examples in the smaller set, by column."""
        import numpy as np

        found: Array = np.minimum(self.n_a, self.n_b)
        return found

    @property
    def error(self) -> Array:
        """The standard error of a difference of means, in standard deviations, by column."""
        import numpy as np

        found: Array = np.sqrt(1 / self.n_a + 1 / self.n_b)
        return found


def pooled_moments(pooled: Array, values: Array) -> tuple[Array, Array, Array, Array]:
    """Mean, variance, skew and kurtosis of what columns of counts `[d, k]` count: `values` `[k]`, or `[d, k]`."""
    import numpy as np

    n = pooled.sum(axis=1)
    mean = (pooled * values).sum(axis=1) / n
    apart = values - mean[:, None]
    variance, third, fourth = ((pooled * apart**power).sum(axis=1) / n for power in (2, 3, 4))
    safe = np.where(variance > 0, variance, 1.0)
    return mean, variance, third / safe**1.5, fourth / safe**2


def _difference_of_means(pair: _Pair, values: Array, variance: Array, skew: Array) -> tuple[Array, Array]:
    """The p-values of the differences of the mean of `values`, and these, in standard deviations of the pool.

    The p-values are of a Pearson type III distribution with the skew that a random division of the pool has (Mielke and
    Berry): rare values make it far from normal.
    """
    import numpy as np

    means = [(counts * values).sum(axis=1) / n for counts, n in ((pair.a, pair.n_a), (pair.b, pair.n_b))]
    difference = (means[1] - means[0]) / np.sqrt(variance)
    return _pearson(difference / pair.error, skew, pair.n_a, pair.n_b), difference


def _mean_test(pair: _Pair) -> Test:
    values = fine_scores()[:N_CODES]
    _, variance, skew, kurtosis = pooled_moments(pair.pooled, values)
    kept = (variance > 0) & (pair.smaller >= FEWEST_EFFECTIVE * kurtosis)
    pair = pair.only(kept)
    p_values, difference = _difference_of_means(pair, values, variance[kept], skew[kept])
    effects = abs(difference)
    return Test("mean", list(pair.columns), p_values, effects, effects + UPPER_80 * pair.error, 0.2, MEAN)


def _spread_test(pair: _Pair) -> Test:
    """The mean squared distance from the pool's mean; a column of two values has no spread beside its mean."""
    import numpy as np

    values = fine_scores()[:N_CODES]
    mean, _, _, kurtosis = pooled_moments(pair.pooled, values)
    squares = (values - mean[:, None]) ** 2
    average, variance, skew, kurtosis_of_squares = pooled_moments(pair.pooled, squares)
    kept = (
        (kurtosis > LEAST_KURTOSIS)
        & (kurtosis < MOST_KURTOSIS)
        & (variance > 0)
        & (pair.smaller >= FEWEST_EFFECTIVE * kurtosis_of_squares / 3)
    )
    pair, average, variance = pair.only(kept), average[kept], variance[kept]
    p_values, difference = _difference_of_means(pair, squares[kept], variance, skew[kept])
    scale = np.sqrt(variance) / (2 * average)  # to the logarithm of the standard deviation
    effects = abs(difference) * scale
    highs = effects + UPPER_80 * pair.error * scale
    return Test("spread", list(pair.columns), p_values, effects, highs, 0.1, SPREAD)


def _pearson(z: Array, skew: Array, n_a: Array, n_b: Array) -> Array:
    """Two-sided, of standardised differences whose pool has this skew: the distribution is a gamma distribution, moved."""
    import numpy as np
    from scipy.special import gammainc, gammaincc, ndtr

    skew = skew * (n_a - n_b) / np.sqrt(n_a * n_b * (n_a + n_b))
    size, z = abs(skew), np.where(skew < 0, -z, z)
    shape = 4 / np.maximum(size, LEAST_SKEW) ** 2
    x = np.maximum(shape + z * np.sqrt(shape), 0.0)
    tails = np.minimum(gammaincc(shape, x), gammainc(shape, x))
    found: Array = np.minimum(1.0, 2 * np.where(size < LEAST_SKEW, ndtr(-abs(z)), tails))
    return found


def _distribution_test(pair: _Pair) -> Test:
    """Kolmogorov-Smirnov on the edges: never more alarms than on the values themselves."""
    from scipy.special import kolmogorov

    shares = [counts.cumsum(axis=1) / n[:, None] for counts, n in ((pair.a, pair.n_a), (pair.b, pair.n_b))]
    effects = abs(shares[0] - shares[1]).max(axis=1)
    root = 1 / pair.error
    p_values = kolmogorov((root + 0.12 + 0.11 / root) * effects)  # Stephens 1970
    highs = effects + UPPER_80 * 0.5 * pair.error
    return Test("distribution", list(pair.columns), p_values, effects, highs, 0.1, SHARE)


def _frequent_value_test(pair: _Pair) -> Test:
    """The one ending of the values whose share of examples differs most: a value that was filled in stands out there."""
    import numpy as np

    differences = abs(pair.b / pair.n_b[:, None] - pair.a / pair.n_a[:, None])
    pooled = pair.pooled / (pair.n_a + pair.n_b)[:, None]
    error = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-12)) * pair.error[:, None]
    ending = (differences / error).argmax(axis=1)
    rows = np.arange(len(pair.columns))
    n_endings = (pair.pooled > 0).sum(axis=1)
    p_values = np.minimum(1.0, n_endings * _binomial(pair.a[rows, ending], pair.b[rows, ending], pair.n_a, pair.n_b))
    effects = differences[rows, ending]
    highs = effects + UPPER_80 * error[rows, ending]
    return Test("frequent value", list(pair.columns), p_values, effects, highs, 0.05, FILLED)


def _share_test(name: str, count_a: NDArray[np.int64], count_b: NDArray[np.int64], n_a: int, n_b: int) -> Test:
    """Of the columns in which some values are so."""
    import numpy as np

    columns = np.flatnonzero(count_a + count_b)
    a, b = count_a[columns].astype(float), count_b[columns].astype(float)
    effects = abs(b / n_b - a / n_a)
    pooled = (a + b) / (n_a + n_b)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    full_a, full_b = np.full(len(a), float(n_a)), np.full(len(b), float(n_b))
    p_values = np.where(pooled > 0.5, _binomial(n_a - a, n_b - b, full_a, full_b), _binomial(a, b, full_a, full_b))
    return Test(name, list(columns), p_values, effects, effects + UPPER_80 * error, 0.025, FILLED)


def _binomial(count_a: Array, count_b: Array, n_a: Array, n_b: Array) -> Array:
    """Of how counts are divided between two sets: exact, and never too small, for it draws with replacement."""
    import numpy as np
    from scipy.special import betainc

    total, share = count_a + count_b, n_b / (n_a + n_b)
    with np.errstate(invalid="ignore"):
        at_least = np.where(count_b > 0, betainc(np.maximum(count_b, 1), np.maximum(total - count_b, 0) + 1, share), 1.0)
        at_most = np.where(count_a > 0, betainc(np.maximum(count_a, 1), np.maximum(total - count_a, 0) + 1, 1 - share), 1.0)
    found: Array = np.minimum(1.0, 2 * np.minimum(at_least, at_most))
    return found


def class_tests(counts: Mapping[str, tuple[Mapping[str, int], Mapping[str, int]]], name: str) -> Iterator[Test]:
    """Of the counts of classes by column: chi-squared, with the total variation distance beyond what chance gives."""
    import numpy as np

    found = [_class_test(*_side_by_side(*pair)) for pair in counts.values()]
    if found:
        p_values, distances, highs = (np.array(values) for values in zip(*found, strict=True))
        yield Test(name, list(counts), p_values, distances, highs, 0.2, SHARE)


def _side_by_side(one: Mapping[str, int], other: Mapping[str, int]) -> tuple[Array, Array]:
    import numpy as np

    classes = sorted(one.keys() | other.keys())
    a, b = (np.array([counts.get(name, 0) for name in classes], float) for counts in (one, other))
    return a, b


def _class_test(a: Array, b: Array) -> tuple[float, float, float]:
    import numpy as np
    from scipy.special import chdtrc

    n_a, n_b = a.sum(), b.sum()
    distance = float(abs(a / n_a - b / n_b).sum() / 2)
    pooled = (a + b) / (n_a + n_b)
    errors = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    by_chance = float(errors.sum() / 2 * math.sqrt(2 / math.pi)) if len(a) > 2 else 0.0
    high = distance - by_chance + UPPER_80 * float(np.sqrt((errors**2).sum()) / 2 * math.sqrt(2))
    expected = pooled * min(n_a, n_b)
    rare = expected < FEWEST_EXPECTED
    table = np.array([[*row[~rare], row[rare].sum()] for row in (a, b)])
    table = table[:, table.sum(axis=0) > 0]
    wanted = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    p_value = float(chdtrc(table.shape[1] - 1, ((table - wanted) ** 2 / wanted).sum())) if table.shape[1] > 1 else 1.0
    return p_value, distance, high
