from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import classify_curve

FALLING = [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
CURVES = st.lists(st.none() | st.floats())


@pytest.mark.parametrize(("last", "curve"), [(0.4199, "converged"), (0.42, "converged"), (0.4201, "overtrained")])
def test_a_dev_error_above_five_percent_over_its_best_is_overtrained(last: float, curve: str) -> None:
    answer = classify_curve(FALLING, [0.5, 0.4, 0.41, 0.41, 0.41, last])

    assert answer == curve


@pytest.mark.parametrize(("last", "curve"), [(0.0199, "converged"), (0.02, "overtrained"), (0.0201, "overtrained")])
def test_a_dev_error_that_rose_by_less_than_a_point_is_not_overtrained(last: float, curve: str) -> None:
    answer = classify_curve(FALLING, [0.5, 0.01, 0.012, 0.012, 0.012, last])

    assert answer == curve


def test_a_dev_error_that_rises_with_the_train_error_is_not_overtrained() -> None:
    answer = classify_curve([0.5, 0.2, 0.3, 0.3, 0.3, 0.4], [0.5, 0.2, 0.3, 0.3, 0.3, 0.4])

    assert answer == "converged"


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


@pytest.mark.parametrize(("train_rise", "curve"), [(0.05, "overtrained"), (0.0501, "converged")])
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

    assert answer in {"learning", "converged", "overtrained", "not_learning", "diverged"}


@given(dev=st.lists(st.floats(0, 1), min_size=1))
def test_a_curve_that_only_falls_is_never_overtrained(dev: list[float]) -> None:
    falling = sorted(dev, reverse=True)

    answer = classify_curve(falling, falling)

    assert answer in {"learning", "converged"}


def test_a_loss_that_blew_up_again_is_judged_by_what_came_after() -> None:
    answer = classify_curve([1.0, 9.0, 0.5, 9.0, 1.0], [1.0, 9.0, 0.5, 9.0, 1.0], chance=1.0)

    assert answer == "diverged"
