"""Tests of whether numeric columns, taken together, come from one distribution: all their means, and each pair's dependence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bvtrack.data.coding import scores
from bvtrack.data.counting import Counts, paired_columns
from bvtrack.data.two_sample import DEPENDENCE, MOST_KURTOSIS, UPPER_80, Test, pooled_moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FEWEST_EFFECTIVE_PAIRS = 20
"""Examples that the mean product of two columns must rest on in each set; of two normal columns one in nine counts."""
EXAMPLES_PER_COMPONENT = 10
"""Hotelling's test looks at so many principal components that each has ten examples of the smaller set."""
SMALLEST_VARIANCE = 1e-3
"""Principal components with less of the average variance are rounding."""
COMPONENTS = 0.2
"""Over all columns together the harmless size is twice that of one: a classifier would know the sets apart in 56 of 100."""


def joint_tests(one: Counts, other: Counts) -> Iterator[Test]:
    """Hotelling's test of all columns, and one of each pair of columns."""
    yield from _component_tests(one, other)
    yield from _dependence_test(one, other)


def _covariance(one: Counts, other: Counts) -> tuple[Any, ...]:
    """Of the paired columns that vary: which they are, the difference of means, and the pool's covariance, correlations."""
    import numpy as np

    paired = np.array(paired_columns(len(one.codes)), int)
    score = scores()
    sums = [counts.codes[paired] @ score.astype(float) for counts in (one, other)]
    n = one.n + other.n
    mean = (sums[0] + sums[1]) / n
    products = (one.products + other.products).astype(float) / n
    covariance = products - mean[:, None] * mean[None, :]
    kept = np.flatnonzero(np.diag(covariance) > 1e-9)
    difference = sums[1] / other.n - sums[0] / one.n
    return paired, kept, mean, difference, covariance


def _component_tests(one: Counts, other: Counts) -> Iterator[Test]:
    """Hotelling's T-squared on the largest principal components: many small moves of means, all columns together."""
    import numpy as np
    from scipy.special import fdtrc

    _, kept, _, difference, covariance = _covariance(one, other)
    if not len(kept):
        return
    spread = np.sqrt(np.diag(covariance)[kept])
    correlation = covariance[np.ix_(kept, kept)] / np.outer(spread, spread)
    values, vectors = np.linalg.eigh(correlation)
    smaller = min(one.n, other.n)
    m = min(int((values > SMALLEST_VARIANCE).sum()), smaller // EXAMPLES_PER_COMPONENT)
    if m < 2:
        return
    moved = (difference[kept] / spread) @ vectors[:, -m:]
    per_n = one.n * other.n / (one.n + other.n)
    n = one.n + other.n
    pooled_t = per_n * float((moved**2 / values[-m:]).sum())  # of the total covariance, the differences of means included
    share = min(pooled_t / n, 1 - 1e-12)
    statistic = share / (1 - share) * (n - m - 1) / m
    p_value = float(fdtrc(m, n - m - 1, statistic))
    excess = max(pooled_t - m, 0.0)
    high = math.sqrt((excess + UPPER_80 * math.sqrt(2 * m + 4 * excess)) / per_n)
    effect = math.sqrt(excess / per_n)
    yield Test("components", ["all columns"], np.array([p_value]), np.array([effect]), np.array([high]), 0.3, COMPONENTS)


def _dependence_test(one: Counts, other: Counts) -> Iterator[Test]:
    """Whether two columns go together as much in both sets: the mean product of their scores, pair by pair."""
    import numpy as np
    from scipy.special import ndtr

    paired, kept, mean, _, covariance = _covariance(one, other)
    codes = (one.codes + other.codes)[paired[kept]].astype(float)
    if len(kept) < 2:
        return
    _, _, _, kurtosis = pooled_moments(codes, scores().astype(float))
    spread = np.sqrt(np.diag(covariance)[kept])
    score = scores().astype(float)

    def mean_product(counts: Counts) -> Array:
        """Of scores less the pool's mean."""
        own = counts.codes[paired[kept]] @ score / counts.n
        cross = mean[kept][:, None] * own[None, :]
        found: Array = counts.products[np.ix_(kept, kept)] / counts.n - cross - cross.T + np.outer(mean[kept], mean[kept])
        return found

    scale = np.outer(spread, spread)
    a, b = mean_product(one) / scale, mean_product(other) / scale
    variance = _variance_of_products(one, other, paired, kept, mean[kept]) / scale**2
    error = np.sqrt(np.maximum(variance, 1e-12) * (1 / one.n + 1 / other.n))
    is_even = kurtosis < MOST_KURTOSIS
    is_tested = (
        np.outer(is_even, is_even)
        & np.triu(np.outer(kurtosis, kurtosis) * FEWEST_EFFECTIVE_PAIRS <= min(one.n, other.n), 1)
        & (variance > 1e-9)
    )
    rows, columns = np.nonzero(is_tested)
    if not len(rows):
        return
    effects = abs(b - a)[is_tested]
    p_values = 2 * ndtr(-effects / error[is_tested])
    whats = list(zip(paired[kept[rows]].tolist(), paired[kept[columns]].tolist(), strict=True))
    yield Test("dependence", whats, p_values, effects, effects + UPPER_80 * error[is_tested], 0.1, DEPENDENCE)


def _variance_of_products(one: Counts, other: Counts, paired: Any, kept: Any, mean: Array) -> Array:
    """Of the products in the pool: E[x²y²] - E[xy]², a little more than about the means, which are small beside the spreads."""
    import numpy as np

    n = one.n + other.n
    chosen = np.ix_(kept, kept)
    squares = (one.squares + other.squares)[chosen] / n
    products = (one.products + other.products)[chosen] / n
    found: Array = squares - products**2
    return found
