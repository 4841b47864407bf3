"""An error as people write it, and what is none."""

from __future__ import annotations

import math
from typing import Any


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
    """Whether this is a number at all, and neither infinite nor NaN.

    >>> is_finite_number(0.05), is_finite_number("5%"), is_finite_number(float("nan"))
    (True, False, False)
    """
    try:
        return math.isfinite(value)
    except TypeError:
        return False
