from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack.curves.stretches import Stretches
from bvtrack.curves.trend import Moments, Trend

CURVES = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=100)


def added_up(curve: list[float | None], most: int) -> Stretches:
    found = Stretches(most)
    for place, value in enumerate(curve):
        found.add(place, value)
    return found


def moments(curve: list[float | None], begin: int) -> Moments | None:
    points = [(place, value) for place, value in enumerate(curve) if value is not None and place >= begin]
    return Moments.of(points) if points else None


@given(curve=CURVES, most=st.integers(1, 20), begin=st.integers(-5, 99))
def test_the_points_since_a_place_are_told_from_the_beginning_of_its_stretch(
    curve: list[float | None], most: int, begin: int
) -> None:
    found = added_up(curve, most)
    expected = moments(curve, max(begin, 0) // found.length * found.length)

    assert (found.since(begin) is None) == (expected is None)
    assert found.since(begin) == (expected and pytest.approx(expected, abs=1e-9))


@given(curve=CURVES, most=st.integers(1, 20))
def test_there_are_never_more_stretches_than_asked_for(curve: list[float | None], most: int) -> None:
    found = added_up(curve, most)

    assert all(len(column) == math.ceil(len(curve) / found.length) <= most for column in found.state()["columns"])
    assert found.length == 1 or len(curve) > most


@given(curve=CURVES, most=st.integers(1, 20), data=st.data())
def test_a_value_that_is_taken_back_was_never_there(curve: list[float | None], most: int, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(range(len(curve))))
    found = added_up(curve, most)
    value = curve[place]
    if value is not None:
        found.subtract(place, value)
    without = added_up([*curve[:place], None, *curve[place + 1 :]], most)

    assert found.since(0) == (without.since(0) and pytest.approx(without.since(0), abs=1e-9))


def test_stretches_go_on_from_their_state() -> None:
    found = added_up([0.1, None, 0.3, 0.2, 0.15], 3)

    again = Stretches.again(3, json.loads(json.dumps(found.state())))
    for one in (found, again):
        one.add(5, 0.7)
        one.add(6, 0.1)

    assert again.state() == found.state()


@given(values=st.lists(st.integers(0, 1000), min_size=3, max_size=50))
def test_the_line_of_sums_is_the_line_of_points(values: list[int]) -> None:
    points = [(epoch, 0.1 + value / 1000) for epoch, value in enumerate(values)]
    sums = zip(*((1, x, x * x, y, x * y, y * y) for x, y in points), strict=True)

    found = Moments.of_sums(*map(sum, sums)).line(len(values) - 1)

    assert found == pytest.approx(Moments.of(points).line(len(values) - 1), abs=1e-6)


def test_a_line_falls_by_its_slope_and_ends_on_itself() -> None:
    drop, end, noise = Moments.of([(0, 0.5), (1, 0.4), (2, 0.3)]).line(2)

    assert (drop, end, noise) == pytest.approx((0.25, 0.75, 0), abs=1e-7)


def test_a_curve_without_values_has_no_trend() -> None:
    trend = Trend.of([None, math.nan])

    assert (trend.n_values, trend.recent) == (0, None)
