from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import classify_curve
from bvtrack.curves import curve as classes
from bvtrack.curves.curve import Shape

FALLING = [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
CURVES = st.lists(st.none() | st.floats())


@pytest.mark.parametrize(("last", "curve"), [(0.4299, "converged"), (0.43, "converged"), (0.4301, "overtrained")])
def test_a_dev_error_far_above_its_best_is_overtrained(last: float, curve: str) -> None:
    answer = classify_curve(FALLING, [0.5, 0.4, 0.41, 0.41, 0.41, last])

    assert answer == curve


@pytest.mark.parametrize(("last", "curve"), [(0.0199, "converged"), (0.02, "overtrained"), (0.0201, "overtrained")])
def test_a_dev_error_that_rose_by_less_than_a_point_is_not_overtrained(last: float, curve: str) -> None:
    answer = classify_curve(FALLING, [0.5, 0.01, 0.012, 0.012, 0.012, last])

    assert answer == curve


@pytest.mark.parametrize(("last", "curve"), [(0.42, "converged"), (0.4201, "unstable")])
def test_a_dev_error_that_rises_with_the_train_error_is_unstable(last: float, curve: str) -> None:
    answer = classify_curve([0.5, 0.2, 0.3, 0.3, 0.3, 0.3], [0.5, 0.4, 0.41, 0.41, 0.41, last])

    assert answer == curve


def test_a_dev_error_that_rises_beside_a_flat_train_error_is_overtrained() -> None:
    answer = classify_curve([0.5, 0.2, 0.2, 0.2, 0.2, 0.2], [0.5, 0.3, 0.3, 0.3, 0.3, 0.4])

    assert answer == "overtrained"


def test_a_dev_error_that_rises_without_any_train_error_is_overtrained() -> None:
    answer = classify_curve([], [0.5, 0.2, 0.3, 0.4, 0.4, 0.4])

    assert answer == "overtrained"


@pytest.mark.parametrize(
    ("dev_curve", "curve"),
    [
        ([0.5, 0.4, 0.3, 0.301, 0.302], "converged"),
        ([0.5, 0.4, 0.31, 0.3, 0.301], "learning"),
        ([0.5, 0.4, 0.32, 0.31, 0.3], "learning"),
    ],
)
def test_a_best_epoch_in_the_last_quarter_is_still_learning(dev_curve: list[float], curve: str) -> None:
    answer = classify_curve(FALLING[:5], dev_curve)

    assert answer == curve


def test_the_earliest_of_equal_best_epochs_counts() -> None:
    answer = classify_curve(FALLING[:5], [0.5, 0.3, 0.3, 0.3, 0.3])

    assert answer == "converged"


def test_a_single_epoch_is_still_learning() -> None:
    answer = classify_curve([0.3], [0.4])

    assert answer == "learning"


@pytest.mark.parametrize(("best", "curve"), [(0.4904, "learning"), (0.4905, "not_learning"), (0.4906, "not_learning")])
def test_an_error_within_two_percent_of_chance_is_not_learning(best: float, curve: str) -> None:
    answer = classify_curve([0.5, 0.5], [0.5, best], chance=0.5)

    assert answer == curve


def test_a_train_error_below_chance_is_learning_whatever_dev_does() -> None:
    answer = classify_curve([0.5, 0.1], [0.5, 0.5], chance=0.5)

    assert answer != "not_learning"


def test_a_first_epoch_at_chance_is_not_held_against_a_run() -> None:
    answer = classify_curve([0.5], [0.5], chance=0.5)

    assert answer == "learning"


def test_an_error_above_one_half_is_not_judged_without_chance() -> None:
    answer = classify_curve([0.9, 0.9], [0.9, 0.89])

    assert answer == "learning"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("curves", [(0, 1), (1, 0), (0, 0)])
def test_a_last_value_that_is_not_finite_is_diverged(value: float, curves: tuple[int, int]) -> None:
    train, dev = ([0.5, value] if which == 0 else [0.5, 0.4] for which in curves)

    answer = classify_curve(train, dev)

    assert answer == "diverged"


@pytest.mark.parametrize(("last", "curve"), [(7.0, "not_learning"), (7.1, "diverged")])
def test_a_loss_above_seven_times_chance_has_diverged(last: float, curve: str) -> None:
    answer = classify_curve([1.0, 1.0, 1.0], [1.0, 1.0, last], chance=1.0)

    assert answer == curve


def test_a_loss_that_blew_up_and_came_back_to_chance_alone_has_diverged() -> None:
    answer = classify_curve([1.0, 9.0, 1.0], [1.0, 9.0, 1.0], chance=1.0)

    assert answer == "diverged"


def test_a_loss_that_blew_up_and_came_back_below_chance_has_not_diverged() -> None:
    answer = classify_curve([1.0, 9.0, 0.5], [1.0, 9.0, 0.6], chance=1.0)

    assert answer == "learning"


@pytest.mark.parametrize(("last", "curve"), [(14.0, "converged"), (14.1, "diverged")])
def test_without_chance_the_first_value_is_the_yardstick(last: float, curve: str) -> None:
    answer = classify_curve([2.0, 1.9, 1.8, 1.8, last], [2.0, 1.9, 1.8, 1.8, 1.8])

    assert answer == curve


def test_no_error_rate_is_so_high_that_it_has_diverged() -> None:
    answer = classify_curve([0.1, 0.05, 1.0], [0.1, 0.05, 1.0], chance=0.1)

    assert answer != "diverged"


@pytest.mark.parametrize(("n_dev", "curve"), [(50, "converged"), (10_000, "overtrained")])
def test_a_rise_that_may_be_chance_is_no_overtraining(n_dev: int, curve: str) -> None:
    answer = classify_curve(FALLING, [0.5, 0.3, 0.3, 0.3, 0.3, 0.34], n_dev=n_dev)

    assert answer == curve


@pytest.mark.parametrize(("train_rise", "curve"), [(0.025, "overtrained"), (0.0251, "unstable")])
def test_a_rise_that_is_mostly_the_dev_errors_own_is_overtraining(train_rise: float, curve: str) -> None:
    answer = classify_curve([0.5, 0.2, 0.2, 0.2, 0.2, 0.2 + train_rise], [0.5, 0.3, 0.3, 0.3, 0.3, 0.4])

    assert answer == curve


def test_a_run_that_recovered_is_not_diverged() -> None:
    answer = classify_curve([0.5, math.nan, 0.3], [0.5, math.nan, 0.3])

    assert answer == "learning"


def test_the_train_curve_decides_where_there_is_no_dev_value() -> None:
    answer = classify_curve([0.5, 0.2, 0.2, 0.2, 0.2], [None, None, None, None, None])

    assert answer == "converged"


def test_epochs_without_a_value_are_left_out() -> None:
    answer = classify_curve([0.5, 0.3], [None, 0.5, None, 0.3])

    assert answer == "learning"


@pytest.mark.parametrize("empty", [[], [None], [None, None]])
def test_curves_without_any_value_are_refused(empty: list[float | None]) -> None:
    with pytest.raises(ValueError, match="expected at least one value in train_curve or dev_curve; got none"):
        classify_curve(empty, empty)


@given(train=CURVES, dev=CURVES, last=st.floats(), chance=st.none() | st.floats(0, 1))
def test_every_curve_with_a_value_has_a_shape_of_the_contract(
    train: list[float | None], dev: list[float | None], last: float, chance: float | None
) -> None:
    answer = classify_curve(train, [*dev, last], chance)

    assert answer in classes.CURVES


@given(dev=st.lists(st.floats(0, 1), min_size=1))
def test_a_curve_that_only_falls_is_never_overtrained(dev: list[float]) -> None:
    falling = sorted(dev, reverse=True)

    answer = classify_curve(falling, falling)

    assert answer in {"learning", "converged", "not_learning"}


def test_a_loss_that_blew_up_again_is_judged_by_what_came_after() -> None:
    answer = classify_curve([1.0, 9.0, 0.5, 9.0, 1.0], [1.0, 9.0, 0.5, 9.0, 1.0], chance=1.0)

    assert answer == "diverged"


CHANCE = math.log(2)


@pytest.mark.parametrize(("tail", "curve"), [(0.6802, "not_learning"), (0.679, "converged")])
def test_without_chance_a_loss_that_came_down_to_a_guess_among_two_is_not_learning(tail: float, curve: str) -> None:
    falling = [2.5, 1.4, 0.8] + 6 * [tail]

    assert classify_curve(falling, falling) == curve


@pytest.mark.parametrize(("dev", "curve"), [(1.82, "not_learning"), (1.9, "converged")])
def test_without_chance_a_loss_that_is_flat_from_the_first_is_not_learning_unless_dev_differs(dev: float, curve: str) -> None:
    assert classify_curve(8 * [1.8], 8 * [dev]) == curve


def test_without_chance_four_epochs_are_too_few_to_say_that_nothing_is_learned() -> None:
    assert classify_curve(4 * [1.8], 4 * [1.8]) == "converged"


def test_without_chance_a_loss_that_ends_above_where_it_began_has_diverged() -> None:
    rising = [1.0, 0.9, 1.1, 1.15, 1.21]

    assert classify_curve(rising, rising) == "diverged"
    assert classify_curve([1.0, 0.8, 0.5, 0.3, 0.1], rising) == "overtrained"


def test_without_chance_a_loss_that_blew_up_and_never_came_back_has_diverged() -> None:
    assert classify_curve([1.0, 9.0, 2.0, 1.1, 1.0], [1.0, 9.0, 2.0, 1.1, 1.0]) == "diverged"
    assert classify_curve([1.0, 9.0, 2.0, 1.1, 0.5], [1.0, 9.0, 2.0, 1.1, 0.5]) == "learning"


@given(scale=st.integers(-20, 20), curve=st.lists(st.floats(0.125, 2), min_size=5, max_size=30))
def test_the_shape_of_a_loss_does_not_depend_on_its_unit(scale: int, curve: list[float]) -> None:
    half = len(curve) // 2

    shapes = [
        _of_loss([value * unit for value in curve], [curve[(i + half) % len(curve)] * unit for i in range(len(curve))])
        for unit in (1.0, 2.0**scale)
    ]

    assert "not_learning" in shapes or shapes[0] == shapes[1]


def _of_loss(train: list[float], dev: list[float]) -> str:
    shape = Shape(is_loss=True)
    for epoch, values in enumerate(zip(train, dev, strict=True)):
        shape.add(epoch, *values)
    return shape.classify(None, None)


def test_without_chance_a_loss_that_still_falls_is_learning_however_slowly() -> None:
    slow = [1.8 - 0.001 * epoch for epoch in range(12)]

    assert classify_curve(slow, slow) == "learning"
    assert classify_curve([*slow, 1.8], [*slow, 1.8]) == "not_learning"


@pytest.mark.parametrize(("level", "curve"), [(math.log(3), "not_learning"), (math.log(8), "converged")])
def test_a_loss_that_is_that_of_a_guess_among_many_is_so_by_chance(level: float, curve: str) -> None:
    falling = [4.0, 3.0] + 10 * [level]

    assert classify_curve(falling, falling) == curve


def test_a_dev_loss_that_blows_up_alone_is_overtrained() -> None:
    assert classify_curve([1.0, 0.5, 0.2, 0.1], [1.0, 0.8, 3.0, 9.0]) == "overtrained"


def test_a_first_loss_of_zero_is_no_yardstick() -> None:
    assert _of_loss([0.0, 0.9, 0.6, 0.5, 0.4], [0.0, 0.9, 0.7, 0.6, 0.6]) != "diverged"
