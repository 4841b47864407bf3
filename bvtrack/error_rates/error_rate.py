"""Parse and validate error rates."""

from __future__ import annotations

import math
from typing import Any

INEXACT = 0.02
"""Tolerance to the nearest whole number of examples: more than the effect of rounding to percent, or of a mean over batches of
unequal size."""
DIGITS = 8
"""Decimals of a logged error: one more than a float32 metric has, so that none is moved across a half; not its noise."""


def as_logged(value: float) -> float:
    """An error or a gap with the digits that are logged of it.

    >>> as_logged(1 - 0.649)
    0.351
    """
    return round(value, DIGITS)


def read_error(text: str) -> float:
    """Parse an error: a fraction (`0.11`), or percent (`11%`). Values outside [0, 1] are not rejected.

    Raises `ValueError` for text that is not a number.

    >>> read_error("0.11"), read_error("11 %")
    (0.11, 0.11)
    """
    number = text.strip()
    try:
        return float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"expected an error such as 0.11 or 11%; got {number!r}") from None


def is_finite_number(value: Any) -> bool:
    """True for a finite number that a float can hold.

    >>> is_finite_number(0.05), is_finite_number("5%"), is_finite_number(float("nan")), is_finite_number(10**400)
    (True, False, False, False)
    """
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def is_fraction(value: Any) -> bool:
    """True for a number in [0, 1].

    >>> is_fraction(0.05), is_fraction(1.5), is_fraction(None)
    (True, False, False)
    """
    return is_finite_number(value) and 0 <= value <= 1


def is_share_of(error: float, n: int) -> bool:
    """True if the error is near a whole number of `n` examples, and so can be their error rate.

    >>> is_share_of(0.33, 3), is_share_of(0.15, 3)
    (True, False)
    """
    return abs(error - round(error * n) / n) <= INEXACT + 1e-9
