"""The points of one metric that a run has, at 24 bytes each: a long run has millions."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from bvtrack.store.metric_point import Point


class StoredHistory:
    """Finds points by their step.

    >>> history = StoredHistory([Point(0, 1_000, 0.5), Point(0, 2_000, 0.4)])
    >>> Point(0, 1_000, 0.5) in history
    True
    >>> history.newest_value(0), history.newest_value(1), history.timestamp
    (0.4, None, 2000)
    """

    def __init__(self, points: Iterable[Point]) -> None:
        ordered = sorted(points, key=lambda point: point[:2])  # of two at one time, the one that was stored later is newer
        self._steps = array("q", (point.step for point in ordered))
        self._times = array("q", (point.timestamp for point in ordered))
        self._values = array("d", (point.value for point in ordered))

    @property
    def timestamp(self) -> int:
        """The time of the newest point in milliseconds since the Unix epoch; 0 where there is none."""
        return max(self._times, default=0)

    def __contains__(self, point: Point) -> bool:
        return any((self._times[row], self._values[row]) == point[1:] for row in self._rows_of(point.step))

    def newest_value(self, step: int) -> float | None:
        """The value that was measured last at a step; `None` where there is none."""
        rows = self._rows_of(step)
        return self._values[rows[-1]] if rows else None

    def _rows_of(self, step: int) -> range:
        return range(bisect_left(self._steps, step), bisect_right(self._steps, step))
