"""Forecasts of the best dev error after more epochs, and an 80 % prediction interval.

The rule in one breath: the dev error goes on as in its last third, more slowly the faster it fell; the best may stay what it
is, or fall twice as far. Where there is no train error left, there is little left to learn. The constants lie on plateaus of
what was measured on curves of other trainings (tests/benchmarks/rules, tests/benchmarks/advice).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bvtrack.curves.trend import Trend
from bvtrack.display import as_words
from bvtrack.error_rates.error_rate import is_finite_number

FEWEST_VALUES = 6
"""A shorter curve gets no forecast: its steep first epochs would pass for its slope."""
SOON_OVER = 1.0
"""An extrapolated drop of e^-1 is halved (in the logarithm): the faster an error falls, the sooner that ends."""
LEFT_TO_LEARN = 0.3
"""Train error as a share of the dev error from which on there is much left to learn; without any …"""
LEARNT = 0.25
"""… only a quarter of the extrapolated drop comes."""
UNSEEN_DROP = 0.05
"""A dev error no higher than the train error falls by 5 % for each e-fold of time, even where its curve seems to stand."""
IMPROVEMENT = 0.02
"""An improvement is at least 2 % better than the best value so far."""
NOISE_FLOOR = 0.01
EVEN_ODDS, MOST_EVIDENCE = 0.5, 3.0
"""The odds of an improvement grow with the share of epochs added; the evidence of the slope changes them by a factor of at most
e^3."""
LEARNT_ODDS, SLOPE_EVIDENCE, TRAIN_EVIDENCE = -2.7, 1.6, 2.0
"""The same where the train error is known, fitted to whether four times the epochs helped in the training part of the
intervention set: in 8 % of the runs without train error whose curve had settled, in 85 to 97 % of those with train error and a
steep curve."""
FAST_DROP = 2.0
"""The interval: from no drop to twice the drop."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected dev error, its 80 % interval, and, for more epochs, the probability that they help at all: that the best dev
    error improves by at least 2 %.
    """

    value: float
    low: float
    high: float
    improves: float | None = None

    def __str__(self) -> str:
        return as_words(self)


def forecast_longer(dev_curve: Sequence[float | None], *, epochs: int, train_error: float | None = None) -> Forecast:
    """The best dev error after `epochs` more, and the probability that it improves by at least 2 %.

    `dev_curve` holds errors or losses by epoch, `None` for missing ones. The slope of its last third, linear in the logarithm
    of time, is extrapolated from the current value. With fewer than six values nothing is known except that the best cannot get
    worse: the interval then goes down to 0, and `improves` is 0.5. A curve that ends in a value that is not finite will not
    improve. `train_error` is that of the best epoch, in the unit of the curve, or the part of it that can be avoided: where a
    run has learnt its training data, more epochs hardly help.

    Raises `ValueError` if the curve has no finite value or one below 0, if `epochs` is below 1, or the train error below 0.

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
    if train_error is not None and not (is_finite_number(train_error) and train_error >= 0):
        raise ValueError(f"train_error must be an error or a loss from 0 on; got {train_error!r}")
    return forecast_trend(trend, epochs=epochs, train_error=train_error)


def forecast_trend(trend: Trend, *, epochs: int, train_error: float | None = None) -> Forecast:
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
    evidence = (course - max(above - noise, 0.0) - IMPROVEMENT) / (noise + NOISE_FLOOR)
    evidence /= 1 + abs(evidence)
    drop = max(course - above, 0.0)
    drop /= 1 + drop / SOON_OVER
    log_odds = math.log(epochs / n_past)
    if train_error is None:
        log_odds += EVEN_ODDS + MOST_EVIDENCE * evidence
    else:
        share = min(train_error / best, 1.0)
        left = min(share / LEFT_TO_LEARN, 1.0)
        drop = drop * (LEARNT + (1 - LEARNT) * left) + UNSEEN_DROP * share * more_time
        log_odds += LEARNT_ODDS + SLOPE_EVIDENCE * evidence + TRAIN_EVIDENCE * left
    value, low = best * math.exp(-drop), best * math.exp(-FAST_DROP * drop)
    return Forecast(value, low, high=best, improves=1 / (1 + math.exp(-log_odds)))
