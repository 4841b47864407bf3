"""A summary of a curve in bounded memory, from which the regression line through any part can be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from bvtrack.curves.trend import Moments

COLUMNS = 6
"""Sums kept for each stretch: the number of values, their positions, squared positions, values, products of position and value,
and squared values."""


Part = tuple[int, float, float, float]
"""Values of a curve: their number, their sum, the sum of their squares, and how much of that their own line makes up: above 0
where it falls, below 0 where it rises."""


class Stretches:
    """Sums over equally long stretches of a curve; when there are more than `most`, neighbours are merged in pairs.

    A stretch is a single position until then, and the line through a part of the curve is exact except for the stretch in which
    the part begins.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._columns: list[list[Any]] = [[] for _ in range(COLUMNS)]
        self.length = 1
        """Number of positions in each stretch."""

    def add(self, position: int, value: float | None) -> None:
        """Append a later position; the value may be missing."""
        while position // self.length >= self._most:
            self._merge_pairs()
        for column in self._columns:
            column.extend([0] * (position // self.length + 1 - len(column)))
        if value is not None:
            self._change(position, value, 1)

    def subtract(self, position: int, value: float) -> None:
        """Remove a value that was added."""
        self._change(position, value, -1)

    def since(self, position: int) -> Moments | None:
        """Moments of the values from the stretch of this position on; `None` if there are none."""
        begin = max(position, 0) // self.length
        n, *sums = (sum(column[begin:]) for column in self._columns)
        return Moments.of_sums(n, *sums) if n else None

    def parts(self, position: int) -> tuple[list[Part], int]:
        """The stretches that have values, and the index of the one with this position, which must be among them."""
        found = [(n, y, yy, _fall(n, x, xx, y, xy)) for n, x, xx, y, xy, yy in zip(*self._columns, strict=True) if n]
        return found, sum(1 for n in self._columns[0][: position // self.length] if n)

    def state(self) -> Mapping[str, Any]:
        """The state as JSON types, for `again`."""
        return {"length": self.length, "columns": [list(column) for column in self._columns]}

    @classmethod
    def again(cls, most: int, state: Mapping[str, Any]) -> Stretches:
        """The inverse of `state`."""
        found = cls(most)
        found.length, found._columns = state["length"], [list(column) for column in state["columns"]]
        return found

    def _change(self, position: int, value: float, sign: int) -> None:
        amounts: Sequence[float] = (1, position, position * position, value, position * value, value * value)
        for column, amount in zip(self._columns, amounts, strict=True):
            column[position // self.length] += sign * amount

    def _merge_pairs(self) -> None:
        self.length *= 2
        self._columns = [[a + b for a, b in zip_longest(c[::2], c[1::2], fillvalue=0)] for c in self._columns]


def _fall(n: int, x: int, xx: int, y: float, xy: float) -> float:
    """The part of the squares that the line through a stretch makes up, from its sums; above 0 if it falls."""
    if n == 1:
        return 0.0
    common = xy - x * y / n
    return -common * abs(common) / (xx - x * x / n)
