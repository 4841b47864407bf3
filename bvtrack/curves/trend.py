"""The trend of a curve: its best value, its end, and the regression line through its last third."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bvtrack.curves.outline import Outline

RECENT, FEWEST_RECENT = 1 / 3, 4
"""The current slope is that of the last third of the epochs, of at least four."""


class Moments(NamedTuple):
    """Moments of points of a curve: their number, their means, and the centred sums of squares and products."""

    n: int
    middle: float
    level: float
    spread: float
    common: float
    scatter: float

    @classmethod
    def of(cls, points: Sequence[tuple[int, float]]) -> Moments:
        """The moments of points (epoch, value), of which there must be one."""
        n = len(points)
        middle, level = sum(epoch for epoch, _ in points) / n, sum(value for _, value in points) / n
        return cls(
            n,
            middle,
            level,
            sum((epoch - middle) ** 2 for epoch, _ in points),
            sum((epoch - middle) * value for epoch, value in points),
            sum((value - level) ** 2 for _, value in points),
        )

    @classmethod
    def of_sums(cls, n: int, x: int, xx: int, y: float, xy: float, yy: float) -> Moments:
        """The moments from sums over the points; sums of their epochs `x` are exact integers of any size."""
        return cls(n, x / n, y / n, (n * xx - x * x) / n, xy - x * y / n, yy - y * y / n)

    def line(self, end: int) -> tuple[float, float, float]:
        """The regression line relative to the mean value: its drop per epoch, its value at the epoch `end`, and the residual
        standard deviation. There must be three points.
        """
        slope = -self.common / self.spread
        residue = max(self.scatter - slope**2 * self.spread, 0.0)
        at_end = self.level - slope * (end - self.middle)
        return slope / self.level, at_end / self.level, math.sqrt(residue / (self.n - 2)) / self.level


@dataclass(frozen=True, slots=True)
class Trend:
    """The summary of a curve for a forecast: the number of finite values, the `best` and the `last` of them, the epoch of the
    last, whether the curve ends there or in a value that is not finite, and the moments of its `recent` points.
    """

    n_values: int
    best: float
    last: float
    last_epoch: int
    ends_finite: bool
    recent: Moments | None

    @classmethod
    def of(cls, curve: Sequence[float | None]) -> Trend:
        """The trend of a curve by epoch, `None` for missing values."""
        outline = Outline()
        values = [(epoch, value) for epoch, value in enumerate(curve) if value is not None]
        for epoch, value in values:
            outline.add(epoch, value)
        points = [(epoch, value) for epoch, value in values if math.isfinite(value)]
        begin = first_recent(outline.last_finite[0])
        recent = [point for point in points if point[0] >= begin]
        if len(recent) < FEWEST_RECENT:
            recent = points[-FEWEST_RECENT:]
        return cls.along(outline, Moments.of(recent) if recent else None)

    @classmethod
    def along(cls, outline: Outline, recent: Moments | None) -> Trend:
        """The trend of a curve with this outline and these moments of the recent points."""
        last_epoch, last = outline.last_finite
        return cls(outline.n_finite, outline.lowest[1], last, last_epoch, outline.last[0] == last_epoch, recent)


def first_recent(last: int) -> int:
    """The first epoch of the last third of a curve that ends at the epoch `last`."""
    return last + 1 - max(FEWEST_RECENT, math.ceil(RECENT * (last + 1)))
