"""A curve of any length in bounded room, of which the line through any part can still be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from bvtrack.curves.trend import Moments

COLUMNS = 6
"""Of a stretch: its number of values, the sums of their places and of the squares of these, of the values, of the products
with their places, and of the squares."""


class Stretches:
    """The sums over equally long stretches of a curve; where they become more than `most`, each two become one.

    So a stretch is one place until there are more than that, and the line through a part of the curve is exact but for the
    stretch that it begins in.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._columns: list[list[Any]] = [[] for _ in range(COLUMNS)]
        self.length = 1
        """How many places each holds."""

    def add(self, place: int, value: float | None) -> None:
        """Go on to a later place, where there may be no value."""
        while place // self.length >= self._most:
            self._halve()
        for column in self._columns:
            column.extend([0] * (place // self.length + 1 - len(column)))
        if value is not None:
            self._change(place, value, 1)

    def subtract(self, place: int, value: float) -> None:
        """Take back a value that was added."""
        self._change(place, value, -1)

    def since(self, place: int) -> Moments | None:
        """What is to be told of the values from the stretch of this place on; `None` where there are none."""
        begin = max(place, 0) // self.length
        n, *sums = (sum(column[begin:]) for column in self._columns)
        return Moments.of_sums(n, *sums) if n else None

    def state(self) -> Mapping[str, Any]:
        """What `again` takes, JSON types alone."""
        return {"length": self.length, "columns": [list(column) for column in self._columns]}

    @classmethod
    def again(cls, most: int, state: Mapping[str, Any]) -> Stretches:
        """Those that had this state."""
        found = cls(most)
        found.length, found._columns = state["length"], [list(column) for column in state["columns"]]
        return found

    def _change(self, place: int, value: float, sign: int) -> None:
        amounts: Sequence[float] = (1, place, place * place, value, place * value, value * value)
        for column, amount in zip(self._columns, amounts, strict=True):
            column[place // self.length] += sign * amount

    def _halve(self) -> None:
        self.length *= 2
        self._columns = [[a + b for a, b in zip_longest(c[::2], c[1::2], fillvalue=0)] for c in self._columns]
