"""What a sender knows of the points that a run has already: each of them, in a few bytes."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from bvtrack.store.metric_point import Point
from bvtrack.store.stored_history import StoredHistory

FEW = st.integers(-2, 5)
POINTS = st.lists(st.builds(Point, FEW, FEW, st.sampled_from([0.0, 0.1, 0.5, 1.0])), max_size=30)


@given(POINTS, st.builds(Point, FEW, FEW, st.sampled_from([0.0, 0.1, 0.5, 1.0])))
def test_a_point_is_known_by_its_step_its_time_and_its_value(points: list[Point], asked: Point) -> None:
    history = StoredHistory(points)

    assert (asked in history) == (asked in points)
    assert all(point in history for point in points)
    assert history.timestamp == max([point.timestamp for point in points], default=0)


@given(POINTS, FEW)
def test_of_the_points_of_a_step_the_newest_counts_and_of_two_at_one_time_the_one_stored_later(
    points: list[Point], step: int
) -> None:
    newest: Point | None = None
    for point in points:
        if point.step == step and (newest is None or newest.timestamp <= point.timestamp):
            newest = point

    assert StoredHistory(points).newest_value(step) == (newest.value if newest else None)


def test_a_hundred_thousand_points_take_two_and_a_half_megabytes() -> None:
    tracemalloc.start()
    history = StoredHistory(Point(step, 1_700_000_000_000 + step, 1 / (step + 1)) for step in range(100_000))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 3_000_000
    assert Point(99_999, 1_700_000_099_999, 1 / 100_000) in history
