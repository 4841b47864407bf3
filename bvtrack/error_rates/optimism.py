"""How much too low a dev error is whose epoch was chosen by it: the lowest of many noisy ones.

The lowest of K independent errors lies sqrt(2 ln K) standard deviations below what a new dev set would show, at most on
average (the winner's curse; Efron 2011, "Tweedie's formula and selection bias"). Dev errors of one training are of the same
examples, so that only the part of their noise that differs between epochs is chosen by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, variance

from bvtrack.error_rates.intervals import Rate, Z

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Optimism:
    """The amount, as a fraction, by which the lowest of `n_epochs` noisy dev errors is `expected` to be too low, and which it
    is at `most` on average, if each was measured on examples of its own.
    """

    expected: float = 0.0
    most: float = 0.0
    n_epochs: int = 1

    @classmethod
    def of(cls, dev: Rate, n_epochs: int, expected: float | None = None) -> Optimism:
        """That of the lowest of so many dev errors; `expected` defaults to that of independent ones, 0 without an interval."""
        noise = deviation(dev) if dev.has_interval else 0.0
        found = noise * expected_extreme(n_epochs) if expected is None else expected
        return cls(found, max(noise * reach(n_epochs), found), n_epochs)


NO_OPTIMISM = Optimism()
"""That of an error that was not chosen."""


def deviation(rate: Rate) -> float:
    """The standard deviation of an error, from the upper half of its interval: that of an error of 0 is more than 0."""
    return (rate.interval()[1] - rate.error) / Z


def reach(n: int) -> float:
    """How far the lowest of `n` independent values lies below their mean, at most on average, in standard deviations."""
    return math.sqrt(2 * math.log(n))


def expected_extreme(n: int) -> float:
    """How far the lowest of `n` independent normal values is expected below their mean, in standard deviations (Blom 1958).

    >>> round(expected_extreme(10), 2), round(expected_extreme(1000), 2)
    (1.55, 3.23)
    """
    return NORMAL.inv_cdf((n - 0.375) / (n + 0.25)) if n > 1 else 0.0


def expected_optimism(n_epochs: int, *, spread: float, noise: float) -> float:
    """The optimism of the lowest of errors that differ by `spread`, of which at most `noise` is noise: the lowest one regresses
    to the mean by the share of their variance that is noise.
    """
    return expected_extreme(n_epochs) * min(spread, noise**2 / spread) if spread > 0 else 0.0


def optimism_of_best(errors: Sequence[float], best: Rate) -> Optimism:
    """The optimism of the lowest of several models' errors on the same examples; none without its interval."""
    if not best.has_interval:
        return NO_OPTIMISM
    noise = deviation(best)
    close = [error for error in errors if error <= best.error + 2 * reach(len(errors)) * noise]
    n = len(close)
    spread = math.sqrt(variance(close) + noise**2 / n) if n > 1 else 0.0
    return Optimism(expected_optimism(n, spread=spread, noise=noise), noise * reach(n), n)
