"""Histories of metrics as people log them, and which of their values belong together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack.auditing import baseline
from bvtrack.auditing.judge import judge_run
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.recipe import steps_for_curve
from bvtrack.error_rates.epoch_errors import EpochErrors
from bvtrack.logged.alignment import values_at
from bvtrack.logged.error_history import epochs_of
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.other_metric import disagreement
from bvtrack.logged.series import Series, series_of
from bvtrack.logged.unknown import Unknown
from bvtrack.measures.measure import Measure
from bvtrack.report.note import headline
from bvtrack.store.logged_run import Latest, LoggedRun
from bvtrack.store.metric_point import Point

ACCURACY = Found(Measure("val_acc", higher_is_better=True), {"train": "train_acc", "dev": "val_acc"})
LOSS = Found(
    Measure("val_loss", higher_is_better=False, is_cross_entropy=False),
    {"train": "train_loss", "dev": "val_loss"},
    has_scale=False,
)


def curve(*values: float, start: int = 0, every: int = 1, times: Sequence[int] = ()) -> Series:
    return series_of(Point(start + every * index, times[index] if times else 0, value) for index, value in enumerate(values))


def epochs(curves: Mapping[str, Series], found: Found = ACCURACY) -> list[EpochErrors]:
    read = epochs_of(found, curves, {})
    assert not isinstance(read, Unknown)
    return read


def test_the_train_value_is_the_one_at_the_dev_point() -> None:
    read = epochs({"train": curve(0.5, 0.7, 0.8, 0.9), "dev": curve(0.6, 0.8, start=1, every=2)})

    assert [entry.errors["train"] for entry in read] == pytest.approx([0.3, 0.1])


def test_of_many_values_since_the_last_dev_point_the_last_tenth_is_averaged() -> None:
    read = epochs({"train": curve(*(step / 100 for step in range(100))), "dev": curve(0.6, 0.8, start=49, every=50)})

    assert [entry.errors["train"] for entry in read] == pytest.approx([1 - 0.47, 1 - 0.97])


@pytest.mark.parametrize(("last", "trained"), [(0.8, [0.2, None, None]), (0.79, [None, 0.2, None]), (0.7, [0.2])])
def test_a_train_error_measured_once_is_that_of_the_best_epoch_or_else_of_the_last(
    last: float, trained: list[float | None]
) -> None:
    dev = {0.8: (0.8, 0.7, 0.8), 0.79: (0.7, 0.795, 0.79), 0.7: (0.8, 0.9, 0.7)}[last]

    read = epochs({"train": curve(0.8), "dev": curve(*dev)})

    assert [entry.errors.get("train") for entry in read] == [error and pytest.approx(error) for error in trained]


def test_of_two_values_at_a_step_the_newer_one_counts() -> None:
    series = series_of([Point(0, 20, 0.7), Point(1, 30, 0.6), Point(0, 10, 0.9)])

    assert [point.value for point in series.points] == [0.7, 0.6]


@pytest.mark.parametrize(("last", "tested"), [(0.9, [None, 0.15, None]), (0.88, [None, None, None])])
def test_a_test_error_is_taken_where_it_is_known_whose_it_is(last: float, tested: list[float | None]) -> None:
    read = epochs({"train": curve(0.9, 0.9, 0.9), "dev": curve(0.8, 0.905, last), "test": curve(0.85)})

    assert [entry.errors.get("test") for entry in read] == [error and pytest.approx(error) for error in tested]


def test_what_is_not_finite_is_an_error_that_is_none() -> None:
    read = epochs({"train": curve(0.5, math.nan), "dev": curve(0.5, math.nan)})

    assert read[-1].finite == {}


def test_a_loss_without_a_scale_keeps_its_own_values() -> None:
    read = epochs({"train": curve(5.0, 4.0), "dev": curve(6.0, math.nan)}, LOSS)

    assert [entry.errors for entry in read] == [{}, {}]
    assert read[0].unscaled == {"train": 5.0, "dev": 6.0}
    assert math.isnan(read[1].unscaled["dev"])


EPOCHS = range(1, 11)
BATCHES = curve(*(0.01 * step for step in range(100)), times=[1000 + 10 * step for step in range(100)])


@pytest.mark.parametrize("step", [*range(100, 1001, 100), 0])
def test_one_dev_value_that_was_logged_at_the_end_belongs_to_the_end(step: int) -> None:
    train = curve(*(0.09 * epoch for epoch in EPOCHS), start=100, every=100, times=[100 * epoch for epoch in EPOCHS])
    late = Series([Point(step, 5000, 0.7)])
    expected = 0.09 * step / 100 if 0 < step < 1000 else 0.9

    read = values_at(train, late)

    assert read == ([pytest.approx(expected)] if step in (0, 1000) else read)
    assert isinstance(read, Unknown) == (0 < step < 800)  # a value of an earlier epoch, or a step that counts something else


def test_one_dev_value_without_a_step_from_before_the_training_belongs_to_its_first_value() -> None:
    train = curve(*(0.09 * epoch for epoch in EPOCHS), times=[100 * epoch for epoch in EPOCHS])

    assert values_at(train, Series([Point(0, 50, 0.1)])) == [0.09]


def test_train_by_batch_and_dev_by_epoch_are_brought_together_by_time() -> None:
    dev = curve(*(0.05 for _ in EPOCHS), times=[1000 + 100 * epoch for epoch in EPOCHS])

    read = values_at(BATCHES, dev)

    assert not isinstance(read, Unknown)
    assert read == pytest.approx([min(0.1 * epoch, 0.99) for epoch in EPOCHS], abs=0.011)


def test_values_without_steps_are_brought_together_by_time() -> None:
    dev = series_of(Point(0, 1000 + 100 * epoch, 0.05) for epoch in EPOCHS)

    read = values_at(BATCHES, dev)

    assert not isinstance(read, Unknown)
    assert read == pytest.approx([min(0.1 * epoch, 0.99) for epoch in EPOCHS], abs=0.011)


def test_steps_of_different_kinds_without_times_are_not_brought_together() -> None:
    train = curve(*(0.01 * step for step in range(100)))

    read = values_at(train, curve(*(0.5 for _ in range(9))))

    assert isinstance(read, Unknown)
    assert read.reason == "steps of different kinds"


def test_as_many_values_of_each_belong_together_one_by_one() -> None:
    train = curve(0.1, 0.2, 0.3, start=100, every=100)

    assert values_at(train, curve(0.5, 0.5, 0.5)) == [0.1, 0.2, 0.3]


def test_the_last_of_several_fits_counts() -> None:
    first = [Point(epoch, 10 + epoch, 0.5) for epoch in range(8)]
    second = [Point(epoch, 50 + epoch, 0.1 * epoch) for epoch in range(4)]

    assert [point.value for point in series_of(first + second).points] == [point.value for point in second]


def test_a_training_that_goes_on_from_a_checkpoint_is_one() -> None:
    first = [Point(epoch, 10 + epoch, 0.5) for epoch in range(8)]
    resumed = [Point(epoch, 50 + epoch, 0.1) for epoch in range(5, 9)]

    assert [point.value for point in series_of(first + resumed).points] == 5 * [0.5] + 4 * [0.1]


def test_a_value_without_a_step_that_comes_after_the_curve_is_no_epoch_of_it() -> None:
    points = [Point(epoch, 10 + epoch, 0.1 * epoch) for epoch in range(5)]

    assert list(series_of([*points, Point(0, 99, 0.4)]).points) == points


@given(
    n=st.integers(2, 40),
    every=st.integers(1, 10),
    per_epoch=st.integers(1, 30),
    is_by_batch=st.booleans(),
    is_dev_first=st.booleans(),
)
def test_however_a_steady_training_is_logged_an_epochs_values_come_together(
    n: int, every: int, per_epoch: int, *, is_by_batch: bool, is_dev_first: bool
) -> None:
    """The train value is the epoch it was logged in: by batch or by epoch, dev every so many epochs, by its epoch."""
    batches = [(epoch, batch) for epoch in range(n) for batch in range(per_epoch)]
    train = [
        Point(epoch * per_epoch + batch if is_by_batch else epoch, 10_000 * epoch + 100 * batch, float(epoch))
        for epoch, batch in (batches if is_by_batch else [(epoch, per_epoch - 1) for epoch in range(n)])
    ]
    measured = range(every - 1, n, every)
    dev = [Point(epoch, 10_000 * epoch + 100 * (per_epoch - 1) + (-1 if is_dev_first else 5000), 0.0) for epoch in measured]

    if len(dev) > 1:
        read = values_at(series_of(train), series_of(dev))

        assert isinstance(read, Unknown) or all(abs(value - epoch) <= 1.0 for value, epoch in zip(read, measured, strict=True))


def _beside(dev_loss: Sequence[float], dev_error: Sequence[float]) -> str:
    points = [Point(epoch, epoch, value) for epoch, value in enumerate(dev_loss)]
    return disagreement("val_loss", lambda name: points, [EpochErrors(i, {"dev": one}) for i, one in enumerate(dev_error)])


RISING, FALLING = (0.9, 0.5, 0.4, 0.6, 0.9), (0.4, 0.3, 0.2, 0.15, 0.1)


def test_a_dev_loss_that_rises_while_the_dev_error_falls_is_said() -> None:
    assert "val_loss has risen from 0.4 to 0.9" in _beside(RISING, FALLING)


@pytest.mark.parametrize(("loss", "error"), [(FALLING, FALLING), (RISING, RISING), (FALLING, RISING)])
def test_dev_metrics_that_agree_or_whose_error_rises_need_no_sentence(loss: Sequence[float], error: Sequence[float]) -> None:
    assert _beside(loss, error) == ""


def _audited(**curves: Sequence[float]) -> tuple[str | None, str | None]:
    points = {name: [Point(epoch, 1000 * epoch, one) for epoch, one in enumerate(some)] for name, some in curves.items()}
    latest = {name: Latest(some[-1].value, some[-1].step, some[-1].timestamp) for name, some in points.items()}
    found = judge_run(LoggedRun(metrics=latest), points.__getitem__, baseline.given(None)).audited
    return found.verdict, found.reason


@pytest.mark.parametrize(
    ("curves", "verdict", "reason"),
    [
        ({"loss": (1.0, 0.5, math.nan)}, "diverged", None),
        ({"train_loss": (1.0, 0.5, math.nan)}, "diverged", None),
        ({"train_loss": (1.0, 0.5, 0.4), "val_loss": (1.0, 0.9, 0.8), "aux_loss": (1.0, 1.0, math.nan)}, "diverged", None),
        ({"train_acc": (0.5, 0.6), "val_acc": (0.5, 0.6), "loss": (1.0, math.nan)}, "diverged", None),
        ({"val_loss": (2.0, 1.0, 1.5, 2.0, 3.0)}, "undetermined, overtrained", None),
        ({"val_loss": (2.0, 1.0, 0.9, 0.8)}, None, "no train error"),
        ({"loss": (2.0, 1.0, 0.9)}, None, "sets not named"),
        ({"train_loss": (2.0, 1.0, 0.9)}, None, "no dev error"),
        ({"train_loss": (2.0, 1.0, 0.5, 0.2), "val_loss": (2.0, 1.0, 1.5, 3.0)}, "undetermined, overtrained", None),
        ({"train_elbo_loss": (900.0, 500.0, 400.0), "val_elbo_loss": (910.0, 510.0, 420.0)}, "undetermined, learning", None),
        ({"train_loss": 6 * (2.31,), "val_loss": 6 * (2.3,)}, "not_learning", None),
        ({"train_loss": (1.0, 1e4, 1e9), "val_loss": (1.0, 1e4, 1e9)}, "diverged", None),
    ],
)
def test_of_a_bare_loss_the_curve_is_judged_and_of_one_alone_its_failure(
    curves: Mapping[str, Sequence[float]], verdict: str | None, reason: str | None
) -> None:
    assert _audited(**curves) == (verdict, reason)


def test_the_headline_of_a_run_without_errors_is_its_curve() -> None:
    undetermined = Diagnosis.without_gaps("undetermined")

    assert headline(undetermined, steps_for_curve("overtrained"), "overtrained") == "Overtrained by its curve: stop earlier"
    assert headline(undetermined, ()) == "Undetermined (unclear)"
