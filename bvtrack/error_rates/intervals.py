"""95 % intervals of errors and of their differences, from the numbers of examples.

An error rate gets Wilson's score interval, a difference of two independent rates Newcombe's hybrid of two of them (Newcombe
1998, "Interval estimation for the difference between independent proportions", method 10). The same hybrid combines any two
intervals, such as those of a bootstrap (Zou and Donner 2008, "Construction of confidence limits about effect measures").
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, replace

from bvtrack.error_rates.spread import Spread

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An error as a fraction in [0, 1], and the number of examples it was measured on or, if it is not a share of examples, the
    `bounds` of its 95 % interval; neither if unknown. Its `optimism` is the amount by which it is expected to be too low
    because it was chosen as the lowest of several (see `optimism.py`). The mean over repeats of a training has a `spread`; its
    `n` is the number of examples that all of them were measured on.
    """

    error: float
    n: int | None = None
    bounds: tuple[float, float] | None = None
    optimism: float = 0.0
    spread: Spread | None = None

    @property
    def has_interval(self) -> bool:
        """True if the noise of its examples is known: from their number, or from a spread over different dev sets."""
        shows_noise = self.spread is not None and not self.spread.shares_examples
        return self.n is not None or self.bounds is not None or shows_noise

    def interval(self) -> tuple[float, float]:
        """`bounds`, else Wilson's 95 % interval. Raises `ValueError` if neither is known.

        The upper end is that of the error that is expected without the optimism.
        """
        if self.spread is not None:
            low, high = self.of_examples.interval()
            below = self.spread.joined(self.error - low)
            above = self.spread.joined(high - self.error - self.optimism) + self.optimism
            return max(self.error - below, 0.0), min(self.error + above, 1.0)
        if self.optimism:
            later = Rate(min(self.error + self.optimism, 1.0), self.n, self._raised_bounds)
            return Rate(self.error, self.n, self.bounds).interval()[0], later.interval()[1]
        if self.bounds is not None:
            return self.bounds
        if self.n is None:
            raise ValueError("an interval needs the number of examples behind the error; got n=None; pass n_train=, n_dev= …")
        weight = Z**2 / self.n
        centre = self.error + weight / 2
        half = Z * math.sqrt(self.error * (1 - self.error) / self.n + weight / self.n / 4)
        low = (centre - half) / (1 + weight) if self.error > 0 else 0.0
        high = (centre + half) / (1 + weight) if self.error < 1 else 1.0
        return max(low, 0.0), min(high, 1.0)

    @property
    def of_examples(self) -> Rate:
        """The same without its spread: the noise of its examples alone, none where their number is not known."""
        alone = replace(self, spread=None)
        return alone if alone.has_interval else replace(alone, bounds=(self.error, self.error))

    @property
    def _raised_bounds(self) -> tuple[float, float] | None:
        return None if self.bounds is None else (self.bounds[0], self.bounds[1] + self.optimism)


def difference_interval(later: Rate, earlier: Rate) -> tuple[float, float]:
    """The 95 % interval of `later.error - earlier.error`, which were measured on different examples.

    Noise adds up as its squares do; an optimism shifts an end by itself. Of two means over the same repeats, the spread is that
    of the difference in each repeat.
    """
    if later.spread is not None and earlier.spread is not None:
        spread, difference = later.spread.minus(earlier.spread), later.error - earlier.error
        low, high = difference_interval(later.of_examples, earlier.of_examples)
        below = spread.joined(difference - earlier.optimism - low) + earlier.optimism
        above = spread.joined(high - difference - later.optimism) + later.optimism
        return difference - below, difference + above
    later_low, later_high = later.interval()
    earlier_low, earlier_high = earlier.interval()
    difference = later.error - earlier.error
    below = math.hypot(later.error - later_low, earlier_high - earlier.error - earlier.optimism)
    above = math.hypot(later_high - later.error - later.optimism, earlier.error - earlier_low)
    return difference - below - earlier.optimism, difference + above + later.optimism


def examples_to_tell(later: float, earlier: float, *, earlier_is_known: bool = False) -> int:
    """Approximate number of examples behind each error for the 95 % interval of `later - earlier` to exclude 0.

    Rounded up to two significant digits. With `earlier_is_known` the earlier error is exact, as a human error is assumed to be.
    Raises `ValueError` if `later` is not the larger one.
    """
    if later <= earlier:
        raise ValueError(f"a gap to tell from 0 is above 0; got the errors {later!r} and {earlier!r}")

    def tells(n: int) -> bool:
        low = (
            Rate(later, n).interval()[0] - earlier
            if earlier_is_known
            else difference_interval(Rate(later, n), Rate(earlier, n))[0]
        )
        return low > 0

    enough = 1
    while not tells(enough):
        enough *= 2
    needed = bisect.bisect_left(range(enough + 1), True, lo=1, key=tells)
    step: int = 10 ** max(len(str(needed)) - 2, 0)
    return math.ceil(needed / step) * step


def half_width(error: float, n: int) -> float:
    """Half the width of a 95 % interval of `error` measured on `n` examples (normal approximation)."""
    return Z * math.sqrt(error * (1 - error) / n)
