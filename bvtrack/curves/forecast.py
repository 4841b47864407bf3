"""What more data, or more epochs, would bring: the dev error to expect, and an 80 % band around it.

The rules are closed forms with few constants, each on a plateau of what was measured (tests/benchmarks/rules). `gap` is dev
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
"""… and half as fast, in the power, at 15 points: of a wide gap much is a hard problem learned by heart."""
SLOWEST_POWER = 0.3
ONE_RUN_LOW, ONE_RUN_HIGH, MOST_ABOVE = 0.02, 0.005, 0.25
"""The band of one run's forecast: a gap that falls as data^-0.3 and two points more, to half a point, or a quarter of an error
that is smaller than two points, above the present."""
PRIOR_DOUBLINGS = 0.25
"""Beside the drops that were measured, the rule for one run counts as much as a quarter of a doubling of the data."""
LONGEST_BACK = 2.0
"""Errors at less than a quarter of the data say little about the next doubling; they count where there are no others."""
BAND_SHARE, BAND_POINTS = 0.5, 0.0075
"""The band of a forecast from smaller sizes: half of the drop and three quarters of a point for each doubling."""

FEWEST_VALUES = 6
"""Of a shorter curve nothing is promised: its first, steep epochs would pass for its slope."""
SOON_OVER = 0.25
"""A promised drop of a quarter is met by half: the faster an error falls, the sooner that ends."""
IMPROVEMENT = 0.02
"""To get better is to get 2 % better than the best so far."""
NOISE_FLOOR = 0.01
EVEN_ODDS, MOST_EVIDENCE = 0.5, 3.0
"""The odds of getting better grow with the share of epochs added; what the slope says changes them by e^3 at most."""
SLOW_DROP, FAST_DROP = 0.6, 2.0
LUCK, LUCK_GROWTH = 0.005, 0.07
"""The band: from 0.6 of the drop to twice of it, and what a best of ever more epochs owes to luck."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The dev error to expect, the 80 % band around it, and, for more epochs, how probable it is that they help at all:
    that the best dev error gets at least 2 % better.
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
    last. Without it, the gap between dev and train error is taken to fall as a power of the data; with it, as fast as it did.

    Raises `ValueError` for errors that are no fractions, a factor below 1, or a history whose last entry is not the present
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
    return _as_it_fell(dev_error, gap, doublings, earlier) if earlier else _as_gaps_fall(dev_error, gap, doublings)


def forecast_longer(dev_curve: Sequence[float | None], *, epochs: int) -> Forecast:
    """The best dev error after `epochs` more, and how probable it is that it gets at least 2 % better.

    `dev_curve` holds errors or losses by epoch, `None` where there is none. The slope of its last third, which in a training
    falls with the logarithm of time, goes on, from where the curve is now. Of fewer than six values nothing is known but that
    the best does not get worse: the band then goes down to 0, and `improves` is 0.5. A curve that has ended in what is no
    finite number will not get better.

    Raises `ValueError` where the curve has no finite value or one below 0, or `epochs` is below 1.

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
    """As `forecast_longer`, of a curve that has been followed; it must have a finite value, and none below 0."""
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


def _as_gaps_fall(dev_error: float, gap: float, doublings: float) -> Forecast:
    spread = math.sqrt(doublings)
    return Forecast(
        value=dev_error - _closed(gap, _usual_power(gap), doublings),
        low=max(dev_error - _closed(gap, SLOWEST_POWER, doublings) - ONE_RUN_LOW * spread, 0.0),
        high=min(dev_error + min(ONE_RUN_HIGH, MOST_ABOVE * dev_error) * spread, 1.0),
    )


def _as_it_fell(dev_error: float, gap: float, doublings: float, earlier: Sequence[tuple[float, float]]) -> Forecast:
    """The room that is left closes at the rate at which it did: `earlier` holds (doublings ago, dev error then)."""
    recent = [point for point in earlier if point[0] <= LONGEST_BACK + ROUNDING] or [min(earlier)]
    largest_drop = max((error - dev_error) / max(back, 1.0) for back, error in recent)
    room = min(max(gap, largest_drop), dev_error)
    drop = 0.0
    if room > 0:
        halvings = sum(math.log2(max(1 + (error - dev_error) / room, 0.25)) for _, error in recent)
        seen = sum(back for back, _ in recent)
        power = (halvings + PRIOR_DOUBLINGS * _usual_power(room)) / (PRIOR_DOUBLINGS + seen)
        drop = _closed(room, min(max(power, 0.0), 1.0), doublings)
    margin = BAND_SHARE * drop + BAND_POINTS * doublings
    value = dev_error - drop
    return Forecast(value, max(value - margin, 0.0), min(value + margin, 1.0))


def _usual_power(gap: float) -> float:
    return GAP_POWER / (1 + gap / MEMORISED_GAP)


def _closed(gap: float, power: float, doublings: float) -> float:
    """How much of a gap that falls as a power of the data is gone after so many doublings."""
    return gap * (1 - 2 ** (-power * doublings))


def _earlier_sizes(history: Sequence[tuple[float, float]], dev_error: float) -> list[tuple[float, float]]:
    """What was before, as (doublings ago, dev error)."""
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
