"""A metric's curve as it was logged: steps may be missing, or start again with another fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bvtrack.store.metric_point import Point


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one fit in the order of their steps, one a step; `has_steps` is false if they are numbered by time."""

    points: Sequence[Point]
    has_steps: bool = True

    def __len__(self) -> int:
        return len(self.points)

    @property
    def steps(self) -> list[int]:
        return [point.step for point in self.points]

    @property
    def times(self) -> list[int]:
        """The times in milliseconds, in ascending order."""
        return sorted(point.timestamp for point in self.points)

    @property
    def spacing(self) -> float:
        """The mean distance of two steps."""
        return (self.points[-1].step - self.points[0].step) / max(len(self) - 1, 1)

    @property
    def is_in_time(self) -> bool:
        """True if the points were logged one after the other, as far as their times tell."""
        return len({point.timestamp for point in self.points}) > 1


def series_of(points: Iterable[Point]) -> Series:
    """The points of the last fit: the newest value at each step, or, where no step was given, one a time.

    >>> [point.value for point in series_of([Point(0, 10, 0.9), Point(0, 20, 0.7)]).points]
    [0.9, 0.7]
    >>> [point.value for point in series_of([Point(0, 1, 0.9), Point(1, 2, 0.7), Point(0, 3, 0.5), Point(1, 4, 0.4)]).points]
    [0.5, 0.4]
    """
    in_time = sorted(points, key=lambda point: (point.timestamp, point.step))
    if not any(point.step for point in in_time):
        by_time = {point.timestamp: point for point in in_time}.values()
        return Series([point._replace(step=place) for place, point in enumerate(by_time)], has_steps=len(by_time) == 1)
    newest = {point.step: point for point in _last_fit(in_time)}
    return Series(sorted(newest.values()))


def _last_fit(points: Sequence[Point]) -> Sequence[Point]:
    """The points from the last restart on; a single one that comes after a curve, without a step, repeats what it ended with.

    A fit restarts where the step falls back to the first one: one that goes on from a checkpoint does not fall so far.
    """
    starts = [0]
    for place, (before, point) in enumerate(pairwise(points), start=1):
        if point.step < before.step and point.step <= points[starts[-1]].step:
            starts.append(place)
    while len(starts) > 1 and len(points) - starts[-1] == 1:
        points = points[: starts.pop()]
    return points[starts[-1] :]
