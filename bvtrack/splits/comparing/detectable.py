"""The smallest differences between two sets that their comparison would have found, in four cases of five.

A test that finds nothing says little by itself; what it would have found says how much (Cohen 1988, "Statistical power
analysis for the behavioral sciences", whose convention is a power of 80 %). Each is at the share of alpha that Holm's
correction leaves the test: a difference that other tests see as well is found more often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.special import chi_square_quantile, noncentrality, normal_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

POWER = 0.8
IN_WORDS = {
    ("mean", False): "{:.2g} standard deviations in a column",
    ("mean", True): "{:.2g} standard deviations in the targets",
    ("classes", True): "{:.2g} points in the classes' shares",
    ("names", False): "{:.2g} points in the shares of a column's values",
}
"""By the test, and True for one of labels."""
IN_POINTS = ("classes", "names")


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest difference between two sets that a test finds with `POWER`, in the column where it finds the least.

    `size` is in standard deviations for `mean`, else a total variation distance in [0, 1]; one below `harmless` does not
    matter.
    """

    earlier: str
    later: str
    test: str
    is_of_labels: bool
    size: float
    harmless: float

    @property
    def is_harmless(self) -> bool:
        """True if no difference that matters would have been missed, but in one case of five."""
        return self.size <= self.harmless

    def in_words(self) -> str:
        """The size and what it is of.

        >>> Detectable("train", "dev", "mean", False, 0.304, 0.1).in_words()
        '0.3 standard deviations in a column'
        """
        size = 100 * self.size if self.test in IN_POINTS else self.size
        return IN_WORDS[self.test, self.is_of_labels].format(float(f"{size:.2g}")).replace("e+02", "00")


def mean_shift(alpha: float, error: float) -> float:
    """The shift of a mean, in standard deviations, that a two-sided test at `alpha` finds; `error` is the standard error of the
    difference.

    >>> round(mean_shift(0.05, 0.1), 2)
    0.28
    """
    return (normal_quantile(POWER) - normal_quantile(alpha / 2)) * error


def moved_share(alpha: float, counts: Sequence[float], n_a: float, n_b: float) -> float:
    """The share of the examples that must move from some classes to the others, the total variation distance, for a chi-squared
    test at `alpha` to find it; `counts` are the pooled ones by class.

    The classes are those between which it is hardest to find: together they hold about half of the examples.

    >>> round(moved_share(0.05, [500, 500], 500, 500), 3)
    0.089
    """
    degrees = len(counts) - 1
    if degrees < 1:
        return 1.0
    moved = noncentrality(chi_square_quantile(alpha, degrees=degrees), degrees=degrees, power=POWER)
    half = _share_of_half(counts)
    return min(1.0, math.sqrt(moved * half * (1 - half) * (1 / n_a + 1 / n_b)))


def _share_of_half(counts: Sequence[float]) -> float:
    """The share of some classes that hold about half of all examples, the largest class first."""
    total, held = sum(counts), 0.0
    for count in sorted(counts, reverse=True):
        if abs(held + count - total / 2) < abs(held - total / 2):
            held += count
    return held / total


def in_words(found: Sequence[Detectable]) -> str:
    """The coarsest of each kind, as the end of a sentence; empty without any.

    >>> in_words([Detectable("train", "dev", "names", False, 0.043, 0.05)])
    "4.3 points in the shares of a column's values"
    """
    coarsest: dict[tuple[str, bool], Detectable] = {}
    for one in found:
        kind = (one.test, one.is_of_labels)
        if kind not in coarsest or one.size > coarsest[kind].size:
            coarsest[kind] = one
    *others, last = [coarsest[kind].in_words() for kind in IN_WORDS if kind in coarsest] or [""]
    return f"{', of '.join(others)} or of {last}" if others else last


def from_json(content: Any) -> tuple[Detectable, ...]:
    """Those in a report that was written as JSON; none in one of an older version. Raises `TypeError` for other content."""
    return tuple(Detectable(**one) for one in content or ())
