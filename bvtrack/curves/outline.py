"""Running summary of one learning curve."""

from __future__ import annotations

import math

from bvtrack.error_rates.gaps import ROUNDING

CHANCE_SHARE = 0.981
"""At or above this share of the chance level, a model has not learned: the 0.68 of 0.693 that separates the TaskSet runs.
Without a chance level, the first value stands for it."""
BLOW_UP = 7.0
"""A model that knows nothing is at the chance level; at this many times that level it is confidently wrong, which a working
training never is: from a loss of 5, at a chance level of 0.693, a TaskSet run has diverged …"""
LARGEST_RATE = 1.0
"""… if the value is more than an error rate can be."""
WORSE_THAN_AT_FIRST = 0.2
"""Without a chance level, a loss that ends this share above its first value is worse than before it was trained; noise is far
smaller (0.05 to 0.5 do equally well on TaskSet)."""
FEWEST_EPOCHS = 2
"""One epoch shows neither the shape of a curve nor that a model cannot learn."""

NOWHERE = (-1, math.inf)
"""Placeholder for a value that does not exist."""

_PLACES = ("first", "last", "last_finite", "lowest", "blow_up", "lowest_since")


class Outline:
    """Running summary of a curve, of constant size: all that its shape depends on.

    A value above the limit is a blow-up; among error rates, only values that are not finite are. The limit follows from the
    chance level, where it is known, else from the first value. `is_loss` is true of values that may have any unit.
    """

    __slots__ = (
        "_chance",
        "_is_loss",
        "blow_up",
        "first",
        "last",
        "last_finite",
        "lowest",
        "lowest_since",
        "n_finite",
        "n_values",
    )

    def __init__(self, chance: float | None = None, *, is_loss: bool = False) -> None:
        self._chance = chance
        self._is_loss = is_loss
        self.n_values = self.n_finite = 0
        self.first = self.last = self.last_finite = self.lowest = self.blow_up = self.lowest_since = NOWHERE

    def add(self, epoch: int, value: float) -> None:
        """Append the value of a later epoch."""
        self.n_values += 1
        self.last = epoch, value
        if math.isfinite(value):
            self.n_finite += 1
            self.last_finite = self.last
            if self.first is NOWHERE:
                self.first = self.last
            if value < self.lowest[1]:
                self.lowest = self.last
        if not value <= self._limit:
            self.blow_up, self.lowest_since = self.last, NOWHERE
        elif self.blow_up is not NOWHERE and value < self.lowest_since[1]:
            self.lowest_since = self.last

    def has_diverged(self, chance: float | None) -> bool:
        """True if the last value is not finite or has blown up, or if none since a blow-up is below the chance level."""
        last = self.last[1]
        if not math.isfinite(last):
            return True
        if self.n_values < FEWEST_EPOCHS:
            return last > self._limit
        level = abs(self.first[1]) if chance is None else chance
        if chance is None and self.blow_up[0] < self.first[0]:
            return False  # there was nothing to lose
        return self.blow_up is not NOWHERE and not is_learned(self.lowest_since[1], level)

    @property
    def is_worse_than_at_first(self) -> bool:
        """True if it ends far above its first value."""
        first = self.first[1]
        return self.n_finite > FEWEST_EPOCHS and first != 0 and self.last[1] > first + WORSE_THAN_AT_FIRST * abs(first)

    @property
    def has_fallen(self) -> bool:
        """True if it is, or was, below its first value by more than a model that has not learned would be."""
        return is_learned(self.lowest[1], abs(self.first[1]))

    @property
    def landmarks(self) -> set[int]:
        """The epochs that determine the outline."""
        return {getattr(self, name)[0] for name in _PLACES}

    @property
    def _limit(self) -> float:
        """The value above which the curve has blown up."""
        if self._chance is None and self.first is NOWHERE:
            return math.inf
        level = abs(self.first[1]) if self._chance is None else self._chance
        return BLOW_UP * level if self._is_loss and level else max(BLOW_UP * level, LARGEST_RATE)


def is_learned(value: float, chance: float) -> bool:
    """True for a value that is below the chance level, if only just."""
    return value < CHANCE_SHARE * chance - ROUNDING * min(chance, 1.0)
