"""Forecasts of the dev error with more data, or with more epochs, and an 80 % prediction interval.

The rules are closed forms with few constants, each on a plateau of the measured results (tests/benchmarks/rules). `gap` is dev
error - train error throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bvtrack.curves.trend import Trend
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction
from bvtrack.error_rates.gaps import ROUNDING

GAP_POWER = 0.4
"""A small gap falls as data^-0.4, between the -0.5 of sampling theory and what large networks show (Hestness et al. 2017) …"""
MEMORISED_GAP = 0.15
"""… with half that exponent at a gap of 15 points: a wide gap is largely a hard problem learned by heart."""
SLOWEST_POWER = 0.3
ONE_RUN_LOW, ONE_RUN_HIGH, MOST_ABOVE = 0.02, 0.005, 0.25
"""The interval of a forecast from one run: from two points below a gap that falls as data^-0.3, to half a point above the
present error, or a quarter of it if it is below two points."""
PRIOR_DOUBLINGS = 0.25
"""Weight of the rule for one run beside measured drops: that of a quarter of a doubling of the data."""
LONGEST_BACK = 2.0
"""Errors at less than a quarter of the data say little about the next doubling; they count only if there are no others."""
BAND_SHARE, BAND_POINTS = 0.5, 0.0075
"""The interval of a forecast from smaller sizes: half of the drop, and three quarters of a point for each doubling."""

FEWEST_VALUES = 6
"""A shorter curve gets no forecast: its steep first epochs would pass for its slope."""
SOON_OVER = 0.25
"""An extrapolated drop of a quarter is halved: the faster an error falls, the sooner that ends."""
IMPROVEMENT = 0.02
"""An improvement is at least 2 % better than the best value so far."""
NOISE_FLOOR = 0.01
EVEN_ODDS, MOST_EVIDENCE = 0.5, 3.0
"""The odds of an improvement grow with the share of epochs added; the evidence of the slope changes them by a factor of at most
e^3."""
SLOW_DROP, FAST_DROP = 0.6, 2.0
LUCK, LUCK_GROWTH = 0.005, 0.07
"""The interval: 0.6 to 2 times the drop, and the selection bias of a minimum over ever more epochs."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected dev error, its 80 % interval, and, for more epochs, the probability that they help at all: that the best dev
    error improves by at least 2 %.
    """

    value: float
    low: float
    high: float
    improves: float | None = None


def forecast_more_data(
    *,
    train_error: float,
    dev_error: float,
    factor: float,
    history: Sequence[tuple[float, float]] | None = None,
) -> Forecast:
    """The dev error with `factor` times the training data.

    Errors are fractions in [0, 1]. `history` holds `(size of the training set, dev_error)` at smaller sizes, the present one
    last. Without it, the gap between dev and train error is assumed to fall as a power of the data; with it, at the measured
    rate.

    Raises `ValueError` for errors that are not fractions, a factor below 1, or a history whose last entry is not the present
    one or not the largest.

    >>> forecast = forecast_more_data(train_error=0.01, dev_error=0.11, factor=4)
    >>> f"{forecast.value:.3f} ({forecast.low:.3f} to {forecast.high:.3f})"
    '0.082 (0.048 to 0.117)'
    """
    _check_fractions(train_error=train_error, dev_error=dev_error)
    if not (is_finite_number(factor) and factor >= 1):
        raise ValueError(f"factor must be a number of times the data, at least 1; got {factor!r}")
    earlier = _earlier_sizes(history, dev_error) if history is not None else []
    doublings = math.log2(factor)
    gap = max(dev_error - train_error, 0.0)
    return _from_measured_drops(dev_error, gap, doublings, earlier) if earlier else _from_one_run(dev_error, gap, doublings)


def forecast_longer(dev_curve: Sequence[float | None], *, epochs: int) -> Forecast:
    """The best dev error after `epochs` more, and the probability that it improves by at least 2 %.

    `dev_curve` holds errors or losses by epoch, `None` for missing ones. The slope of its last third, linear in the logarithm
    of time, is extrapolated from the current value. With fewer than six values nothing is known except that the best cannot get
    worse: the interval then goes down to 0, and `improves` is 0.5. A curve that ends in a value that is not finite will not
    improve.

    Raises `ValueError` if the curve has no finite value or one below 0, or if `epochs` is below 1.

    >>> forecast_longer([0.50, 0.40, 0.33, 0.29, 0.26, 0.24], epochs=6).improves > 0.8
    True
    """
    trend = Trend.of(dev_curve)
    if not trend.n_values:
        raise ValueError("expected at least one finite value in dev_curve; got none")
    if not (is_finite_number(epochs) and epochs >= 1):
        raise ValueError(f"epochs must be how many more, at least 1; got {epochs!r}")
    if trend.best < 0:
        raise ValueError(
            f"dev_curve must hold errors or losses from 0 on, for a share of the best to mean anything; got {trend.best!r}"
        )
    return forecast_trend(trend, epochs=epochs)


def forecast_trend(trend: Trend, *, epochs: int) -> Forecast:
    """The result of `forecast_longer`, from a trend that must have a finite value, and none below 0."""
    best = trend.best
    if best == 0 or not trend.ends_finite:
        return Forecast(best, best, best, improves=0.0)
    if trend.n_values < FEWEST_VALUES or trend.recent is None:
        return Forecast(best, 0.0, best, improves=0.5)
    n_past = trend.last_epoch + 1
    more_time = math.log1p(epochs / n_past)
    slope, end, noise = trend.recent.line(trend.last_epoch)
    above = end - best / trend.recent.level
    course = max(slope, 0.0) * n_past * more_time
    drop = max(course - above, 0.0)
    drop /= 1 + drop / SOON_OVER
    luck = LUCK + LUCK_GROWTH * more_time + noise / 2
    evidence = (course - max(above - noise, 0.0) - IMPROVEMENT) / (noise + NOISE_FLOOR)
    log_odds = EVEN_ODDS + math.log(epochs / n_past) + MOST_EVIDENCE * evidence / (1 + abs(evidence))
    return Forecast(
        value=best * math.exp(-drop),
        low=best * math.exp(-FAST_DROP * drop - luck),
        high=best * math.exp(-SLOW_DROP * drop),
        improves=1 / (1 + math.exp(-log_odds)),
    )


def _from_one_run(dev_error: float, gap: float, doublings: float) -> Forecast:
    spread = math.sqrt(doublings)
    return Forecast(
        value=dev_error - _closed_gap(gap, _usual_power(gap), doublings),
        low=max(dev_error - _closed_gap(gap, SLOWEST_POWER, doublings) - ONE_RUN_LOW * spread, 0.0),
        high=min(dev_error + min(ONE_RUN_HIGH, MOST_ABOVE * dev_error) * spread, 1.0),
    )


def _from_measured_drops(dev_error: float, gap: float, doublings: float, earlier: Sequence[tuple[float, float]]) -> Forecast:
    """Extrapolate the measured rate at which the gap closed; `earlier` holds (doublings ago, dev error then)."""
    recent = [point for point in earlier if point[0] <= LONGEST_BACK + ROUNDING] or [min(earlier)]
    largest_drop = max((error - dev_error) / max(back, 1.0) for back, error in recent)
    room = min(max(gap, largest_drop), dev_error)
    drop = 0.0
    if room > 0:
        halvings = sum(math.log2(max(1 + (error - dev_error) / room, 0.25)) for _, error in recent)
        seen = sum(back for back, _ in recent)
        power = (halvings + PRIOR_DOUBLINGS * _usual_power(room)) / (PRIOR_DOUBLINGS + seen)
        drop = _closed_gap(room, min(max(power, 0.0), 1.0), doublings)
    margin = BAND_SHARE * drop + BAND_POINTS * doublings
    value = dev_error - drop
    return Forecast(value, max(value - margin, 0.0), min(value + margin, 1.0))


def _usual_power(gap: float) -> float:
    return GAP_POWER / (1 + gap / MEMORISED_GAP)


def _closed_gap(gap: float, power: float, doublings: float) -> float:
    """The part of a gap that has closed after this many doublings, if it falls as a power of the data."""
    return gap * (1 - 2 ** (-power * doublings))


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


def _check_fractions(**errors: float) -> None:
    for name, error in errors.items():
        if not is_fraction(error):
            raise ValueError(f"{name} must be a fraction in [0, 1]; got {error!r}")
