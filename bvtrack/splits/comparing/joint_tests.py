"""Multivariate two-sample tests of numeric columns: all their means at once, and the dependence of each pair."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvtrack.special import f_tail, normal_cdf
from bvtrack.splits.comparing.two_sample import DEPENDENCE, MOST_KURTOSIS, UPPER_80, Test, pooled_moments
from bvtrack.splits.profiling.binning import scores
from bvtrack.splits.profiling.counts import Counts, paired_columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FEWEST_EFFECTIVE_PAIRS = 20
"""Minimum effective sample size per set for the mean product of two columns; of two normal columns one example in nine
counts."""
EXAMPLES_PER_COMPONENT = 10
"""Hotelling's test uses one principal component for every ten examples of the smaller set."""
SMALLEST_VARIANCE = 1e-3
"""Principal components with less than this share of the average variance are rounding errors."""
COMPONENTS = 0.2
"""Negligible Mahalanobis distance, twice that of one column: a classifier would tell the sets apart in 56 of 100 cases."""


def joint_tests(one: Counts, other: Counts) -> Iterator[Test]:
    """Hotelling's test of all columns, and a dependence test of each pair of columns."""
    pool = _Pool.of(one, other)
    yield from _component_tests(pool)
    yield from _dependence_test(pool)


@dataclass(frozen=True)
class _Pool:
    """Two sets, pooled as `both`. The `m` paired `columns` that vary have scores with a `mean` and `spread` `[m]` and a
    `correlation` `[m, m]`; `chosen` holds their positions among the paired columns.
    """

    one: Counts
    other: Counts
    both: Counts
    columns: NDArray[np.int64]
    chosen: NDArray[np.int64]
    mean: Array
    spread: Array
    correlation: Array

    @classmethod
    def of(cls, one: Counts, other: Counts) -> _Pool:
        import numpy as np

        both = one + other
        paired = np.array(paired_columns(len(both.codes)), int)
        mean = both.codes[paired] @ scores().astype(float) / both.n
        covariance = both.products / both.n - np.outer(mean, mean)
        chosen = np.flatnonzero(np.diag(covariance) > 1e-9)
        spread = np.sqrt(np.diag(covariance)[chosen])
        correlation = covariance[np.ix_(chosen, chosen)] / np.outer(spread, spread)
        return cls(one, other, both, paired[chosen], chosen, mean[chosen], spread, correlation)

    @property
    def smaller(self) -> int:
        """Size of the smaller set."""
        return min(self.one.n, self.other.n)

    def means_of(self, counts: Counts) -> Array:
        """Mean scores `[m]` of one of the sets."""
        found: Array = counts.codes[self.columns] @ scores().astype(float) / counts.n
        return found

    def products_of(self, counts: Counts) -> Array:
        """Mean products `[m, m]` of the scores of one of the sets, centred on the pooled means, in units of the spreads."""
        import numpy as np

        cross = np.outer(self.mean, self.means_of(counts))
        products = counts.products[np.ix_(self.chosen, self.chosen)] / counts.n
        found: Array = (products - cross - cross.T + np.outer(self.mean, self.mean)) / np.outer(self.spread, self.spread)
        return found

    def variance_of_products(self) -> Array:
        """E[x²y²] - E[xy]² in units of the spreads, not centred: only slightly too large, as the means are small."""
        import numpy as np

        chosen, both = np.ix_(self.chosen, self.chosen), self.both
        variance = both.squares[chosen] / both.n - (both.products[chosen] / both.n) ** 2
        found: Array = variance / np.outer(self.spread, self.spread) ** 2
        return found


def _component_tests(pool: _Pool) -> Iterator[Test]:
    """Hotelling's T-squared on the largest principal components: detects many small mean shifts across all columns."""
    import numpy as np

    if not len(pool.columns):
        return
    values, vectors = np.linalg.eigh(pool.correlation)
    m = min(int((values > SMALLEST_VARIANCE).sum()), pool.smaller // EXAMPLES_PER_COMPONENT)
    if m < 2:
        return
    moved = ((pool.means_of(pool.other) - pool.means_of(pool.one)) / pool.spread) @ vectors[:, -m:]
    n = pool.one.n + pool.other.n
    per_n = pool.one.n * pool.other.n / n
    pooled_t = per_n * float((moved**2 / values[-m:]).sum())  # by the total covariance, which includes the mean difference
    share = min(pooled_t / n, 1 - 1e-12)
    statistic = share / (1 - share) * (n - m - 1) / m
    p_value = float(f_tail(statistic, between=m, within=n - m - 1))
    excess = max(pooled_t - m, 0.0)
    high = math.sqrt((excess + UPPER_80 * math.sqrt(2 * m + 4 * excess)) / per_n)
    effect = math.sqrt(excess / per_n)
    yield Test("components", ["all columns"], np.array([p_value]), np.array([effect]), np.array([high]), 0.3, COMPONENTS)


def _dependence_test(pool: _Pool) -> Iterator[Test]:
    """Test whether two columns are equally correlated in both sets, by the mean product of their scores, pair by pair."""
    import numpy as np

    if len(pool.columns) < 2:
        return
    variance = pool.variance_of_products()
    rows, columns = np.nonzero(_tested_pairs(pool) & (variance > 1e-9))
    if not len(rows):
        return
    error = np.sqrt(np.maximum(variance, 1e-12) * (1 / pool.one.n + 1 / pool.other.n))[rows, columns]
    effects = abs(pool.products_of(pool.other) - pool.products_of(pool.one))[rows, columns]
    whats = list(zip(pool.columns[rows].tolist(), pool.columns[columns].tolist(), strict=True))
    p_values = 2 * normal_cdf(-effects / error)
    yield Test("dependence", whats, p_values, effects, effects + UPPER_80 * error, 0.1, DEPENDENCE)


def _tested_pairs(pool: _Pool) -> NDArray[np.bool_]:
    """Mask `[m, m]` of the pairs to test, each once, where the effective sample size suffices."""
    import numpy as np

    _, _, _, kurtosis = pooled_moments(pool.both.codes[pool.columns].astype(float), scores().astype(float))
    is_even = kurtosis < MOST_KURTOSIS
    is_enough = np.outer(kurtosis, kurtosis) * FEWEST_EFFECTIVE_PAIRS <= pool.smaller
    found: NDArray[np.bool_] = np.outer(is_even, is_even) & np.triu(is_enough, 1)
    return found
