"""The value of one metric at each point of another, by their steps or by the times they were logged at."""

from __future__ import annotations

import bisect
import math

from bvtrack.logged.series import Series
from bvtrack.logged.unknown import Unknown

SLACK = 0.1
"""Places by step and by time that differ by up to this share of the curve agree: loggers hold values back for a while …"""
FEWEST_SLACK = 2
"""… and an epoch's values are logged in any order."""
SPACINGS = 1.5
"""Two curves end together if their last steps are at most so many times the larger of their distances between steps apart."""
EARLIER = 2
"""A dev curve at steps of the other may end this many times earlier: somebody stopped to measure it."""
SMOOTHED = 0.1
"""The value at a point is the mean of the last values since the previous one, this share of them, as one alone may be that of a
single batch; of fewer than 20 it is the last."""

OTHER_STEPS = Unknown(
    "steps of different kinds",
    "its train and its dev metric count steps in different ways, and their times do not tell which values belong together",
)


def values_at(series: Series, dev: Series) -> list[float] | Unknown:
    """The value of `series` at each point of `dev`: the last one up to there, or the mean of the last few if there are many;
    before its first point, the first. The reason why not, if neither steps nor times tell.
    """
    places = _places(series, dev)
    if places is None:
        return OTHER_STEPS
    return [_value(series, start, end) for start, end in zip([0, *places[:-1]], places, strict=True)]


def _value(series: Series, start: int, end: int) -> float:
    """The value after the first `end` points, of which those from `start` on came since the previous point."""
    n = max(1, int(SMOOTHED * (end - start)))
    some = [point.value for point in (series.points[max(end - n, 0) : end] or series.points[:1])]
    return math.fsum(some) / len(some) if all(map(math.isfinite, some)) else math.nan


def _places(series: Series, dev: Series) -> list[int] | None:
    """The number of points of `series` up to each point of `dev`; `None` if it cannot be told."""
    by_time = _by_time(series, dev)
    if len(dev) == 1 and len(series) > 1 and dev.points[0].step == 0:
        return [1] if by_time == [0] else [len(series)]  # no step was given: all is over, unless it was before
    steps = series.steps
    by_step = [bisect.bisect_right(steps, point.step) for point in dev.points]
    are_alike = series.has_steps == dev.has_steps and _end_together(series, dev)
    if are_alike and (by_time is None or _agree(by_step, by_time, len(series))):
        return by_step
    if by_time is not None:
        is_exact = len(dev) == 1 and are_alike and dev.points[0].step in series.steps
        return None if is_exact else by_time
    if len(series) == len(dev) and len(dev) > 1:
        return list(range(1, len(dev) + 1))
    return None


def _by_time(series: Series, dev: Series) -> list[int] | None:
    """The places by time; `None` if times do not tell, because all of one curve was logged at once, or after the other."""
    if not series.is_in_time or (len(dev) > 1 and not dev.is_in_time):
        return None
    times = series.times
    places = [bisect.bisect_right(times, point.timestamp) for point in dev.points]
    return None if len(dev) > 1 and places[0] == places[-1] else places


def _end_together(series: Series, dev: Series) -> bool:
    """True if the last step of each is near the other's; a single point need not be the last, nor points at the same steps."""
    first, last, end = series.points[0].step, series.points[-1].step, dev.points[-1].step
    near = SPACINGS * max(series.spacing, dev.spacing, 1.0)
    if len(dev) == 1:
        return first <= end <= last + near
    return abs(last - end) <= near or (last <= EARLIER * end and set(dev.steps) <= set(series.steps))


def _agree(by_step: list[int], by_time: list[int], n: int) -> bool:
    slack = max(FEWEST_SLACK, SLACK * n, n / len(by_step) if len(by_step) > 1 else 0)
    return all(abs(one - other) <= slack for one, other in zip(by_step, by_time, strict=True))
