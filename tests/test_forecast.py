"""What more data or more epochs would bring: what a forecast may never say, and how it moves with the evidence."""

from __future__ import annotations

import math
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import Forecast, forecast_longer, forecast_more_data
from bvtrack.curves.more_data import Training

ERRORS = st.floats(0, 1)
TRAININGS: tuple[Training, ...] = get_args(Training)
FALLING = [0.50, 0.40, 0.33, 0.28, 0.24, 0.21]
SETTLED = [0.50, 0.30, 0.21, 0.21, 0.21, 0.21, 0.21, 0.21]


def test_four_times_the_data_close_less_than_half_of_a_ten_point_gap() -> None:
    forecast = forecast_more_data(train_error=0.01, dev_error=0.11, factor=4)

    assert forecast.value == pytest.approx(0.0817, abs=1e-4)


def test_more_of_a_narrow_gap_closes_than_of_a_wide_one() -> None:
    narrow, wide = (forecast_more_data(train_error=0.0, dev_error=gap, factor=4) for gap in (0.02, 0.30))

    assert narrow.value / 0.02 < wide.value / 0.30


@pytest.mark.parametrize(("train_error", "dev_error"), [(0.2, 0.2), (0.3, 0.2), (0.0, 0.0)])
def test_data_do_not_help_where_there_is_no_gap(train_error: float, dev_error: float) -> None:
    forecast = forecast_more_data(train_error=train_error, dev_error=dev_error, factor=8)

    assert forecast.value == dev_error


def test_as_much_data_as_now_is_the_present_error() -> None:
    forecast = forecast_more_data(train_error=0.1, dev_error=0.2, factor=1)

    assert forecast == Forecast(0.2, 0.2, 0.2)


@given(
    train_error=ERRORS,
    dev_error=ERRORS,
    factor=st.floats(1, 1000),
    earlier=st.none() | st.lists(ERRORS, min_size=1, max_size=5),
    training=st.sampled_from(TRAININGS),
    n_dev=st.none() | st.integers(1, 10**7),
    floor=ERRORS,
)
def test_a_forecast_of_more_data_is_an_error_within_its_band_and_no_worse_than_the_present(
    train_error: float,
    dev_error: float,
    factor: float,
    earlier: list[float] | None,
    training: Training,
    n_dev: int | None,
    floor: float,
) -> None:
    sizes = [10.0 * 2**doublings for doublings in range(6)]
    history = list(zip(sizes, [*earlier, dev_error], strict=False)) if earlier else None

    forecast = forecast_more_data(
        train_error=train_error,
        dev_error=dev_error,
        factor=factor,
        history=history,
        training=training,
        n_dev=n_dev,
        floor=floor,
    )

    assert 0 <= forecast.low <= forecast.value + 1e-12
    assert forecast.value <= min(forecast.high, dev_error) + 1e-12
    assert forecast.high <= 1


def test_four_times_the_data_close_a_third_of_the_gap_and_at_the_same_epochs_a_third_of_the_train_error_too() -> None:
    by_epochs, by_updates = (
        forecast_more_data(train_error=0.15, dev_error=0.30, factor=4, training=training) for training in TRAININGS[1:]
    )

    assert by_epochs.value == pytest.approx(0.20)
    assert by_updates.value == pytest.approx(0.25)


@pytest.mark.parametrize("training", TRAININGS[1:])
def test_twice_and_twice_again_is_four_times(training: Training) -> None:
    once = forecast_more_data(train_error=0.0, dev_error=0.3, factor=2, training=training)

    twice = forecast_more_data(train_error=0.0, dev_error=once.value, factor=2, training=training)

    assert twice.value == pytest.approx(forecast_more_data(train_error=0.0, dev_error=0.3, factor=4, training=training).value)


@given(
    errors=st.lists(ERRORS, min_size=3, max_size=3).map(sorted), factor=st.floats(1, 1e6), training=st.sampled_from(TRAININGS)
)
def test_no_data_bring_the_error_below_the_floor(errors: list[float], factor: float, training: Training) -> None:
    floor, train_error, dev_error = errors

    fell = [(100.0, 1.0), (200.0, dev_error)]

    guessed, measured = (
        forecast_more_data(
            train_error=train_error, dev_error=dev_error, factor=factor, history=history, training=training, floor=floor
        )
        for history in (None, fell)
    )

    assert guessed.value >= floor - 1e-12
    assert measured.value >= floor - 1e-12


def test_at_the_same_updates_nothing_is_gained_where_nothing_was_learnt_by_heart() -> None:
    forecast = forecast_more_data(train_error=0.3, dev_error=0.3, factor=4, training="same updates")

    assert forecast == Forecast(0.3, 0.3, 0.3)


@pytest.mark.parametrize("training", TRAININGS)
def test_the_fewer_dev_examples_the_wider_the_band_and_most_of_it_above(training: Training) -> None:
    few, many, exact = (
        forecast_more_data(train_error=0.1, dev_error=0.3, factor=4, training=training, n_dev=n) for n in (50, 5000, None)
    )

    assert few.low < many.low < exact.low < exact.high < many.high < few.high
    assert few.high - exact.high > exact.low - few.low
    assert few.value == many.value == exact.value


def test_no_wrong_example_among_few_is_no_promise_that_there_will_be_none() -> None:
    forecast = forecast_more_data(train_error=0.0, dev_error=0.0, factor=4, training="same epochs", n_dev=20)

    assert 0.02 < forecast.high < 0.2


def test_a_history_that_fell_fast_promises_more_than_the_gap_alone() -> None:
    alone = forecast_more_data(train_error=0.1, dev_error=0.2, factor=2)

    seen = forecast_more_data(train_error=0.1, dev_error=0.2, factor=2, history=[(100, 0.3), (200, 0.2)])

    assert seen.value < alone.value


@pytest.mark.parametrize("before", [0.2, 0.15, 0.05])
def test_where_the_last_doubling_did_not_help_the_next_hardly_does(before: float) -> None:
    forecast = forecast_more_data(train_error=0.0, dev_error=0.2, factor=2, history=[(100, before), (200, 0.2)])

    assert forecast.value > 0.185


def test_sizes_of_more_than_two_doublings_ago_count_only_where_there_are_no_others() -> None:
    far, near, present = (10.0, 0.9), (400.0, 0.25), (800.0, 0.2)

    with_far, without, only_far, none = (
        forecast_more_data(train_error=0.1, dev_error=0.2, factor=2, history=history)
        for history in ([far, near, present], [near, present], [far, present], None)
    )

    assert with_far == without
    assert only_far != none


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_error": 1.1}, "train_error must be a fraction in [0, 1]; got 1.1"),
        ({"dev_error": math.nan}, "dev_error must be a fraction in [0, 1]; got nan"),
        ({"floor": -0.1}, "floor must be a fraction in [0, 1]; got -0.1"),
        ({"training": "for ever"}, "training must be one of 'to the end', 'same epochs', 'same updates'; got 'for ever'"),
        ({"n_dev": 0}, "n_dev must be a number of examples, at least 1; got 0"),
        ({"factor": 0.5}, "factor must be a number of times the data, at least 1; got 0.5"),
        ({"factor": math.inf}, "factor must be a number of times the data, at least 1; got inf"),
        ({"history": []}, "history must hold (size of the training set, dev_error) pairs, the present one last; got none"),
        ({"history": [(100, 0.3), (200, 0.1)]}, "must be the present one, dev_error=0.2; got 0.1"),
        ({"history": [(300, 0.3), (200, 0.2)]}, "must have the largest size; got [300, 200]"),
        ({"history": [(0, 0.3), (200, 0.2)]}, "a size in history must be a number of examples above 0; got 0"),
        ({"history": [(100, 1.3), (200, 0.2)]}, "a dev_error in history must be a fraction in [0, 1]; got 1.3"),
    ],
)
def test_bad_input_of_a_data_forecast_is_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        forecast_more_data(**{"train_error": 0.1, "dev_error": 0.2, "factor": 2.0, **arguments})


def test_a_curve_that_falls_will_probably_go_on() -> None:
    forecast = forecast_longer(FALLING, epochs=6)

    assert forecast.improves is not None
    assert forecast.improves > 0.8
    assert forecast.value < 0.19


def test_a_curve_that_has_settled_will_probably_stay() -> None:
    forecast = forecast_longer(SETTLED, epochs=4)

    assert forecast.improves is not None
    assert forecast.improves < 0.2
    assert forecast.value == pytest.approx(0.21)


def test_a_run_that_has_learnt_its_training_data_has_little_left_to_learn() -> None:
    learnt, unknown, failing = (forecast_longer(FALLING, epochs=18, train_error=error) for error in (0.0, None, 0.2))

    assert (learnt.improves or 0) < 0.5 < (failing.improves or 0)
    assert learnt.value > unknown.value > failing.value


def test_a_curve_that_seems_to_stand_may_still_fall_while_there_is_train_error() -> None:
    learnt, failing = (forecast_longer(SETTLED, epochs=24, train_error=error) for error in (0.0, 0.2))

    assert (learnt.value, learnt.low) == (0.21, 0.21)
    assert failing.low < failing.value < 0.21 == failing.high


@pytest.mark.parametrize("train_error", [-0.1, math.nan, math.inf])
def test_a_train_error_that_is_none_is_refused_in_words(train_error: float) -> None:
    with pytest.raises(ValueError, match="train_error must be an error or a loss from 0 on; got"):
        forecast_longer(FALLING, epochs=6, train_error=train_error)


def test_more_epochs_promise_more() -> None:
    few, many = (forecast_longer(FALLING, epochs=epochs) for epochs in (1, 20))

    assert few.value > many.value
    assert (few.improves or 0) < (many.improves or 0)


def test_a_curve_that_rises_promises_less_than_one_that_is_flat() -> None:
    rising, flat = (forecast_longer([0.5, 0.3, 0.2, *end], epochs=6) for end in ([0.22, 0.24, 0.26], [0.2, 0.2, 0.2]))

    assert (rising.improves or 0) <= (flat.improves or 0)
    assert rising.value == flat.value == 0.2


@pytest.mark.parametrize(
    "curve", [[0.3], [0.5, 0.3], [0.5, None, 0.4, 0.3], [None, 0.3, math.nan, 0.4], [0.7, 0.6, 0.5, 0.4, 0.3]]
)
def test_of_fewer_than_six_values_nothing_is_promised(curve: list[float | None]) -> None:
    forecast = forecast_longer(curve, epochs=10)

    assert forecast == Forecast(0.3, 0.0, 0.3, improves=0.5)


@pytest.mark.parametrize("last", [math.nan, math.inf])
def test_a_curve_that_has_diverged_does_not_get_better(last: float) -> None:
    forecast = forecast_longer([0.5, 0.4, 0.3, 0.2, last], epochs=10)

    assert forecast == Forecast(0.2, 0.2, 0.2, improves=0.0)


def test_an_error_of_zero_cannot_get_better() -> None:
    forecast = forecast_longer([0.5, 0.2, 0.1, 0.0, 0.0], epochs=10)

    assert forecast == Forecast(0.0, 0.0, 0.0, improves=0.0)


def test_the_scale_of_a_loss_does_not_change_what_is_promised() -> None:
    small, large = (forecast_longer([scale * value for value in FALLING], epochs=5) for scale in (1, 40))

    assert large.value == pytest.approx(40 * small.value)
    assert large.improves == pytest.approx(small.improves)


@given(
    curve=st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=60),
    epochs=st.integers(1, 10_000),
    train_error=st.none() | st.floats(0, 1e6),
)
def test_a_forecast_of_more_epochs_is_no_worse_than_the_best_and_lies_in_its_band(
    curve: list[float | None], epochs: int, train_error: float | None
) -> None:
    forecast = forecast_longer([*curve, 1.0], epochs=epochs, train_error=train_error)

    best = min(value for value in [*curve, 1.0] if value is not None)
    assert 0 <= forecast.low <= forecast.value <= forecast.high <= best
    assert 0 <= (forecast.improves or 0) <= 1


@pytest.mark.parametrize(
    ("curve", "epochs", "message"),
    [
        ([], 5, "expected at least one finite value in dev_curve; got none"),
        ([None, math.nan], 5, "expected at least one finite value in dev_curve; got none"),
        ([0.5, 0.4], 0, "epochs must be how many more, at least 1; got 0"),
        ([0.5, -0.4], 5, "dev_curve must hold errors or losses from 0 on"),
    ],
)
def test_bad_input_of_an_epoch_forecast_is_refused_in_words(curve: list[float | None], epochs: int, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        forecast_longer(curve, epochs=epochs)


def test_a_fast_fall_is_not_promised_to_go_on_for_long() -> None:
    forecast = forecast_longer(FALLING, epochs=1000)

    assert forecast.value > 0.21 / math.e
