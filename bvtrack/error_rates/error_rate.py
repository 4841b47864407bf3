"""An error as people write it, and what is none."""

from __future__ import annotations

import math
from typing import Any

INEXACT = 0.02
"""How far an error may be from a whole number of examples: more than rounding to percent, or a mean over batches of unequal
size, leaves."""


def read_error(text: str) -> float:
    """The number that stands for an error: a fraction (`0.11`), or percent (`11%`). Whether it is in [0, 1] is not asked.

    Raises `ValueError` for what is no number.

    >>> read_error("0.11"), read_error("11 %")
    (0.11, 0.11)
    """
    number = text.strip()
    try:
        return float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"expected an error such as 0.11 or 11%; got {number!r}") from None


def is_finite_number(value: Any) -> bool:
    """Whether this is a number that a float holds, and neither infinite nor NaN.

    >>> is_finite_number(0.05), is_finite_number("5%"), is_finite_number(float("nan")), is_finite_number(10**400)
    (True, False, False, False)
    """
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def is_fraction(value: Any) -> bool:
    """Whether this is a number in [0, 1].

    >>> is_fraction(0.05), is_fraction(1.5), is_fraction(None)
    (True, False, False)
    """
    return is_finite_number(value) and 0 <= value <= 1


def is_share_of(error: float, n: int) -> bool:
    """Whether an error can be that of `n` examples: it is near to a whole number of them.

    >>> is_share_of(0.33, 3), is_share_of(0.15, 3)
    (True, False)
    """
    return abs(error - round(error * n) / n) <= INEXACT + 1e-9
