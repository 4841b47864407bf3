"""Two-sample tests on counts, each with an effect size.

Under the null hypothesis both sets are drawn from one pool, so variances and skews are the pool's. Every test has a name, the
columns it looks at, p-values, and effects with the upper ends of their 80 % intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.special import binomial_tail, chi_square_tail, kolmogorov_tail, normal_cdf, regularized_gamma
from bvtrack.splits.comparing.detectable import mean_shift, moved_share
from bvtrack.splits.profiling.binning import INFINITE, MISSING, N_CODES, fine_scores
from bvtrack.splits.profiling.counts import Counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

UPPER_80 = 1.2816
"""Standard errors from an estimate to the upper end of its 80 % interval. The p-value says whether a difference is real; this
end says how large it may be."""
FEWEST_EFFECTIVE = 30
"""Minimum effective sample size per set: a nearly constant column counts by its other values."""
LEAST_KURTOSIS, MOST_KURTOSIS = 1.2, 6.0
"""Spread and dependence are tested only for columns in this range, where they say more than the mean: two equally frequent
values have a kurtosis of 1, a normal distribution 3, a column that is constant in nine of ten examples 8."""
LEAST_SKEW = 1e-3
"""Below this skew a normal distribution is as good."""
FEWEST_EXPECTED = 5
"""Minimum expected count in a cell of a chi-squared test (Cochran); rarer classes are pooled."""


@dataclass(frozen=True)
class Test:
    """One test of several columns (or pairs of columns) `whats`, with `p_values`, `effects` and `highs`, the upper ends of the
    effects' 80 % intervals. `weight` is the test's share of alpha; effects below `harmless` are negligible. `smallest` is the
    smallest effect in any column that is found at an alpha, where that is known.
    """

    name: str
    whats: list[Any]
    p_values: Array
    effects: Array
    highs: Array
    weight: float
    harmless: float
    smallest: Callable[[float], float] | None = None


MEAN = SPREAD = DEPENDENCE = 0.1
"""Negligible shift of a mean, in standard deviations, change of a log standard deviation, and change of a correlation."""
SHARE = 0.05
"""Negligible Kolmogorov-Smirnov statistic, total variation distance or difference in shares of examples: a mean shift of 0.1
standard deviations changes the first by about this much (0.04)."""
FILLED = SHARE / 2
"""Negligible difference in the share of a single value, and of missing or infinite values: half of `SHARE`, because these
rarely differ by chance."""


def numeric_tests(one: Counts, other: Counts) -> Iterator[Test]:
    """The tests that look at one numeric column at a time."""
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
    """Counts `[d, k]` of some `columns` in two sets, and their totals `[d]`."""

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
        """Size of the smaller set, by column."""
        import numpy as np

        found: Array = np.minimum(self.n_a, self.n_b)
        return found

    @property
    def error(self) -> Array:
        """Standard error of a difference of means, in standard deviations, by column."""
        import numpy as np

        found: Array = np.sqrt(1 / self.n_a + 1 / self.n_b)
        return found


def pooled_moments(pooled: Array, values: Array) -> tuple[Array, Array, Array, Array]:
    """Mean, variance, skew and kurtosis by column, from counts `[d, k]` of `values` (`[k]` or `[d, k]`)."""
    import numpy as np

    n = pooled.sum(axis=1)
    mean = (pooled * values).sum(axis=1) / n
    apart = values - mean[:, None]
    variance, third, fourth = ((pooled * apart**power).sum(axis=1) / n for power in (2, 3, 4))
    safe = np.where(variance > 0, variance, 1.0)
    return mean, variance, third / safe**1.5, fourth / safe**2


def _difference_of_means(pair: _Pair, values: Array, variance: Array, skew: Array) -> tuple[Array, Array]:
    """P-values of the differences between the means of `values`, and the differences in pooled standard deviations.

    The p-values are from a Pearson type III distribution with the skew of a random division of the pool (Mielke and Berry):
    rare values make it far from normal.
    """
    import numpy as np

    means = [(counts * values).sum(axis=1) / n for counts, n in ((pair.a, pair.n_a), (pair.b, pair.n_b))]
    difference = (means[1] - means[0]) / np.sqrt(variance)
    return _pearson_iii(difference / pair.error, skew, pair.n_a, pair.n_b), difference


def _mean_test(pair: _Pair) -> Test:
    values = fine_scores()[:N_CODES]
    _, variance, skew, kurtosis = pooled_moments(pair.pooled, values)
    kept = (variance > 0) & (pair.smaller >= FEWEST_EFFECTIVE * kurtosis)
    pair = pair.only(kept)
    p_values, difference = _difference_of_means(pair, values, variance[kept], skew[kept])
    effects = abs(difference)
    highs, most = effects + UPPER_80 * pair.error, float(pair.error.max(initial=0.0))
    return Test("mean", list(pair.columns), p_values, effects, highs, 0.2, MEAN, lambda alpha: mean_shift(alpha, most))


def _spread_test(pair: _Pair) -> Test:
    """Compare the mean squared distance from the pooled mean; a column of two values has no spread apart from its mean."""
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
    scale = np.sqrt(variance) / (2 * average)  # delta method: to the log standard deviation
    effects = abs(difference) * scale
    highs = effects + UPPER_80 * pair.error * scale
    return Test("spread", list(pair.columns), p_values, effects, highs, 0.1, SPREAD)


def _pearson_iii(z: Array, skew: Array, n_a: Array, n_b: Array) -> Array:
    """Two-sided p-values of standardised differences from a pool with this skew, by a shifted gamma distribution."""
    import numpy as np

    skew = skew * (n_a - n_b) / np.sqrt(n_a * n_b * (n_a + n_b))
    size, z = abs(skew), np.where(skew < 0, -z, z)
    shape = 4 / np.maximum(size, LEAST_SKEW) ** 2
    x = np.maximum(shape + z * np.sqrt(shape), 0.0)
    found: Array = np.minimum(
        1.0, 2 * np.where(size < LEAST_SKEW, normal_cdf(-abs(z)), np.minimum(*regularized_gamma(shape, x)))
    )
    return found


def _distribution_test(pair: _Pair) -> Test:
    """Kolmogorov-Smirnov test of the binned values, which has no more false alarms than a test of the raw values."""
    shares = [counts.cumsum(axis=1) / n[:, None] for counts, n in ((pair.a, pair.n_a), (pair.b, pair.n_b))]
    effects = abs(shares[0] - shares[1]).max(axis=1)
    root = 1 / pair.error
    p_values = kolmogorov_tail((root + 0.12 + 0.11 / root) * effects)  # Stephens 1970
    highs = effects + UPPER_80 * 0.5 * pair.error
    return Test("distribution", list(pair.columns), p_values, effects, highs, 0.1, SHARE)


def _frequent_value_test(pair: _Pair) -> Test:
    """Two-proportion test per column of the mantissa bits whose share differs most: an imputed value stands out there."""
    import numpy as np

    differences = abs(pair.b / pair.n_b[:, None] - pair.a / pair.n_a[:, None])
    pooled = pair.pooled / (pair.n_a + pair.n_b)[:, None]
    error = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-12)) * pair.error[:, None]
    ending = (differences / error).argmax(axis=1)
    rows = np.arange(len(pair.columns))
    n_endings = (pair.pooled > 0).sum(axis=1)
    p_values = np.minimum(1.0, n_endings * _binomial_p_values(pair.a[rows, ending], pair.b[rows, ending], pair.n_a, pair.n_b))
    effects = differences[rows, ending]
    highs = effects + UPPER_80 * error[rows, ending]
    return Test("frequent value", list(pair.columns), p_values, effects, highs, 0.05, FILLED)


def _share_test(name: str, count_a: NDArray[np.int64], count_b: NDArray[np.int64], n_a: int, n_b: int) -> Test:
    """Two-proportion test per column in which such values occur."""
    import numpy as np

    columns = np.flatnonzero(count_a + count_b)
    a, b = count_a[columns].astype(float), count_b[columns].astype(float)
    effects = abs(b / n_b - a / n_a)
    pooled = (a + b) / (n_a + n_b)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    rarer_a, rarer_b = np.where(pooled > 0.5, (n_a - a, n_b - b), (a, b))
    p_values = _binomial_p_values(rarer_a, rarer_b, np.full(len(a), float(n_a)), np.full(len(b), float(n_b)))
    return Test(name, list(columns), p_values, effects, effects + UPPER_80 * error, 0.025, FILLED)


def _binomial_p_values(count_a: Array, count_b: Array, n_a: Array, n_b: Array) -> Array:
    """Conservative exact binomial test, two-sided, of how counts divide between two sets; it assumes draws with replacement."""
    import numpy as np

    total, share = count_a + count_b, n_b / (n_a + n_b)
    is_more = count_b > total * share  # the other tail is a half at least
    count, probability = np.where(is_more, count_b, count_a), np.where(is_more, share, 1 - share)
    found: Array = np.minimum(1.0, 2 * binomial_tail(count, n=total, probability=probability))
    return found


def class_tests(counts: Mapping[str, tuple[Mapping[str, int], Mapping[str, int]]], name: str) -> Iterator[Test]:
    """Chi-squared test per column of class counts; the effect is the total variation distance, its upper end corrected for
    chance.
    """
    import numpy as np

    tables = [_side_by_side(*pair) for pair in counts.values()]
    if tables:
        found = zip(*(_class_difference(*table) for table in tables), strict=True)
        statistics, degrees, distances, highs = (np.array(values) for values in found)
        p_values = np.where(degrees > 0, chi_square_tail(statistics, degrees=degrees), 1.0)
        yield Test(name, list(counts), p_values, distances, highs, 0.2, SHARE, lambda alpha: _smallest_move(alpha, tables))


def _smallest_move(alpha: float, tables: Sequence[tuple[Array, Array]]) -> float:
    kept = [_pooled_rare(*table) for table in tables]
    return max(moved_share(alpha, table.sum(axis=0), *table.sum(axis=1)) for table in kept)


def _side_by_side(one: Mapping[str, int], other: Mapping[str, int]) -> tuple[Array, Array]:
    import numpy as np

    classes = sorted(one.keys() | other.keys())
    a, b = (np.array([counts.get(name, 0) for name in classes], float) for counts in (one, other))
    return a, b


def _pooled_rare(a: Array, b: Array) -> Array:
    """The table `[2, k]` of the two sets' counts, with the rare classes as one."""
    import numpy as np

    rare = (a + b) / (a.sum() + b.sum()) * min(a.sum(), b.sum()) < FEWEST_EXPECTED
    table: Array = np.array([[*row[~rare], row[rare].sum()] for row in (a, b)])
    return table[:, table.sum(axis=0) > 0]


def _class_difference(a: Array, b: Array) -> tuple[float, int, float, float]:
    """The chi-squared statistic, its degrees of freedom, the total variation distance, and its upper end."""
    import numpy as np

    n_a, n_b = a.sum(), b.sum()
    distance = float(abs(a / n_a - b / n_b).sum() / 2)
    pooled = (a + b) / (n_a + n_b)
    errors = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    by_chance = float(errors.sum() / 2 * math.sqrt(2 / math.pi)) if len(a) > 2 else 0.0
    high = distance - by_chance + UPPER_80 * float(np.sqrt((errors**2).sum()) / 2 * math.sqrt(2))
    kept = _pooled_rare(a, b)
    wanted = np.outer(kept.sum(axis=1), kept.sum(axis=0)) / kept.sum()
    statistic = float(((kept - wanted) ** 2 / wanted).sum())
    return statistic, kept.shape[1] - 1, distance, high
