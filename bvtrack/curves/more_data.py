"""Forecasts of the dev error with more training data, and an 80 % prediction interval.

The rule in one breath: four times the data close a third of the gap between train and dev error. At the same number of epochs
they bring four times the updates, and so a third of the train error, too; at the same number of updates it stays. Trained to
the end, before and after, a small gap closes by up to two fifths, and a wide one by a quarter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from bvtrack.curves.forecast import Forecast
from bvtrack.curves.to_the_end import from_measured_drops, from_one_run
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction
from bvtrack.error_rates.gaps import ROUNDING

Training = Literal["to the end", "same epochs", "same updates"]
"""How long the model is trained with more data: until it gets no better, or for as many epochs, or updates, as it was."""


class Closing(NamedTuple):
    """The shares of an error that four times the data close: at least, usually and at most, in 80 % of all trainings."""

    least: float
    usual: float
    most: float


GAP = Closing(0.2, 1 / 3, 0.85)
TRAIN_ERROR: Mapping[Training, Closing] = {"same epochs": Closing(0.25, 1 / 3, 0.5), "same updates": Closing(0.0, 0.0, 0.0)}
"""Measured on the training part of the intervention set (tests/benchmarks/advice). Four times the data at the same epochs
closed 0.37 of the gap and 0.32 of the train error; at the same updates 0.26 and 0.05. Between the ends lie 75 to 85 % of the
dev errors that came, over data sets and in either definition, and 60 % on each data set."""
NOISE_BELOW, NOISE_ABOVE = 0.25, 1.2
"""Standard errors of the dev error, times the square root of the doublings, by which the interval is wider. The dev error of a
chosen epoch is low by chance, which another training does not repeat: so more of them above than below."""


def forecast_more_data(
    *,
    train_error: float,
    dev_error: float,
    factor: float,
    history: Sequence[tuple[float, float]] | None = None,
    training: Training = "to the end",
    n_dev: int | None = None,
    floor: float = 0.0,
) -> Forecast:
    """The dev error with `factor` times the training data, where `training` says for how long the model is trained on them.

    Errors are fractions in [0, 1]. `history` holds `(size of the training set, dev_error)` at smaller sizes, the present one
    last: with it, the error falls at the measured rate, in whichever way these were trained. The interval is for the dev error
    of one more training; with `n_dev`, the number of dev examples, it also holds the noise of an error that is measured on so
    few. `floor` is the error that no data reduce, such as the human error.

    Raises `ValueError` for errors that are not fractions, a factor below 1, a history whose last entry is not the present
    one or not the largest, an unknown `training`, or `n_dev` below 1.

    >>> forecast = forecast_more_data(train_error=0.01, dev_error=0.11, factor=4)
    >>> f"{forecast.value:.3f} ({forecast.low:.3f} to {forecast.high:.3f})"
    '0.082 (0.048 to 0.117)'
    >>> forecast = forecast_more_data(train_error=0.01, dev_error=0.11, factor=4, training="same epochs", n_dev=1000)
    >>> f"{forecast.value:.3f} ({forecast.low:.3f} to {forecast.high:.3f})"
    '0.073 (0.016 to 0.104)'
    """
    _check(factor, training, n_dev, train_error=train_error, dev_error=dev_error, floor=floor)
    earlier = _earlier_sizes(history, dev_error) if history is not None else []
    doublings = math.log2(factor)
    reducible = max(dev_error - floor, 0.0)
    gap = min(max(dev_error - train_error, 0.0), reducible)
    if earlier:
        forecast = from_measured_drops(dev_error, gap, reducible, doublings, earlier)
    elif training == "to the end":
        forecast = from_one_run(dev_error, gap, doublings)
    else:
        forecast = _from_shares(dev_error, (gap, GAP), (reducible - gap, TRAIN_ERROR[training]), doublings)
    return _with_noise(forecast, dev_error, n_dev, doublings) if n_dev is not None else forecast


def checked_sizes(sizes: Iterable[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """A learning curve: sizes of the training set, ascending, each with its dev error. Raises `ValueError` for what is none.

    >>> checked_sizes([(100, 0.2), (400, 0.1)])
    ((100, 0.2), (400, 0.1))
    """
    checked = tuple((int(size), float(error)) for size, error in sizes)
    for _, error in checked:
        _check_fractions(**{"a dev error of a learning curve": error})
    if any(size < 1 for size, _ in checked) or any(one[0] >= other[0] for one, other in pairwise(checked)):
        raise ValueError(f"a learning curve must have ascending sizes, at least 1; got {[size for size, _ in checked]}")
    return checked


def _from_shares(dev_error: float, gap: tuple[float, Closing], train: tuple[float, Closing], doublings: float) -> Forecast:
    """Of a gap and a train error, each with the shares of it that four times the data close."""
    least, usual, most = (
        sum(error * (1 - (1 - closed[end]) ** (doublings / 2)) for error, closed in (gap, train)) for end in range(len(GAP))
    )
    return Forecast(value=dev_error - usual, low=max(dev_error - most, 0.0), high=dev_error - least)


def _with_noise(forecast: Forecast, dev_error: float, n_dev: int, doublings: float) -> Forecast:
    """The same with room for the sampling noise of the dev error; by Laplace's rule an error of 0 has some, too."""
    rate = (dev_error * n_dev + 1) / (n_dev + 2)
    noise = math.sqrt(rate * (1 - rate) / n_dev * doublings)
    low, high = forecast.low - NOISE_BELOW * noise, forecast.high + NOISE_ABOVE * noise
    return Forecast(forecast.value, max(low, 0.0), min(high, 1.0))


def _earlier_sizes(history: Sequence[tuple[float, float]], dev_error: float) -> list[tuple[float, float]]:
    """Earlier points as (doublings ago, dev error). Raises `ValueError` for a history that cannot be right."""
    if not history:
        raise ValueError("history must hold (size of the training set, dev_error) pairs, the present one last; got none")
    for size, error in history:
        _check_fractions(**{"a dev_error in history": error})
        if not (is_finite_number(size) and size > 0):
            raise ValueError(f"a size in history must be a number of examples above 0; got {size!r}")
    present, last_error = history[-1]
    if abs(last_error - dev_error) > ROUNDING:
        raise ValueError(f"the last entry of history must be the present one, dev_error={dev_error!r}; got {last_error!r}")
    if any(size >= present for size, _ in history[:-1]):
        raise ValueError(f"the last entry of history must have the largest size; got {[size for size, _ in history]}")
    return [(math.log2(present / size), error) for size, error in history[:-1]]


def _check(factor: float, training: str, n_dev: int | None, **errors: float) -> None:
    _check_fractions(**errors)
    if not (is_finite_number(factor) and factor >= 1):
        raise ValueError(f"factor must be a number of times the data, at least 1; got {factor!r}")
    if training not in get_args(Training):
        raise ValueError(f"training must be one of {', '.join(map(repr, get_args(Training)))}; got {training!r}")
    if n_dev is not None and not (is_finite_number(n_dev) and n_dev >= 1):
        raise ValueError(f"n_dev must be a number of examples, at least 1; got {n_dev!r}")


def _check_fractions(**errors: float) -> None:
    for name, error in errors.items():
        if not is_fraction(error):
            raise ValueError(f"{name} must be a fraction in [0, 1]; got {error!r}")
