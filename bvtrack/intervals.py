"""How sure an error, or the difference of two errors, is: 95 % intervals from the counts.

An error rate gets Wilson's score interval, a difference of two independent rates Newcombe's hybrid of two of them
(Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An error as a fraction in [0, 1] and the number of examples it was measured on (`None`: not known)."""

    error: float
    n: int | None = None

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval. Raises `ValueError` where the number of examples is not known."""
        if self.n is None:
            raise ValueError("an interval needs the number of examples behind the error; got n=None; pass n_train=, n_dev= …")
        return _wilson(min(round(self.error * self.n), self.n), self.n)


@functools.cache
def _wilson(wrong: int, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest  # half a second of import that a bare `import bvtrack` need not pay

    ends = binomtest(wrong, n).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)


def difference_interval(later: Rate, earlier: Rate) -> tuple[float, float]:
    """Newcombe's 95 % interval of `later.error - earlier.error`, the two measured on different examples."""
    later_low, later_high = later.interval()
    earlier_low, earlier_high = earlier.interval()
    difference = later.error - earlier.error
    below = math.hypot(later.error - later_low, earlier_high - earlier.error)
    above = math.hypot(later_high - later.error, earlier.error - earlier_low)
    return difference - below, difference + above


def examples_to_tell(gap: float, *errors: float) -> int:
    """About how many examples behind each of `errors` make a 95 % interval of `gap` exclude 0 (two significant digits).

    Give the measured errors on both sides of the gap; a human error is taken as known exactly and is left out.
    """
    variance = sum(error * (1 - error) for error in errors)
    needed = math.ceil(Z**2 * variance / gap**2)
    step: int = 10 ** max(len(str(needed)) - 2, 0)
    return math.ceil(needed / step) * step


def half_width(error: float, n: int) -> float:
    """Half the width of a 95 % interval of `error` measured on `n` examples (normal approximation)."""
    return Z * math.sqrt(error * (1 - error) / n)
