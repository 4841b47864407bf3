"""Numbers among the attributes of optimisers and layers, in any framework."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def as_number(value: Any) -> float | None:
    """A number, or a tensor or variable that holds one, as a float; `None` for anything else.

    >>> as_number(1), as_number("SGD")
    (1.0, None)
    """
    return float(value) if hasattr(value, "__float__") else None


def largest(values: Iterable[Any]) -> float | None:
    """The largest of those values that are numbers; `None` where none is.

    >>> largest([0.1, None, "auto", 0.3])
    0.3
    """
    return max((number for value in values if (number := as_number(value)) is not None), default=None)
