"""Epochs whose dev error is within noise of the lowest one: any of them may be the best.

An epoch is beyond noise if its error is higher than the lowest by more than a one-sided 95 % limit for comparisons with the
best of several (Hsu 1981, "Simultaneous confidence intervals for all distances from the best"). Its quantile is bounded by
Šidák's, for the comparisons share the best epoch and are positively correlated. Of two epochs that were measured on the same
examples only the examples that differ count, as in McNemar's test; where it is not known which were wrong, the errors are
compared as if of different examples, which is too wide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.error_rates.intervals import Rate, Z, difference_interval
from bvtrack.error_rates.optimism import NORMAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """The amount by which an epoch's error is higher than the best one's, and its standard deviation."""

    value: float
    deviation: float

    def is_noise(self, n_compared: int) -> bool:
        """True if noise alone may explain it, where so many epochs are compared with the best."""
        return self.value <= quantile(n_compared) * self.deviation


def quantile(n_compared: int) -> float:
    """The one-sided 95 % quantile of the highest of so many normal values, by Šidák; at least the two-sided one of a single
    comparison, for the best epoch is known to be the lower one.

    >>> round(quantile(1), 2), round(quantile(10), 2)
    (1.96, 2.57)
    """
    return max(Z, NORMAL.inv_cdf(CONFIDENCE ** (1 / max(n_compared, 1))))


def paired_difference(later: NDArray[Any], best: NDArray[Any]) -> Difference:
    """The difference of the mean errors `[n]` of the same examples. Of errors that are 0 or 1 (booleans), half an example is
    added to each of the four cells (Agresti and Min 2005), so that few discordant examples tell little.

    >>> import numpy as np
    >>> one, other = np.array([True, False, True, False]), np.array([True, False, False, False])
    >>> paired_difference(one, other).value
    0.25
    """
    import numpy as np

    if later.dtype == best.dtype == bool:
        both = int(np.count_nonzero(later & best))
        return of_counts(int(np.count_nonzero(later)) - both, int(np.count_nonzero(best)) - both, len(later))
    differences = later.astype(np.float64) - best
    n = len(differences)
    return Difference(float(differences.mean()), float(differences.std(ddof=min(n - 1, 1))) / math.sqrt(n))


def of_counts(only_later: int, only_best: int, n: int) -> Difference:
    """The difference of two error rates on the same `n` examples, of which so many are wrong in one of the epochs only."""
    variance = (only_later + only_best + 1 - (only_later - only_best) ** 2 / (n + 2)) / (n + 2)
    return Difference((only_later - only_best) / n, math.sqrt(max(variance, 0.0) / (n + 2)))


def unpaired_difference(later: Rate, best: Rate) -> Difference | None:
    """The same as if measured on different examples, by their intervals; `None` without these."""
    if not (later.has_interval and best.has_interval):
        return None
    value = later.error - best.error
    return Difference(value, (value - difference_interval(later, best)[0]) / Z)


def within_noise(differences: Mapping[int, Difference]) -> list[int]:
    """The epochs that are within noise of the best, in order. Only those that may be the best, by the quantile for all, count
    as compared: how many hopeless ones were before tells nothing of these.
    """
    contenders = [epoch for epoch, one in differences.items() if one.is_noise(len(differences))]
    return sorted(epoch for epoch in contenders if differences[epoch].is_noise(len(contenders)))
