"""Forecasts of more data for a model that is trained until it gets no better, before and after.

Closed forms with few constants, each on a plateau of what was measured on LCDB's learning curves (tests/benchmarks/rules).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bvtrack.curves.forecast import Forecast
from bvtrack.error_rates.gaps import ROUNDING

GAP_POWER = 0.4
"""Trained to the end a small gap falls as data^-0.4, between the -0.5 of sampling theory and what large networks show (Hestness
et al. 2017) …"""
MEMORISED_GAP = 0.15
"""… with half that exponent at a gap of 15 points: a wide gap is largely a hard problem learned by heart."""
SLOWEST_POWER = 0.3
ONE_RUN_LOW, ONE_RUN_HIGH, MOST_ABOVE = 0.02, 0.005, 0.25
"""The interval of such a forecast: from two points below a gap that falls as data^-0.3, to half a point above the present
error, or a quarter of it if it is below two points."""
PRIOR_DOUBLINGS = 0.25
"""Weight of the rule for one run beside measured drops: that of a quarter of a doubling of the data."""
LONGEST_BACK = 2.0
"""Errors at less than a quarter of the data say little about the next doubling; they count only if there are no others."""
BAND_SHARE, BAND_POINTS = 0.5, 0.0075
"""The interval of a forecast from smaller sizes: half of the drop, and three quarters of a point for each doubling."""


def from_one_run(dev_error: float, gap: float, doublings: float) -> Forecast:
    """The forecast where only the present gap between train and dev error is known."""
    spread = math.sqrt(doublings)
    return Forecast(
        value=dev_error - _closed_gap(gap, _usual_power(gap), doublings),
        low=max(dev_error - _closed_gap(gap, SLOWEST_POWER, doublings) - ONE_RUN_LOW * spread, 0.0),
        high=min(dev_error + min(ONE_RUN_HIGH, MOST_ABOVE * dev_error) * spread, 1.0),
    )


def from_measured_drops(
    dev_error: float, gap: float, reducible: float, doublings: float, earlier: Sequence[tuple[float, float]]
) -> Forecast:
    """Extrapolate the measured rate at which the gap closed; `earlier` holds (doublings ago, dev error then)."""
    recent = [point for point in earlier if point[0] <= LONGEST_BACK + ROUNDING] or [min(earlier)]
    largest_drop = max((error - dev_error) / max(back, 1.0) for back, error in recent)
    room = min(max(gap, largest_drop), reducible)
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
