"""Where a curve is heading: its best, its end, and the line through its last third."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bvtrack.curves.curve import Outline

RECENT, FEWEST_RECENT = 1 / 3, 4
"""The present slope is that of the last third of the epochs, of four at least."""


class Moments(NamedTuple):
    """Of some points of a curve: how many, their means, and the sums of squares and products around these."""

    n: int
    middle: float
    level: float
    spread: float
    common: float
    scatter: float

    @classmethod
    def of(cls, points: Sequence[tuple[int, float]]) -> Moments:
        """Those of points (epoch, value), of which there must be one."""
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
        """The same from the sums over the points; `x` are their epochs, of which sums are exact however large."""
        return cls(n, x / n, y / n, (n * xx - x * x) / n, xy - x * y / n, yy - y * y / n)

    def line(self, end: int) -> tuple[float, float, float]:
        """The line through the points, as shares of their level: its drop an epoch, its value at the epoch `end`, and the
        scatter around it. There must be three.
        """
        slope = -self.common / self.spread
        residue = max(self.scatter - slope**2 * self.spread, 0.0)
        at_end = self.level - slope * (end - self.middle)
        return slope / self.level, at_end / self.level, math.sqrt(residue / (self.n - 2)) / self.level


@dataclass(frozen=True, slots=True)
class Trend:
    """What a forecast needs of a curve: how many finite values it has, the `best` and the `last` of them and the epoch of that,
    whether it ends there or in what is no number, and its `recent` points.
    """

    n_values: int
    best: float
    last: float
    last_epoch: int
    ends_finite: bool
    recent: Moments | None

    @classmethod
    def of(cls, curve: Sequence[float | None]) -> Trend:
        """That of a curve by epoch, `None` where there is no value."""
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
        """That of a curve with this outline and these recent points."""
        last_epoch, last = outline.last_finite
        return cls(outline.n_finite, outline.lowest[1], last, last_epoch, outline.last[0] == last_epoch, recent)


def first_recent(last: int) -> int:
    """The first epoch of the last third of a curve whose last epoch is `last`."""
    return last + 1 - max(FEWEST_RECENT, math.ceil(RECENT * (last + 1)))
