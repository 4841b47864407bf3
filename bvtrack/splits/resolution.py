"""How exactly a held-out set measures an error, by its number of examples."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bvtrack.error_rates.intervals import Z, half_width
from bvtrack.measures.percent import percent
from bvtrack.measures.unit import Unit

TYPICAL_ERROR = 0.10
"""The error rate for which precision is stated if none is known."""
WIDEST = 0.3
"""Largest half-width that is good enough, as a share of the error: ±3 points of a 10 % error, as 385 examples have it."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The precision of errors of one kind, which are called `of`, in short `heading`.

    `half_width` gives half of the 95 % interval for a number of examples, as a fraction, and `unit` is what percentages of that
    are of. A set whose half-width is above `widest` is too small; `smallest_gap` is the sentence about a split's.
    """

    of: str
    heading: str
    half_width: Callable[[int], float]
    unit: str
    widest: float
    smallest_gap: str

    def told(self, width: float) -> str:
        """A half-width in words.

        >>> OF_RATES.told(0.031), OF_QUANTITIES.told(0.295)
        ('±3.1 points', '±29.5 % of it')
        """
        return f"±{100 * width:.1f} {self.unit}"

    def clause(self, width: float) -> str:
        """The end of a sentence on a set."""
        return f" and measures {self.of} to {self.told(width)}"


def _of_squares(n: int) -> float:
    """Half of the 95 % interval of a mean of squares, relative to it. For n normal errors its variance is 2/n of its square, by
    the chi-squared distribution; longer tails make it wider.
    """
    return Z * math.sqrt(2 / n)


OF_RATES = Resolution(
    of=f"a {percent(TYPICAL_ERROR)} error",
    heading=f"{100 * TYPICAL_ERROR:.0f} % error",
    half_width=lambda n: half_width(TYPICAL_ERROR, n),
    unit="points",
    widest=WIDEST * TYPICAL_ERROR,
    smallest_gap=f"at a dev error of {100 * TYPICAL_ERROR:.0f} %: {{:.1f}} points",
)
OF_QUANTITIES = Resolution(
    of="a mean squared error",
    heading="mean squared error",
    half_width=_of_squares,
    unit="% of it",
    widest=WIDEST,
    smallest_gap="{:.1f} % of the dev set's mean squared error",
)
_CLAUSE = re.compile(r" and (?:measures|knows) (?P<of>.+?) to ±[\d.]+ (?:points|% of it)")
"""In the findings of this version, and of those before."""


def resolution_of(*, is_of_quantities: bool) -> Resolution:
    """The precision of a regression's errors, or of error rates."""
    return OF_QUANTITIES if is_of_quantities else OF_RATES


def speaks_of(unit: Unit, *, is_of_quantities: bool) -> bool:
    """True if the precision of a split is one of errors of this unit."""
    return unit.is_of_targets if is_of_quantities else unit.is_error_rate


def without_precision(message: str, unit: Unit) -> str:
    """A finding's message without the precision of another kind of errors than the run's.

    >>> without_precision("the dev set has 88 examples and measures a 10.0 % error to ±6.3 points", Unit("score"))
    'the dev set has 88 examples'
    """
    found = _CLAUSE.search(message)
    if found is None or speaks_of(unit, is_of_quantities=found["of"] == OF_QUANTITIES.of):
        return message
    return message[: found.start()] + message[found.end() :]


def told(widths: Mapping[str, float], resolution: Resolution) -> dict[str, str]:
    """The half-widths by set in words."""
    return {name: resolution.told(width) for name, width in widths.items()}
