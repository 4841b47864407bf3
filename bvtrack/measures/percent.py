"""Fractions and their differences in percent and in points."""

from __future__ import annotations


def percent(error: float) -> str:
    """An error or a gap in percent: `11.0 %`, with a second digit for a value below 0.995 %.

    >>> percent(0.11), percent(0.005)
    ('11.0 %', '0.50 %')
    """
    digits = 2 if 0 < abs(error) < 0.00995 else 1
    return f"{100 * error:.{digits}f} %"


def in_points(difference: float, sign: str = "") -> str:
    """A difference of fractions in percentage points; `sign="+"` shows a plus sign, too.

    >>> in_points(-0.0001), in_points(0.025, sign="+")
    ('0.0', '+2.5')
    """
    return f"{round(100 * difference, 1) + 0.0:{sign}.1f}"
