"""Whether two curves have settled at the loss of a guess among a few classes, where their number is not known."""

from __future__ import annotations

import math

MOST_CLASSES = 3
"""The losses of guessing among more classes lie so close to each other that many a loss is near one of them by chance."""
BAND = (0.981, 1.02)
"""Shares of the loss of guessing within which a curve has settled there: from the share at which a model has learned (see
`CHANCE_SHARE`) to one above which a curve may still be on its way down."""

LEVELS = [math.log(classes) for classes in range(2, MOST_CLASSES + 1)]


class Settling:
    """The level at which the curves are, and since when; of constant size."""

    __slots__ = ("_before", "_latest", "_level", "_since")

    def __init__(self) -> None:
        self._level: float | None = None
        self._since = self._before = self._latest = -1

    def add(self, place: int, values: list[float]) -> None:
        """Take the curves' values at a later place."""
        level = next((one for one in LEVELS if all(BAND[0] * one <= value <= BAND[1] * one for value in values)), None)
        if level is None or level != self._level:
            self._before, self._since = self._latest, place
        self._level, self._latest = level, place

    def share(self, last: int) -> float:
        """The share of the curves, up to the place `last`, that is at the level where they end; 0 if they are at none."""
        return 0.0 if self._level is None else (last + 1 - self._since) / (last + 1)

    @property
    def landmarks(self) -> set[int]:
        """The places that determine it."""
        return {self._since, self._before}
