"""The shape of a learning curve: still learning, converged, overtrained, not learning, or diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from bvtrack.error_rates.gaps import ROUNDING, SMALLEST_GAP
from bvtrack.error_rates.intervals import Rate, difference_interval

CHANCE_SHARE = 0.981
"""At or above this share of the chance level, a model has not learned: the 0.68 of 0.693 that separates the TaskSet runs."""
BLOW_UP = 7.0
"""A model that knows nothing is at the chance level; at this many times that level it is confidently wrong, which a working
training never is: from a loss of 5, at a chance level of 0.693, a TaskSet run has diverged …"""
LARGEST_RATE = 1.0
"""… if the value is more than an error rate can be."""
OVERTRAINED_RISE = 1.05
"""A last dev error above 1.05 times the best is overtrained (the definition used on the TaskSet runs) …"""
OVERTRAINED_POINTS = SMALLEST_GAP
"""… if the rise is also at least the smallest gap that is named, so that a single example does not count …"""
OWN_SHARE = 0.5
"""… and at least half of it is the dev error's own: the train error has risen by at most this share of it."""
STILL_LEARNING = 0.25
"""A best epoch in the last quarter means that training longer may help (Deep Learning Tuning Playbook)."""
FEWEST_EPOCHS = 2
"""One epoch shows neither the shape of a curve nor that a model cannot learn."""
WARM_UP_EPOCHS = 5
"""Up to here a model at the chance level may still be in warm-up (Goyal et al. 2017 warm up for five epochs), so it is not yet
certain that it does not learn."""

NOWHERE = (-1, math.inf)
"""Placeholder for a value that does not exist."""


class Outline:
    """Running summary of a curve, of constant size: all that its shape depends on.

    A value above `limit` is a blow-up; among error rates, only values that are not finite are.
    """

    __slots__ = ("_limit", "blow_up", "first", "last", "last_finite", "lowest", "lowest_since", "n_finite", "n_values")

    def __init__(self, limit: float = LARGEST_RATE) -> None:
        self._limit = limit
        self.n_values = self.n_finite = 0
        self.first = self.last = self.last_finite = self.lowest = self.blow_up = self.lowest_since = NOWHERE

    def add(self, epoch: int, value: float) -> None:
        """Append the value of a later epoch."""
        self.n_values += 1
        self.last = epoch, value
        if not value <= self._limit:
            self.blow_up, self.lowest_since = self.last, NOWHERE
        elif self.blow_up is not NOWHERE and value < self.lowest_since[1]:
            self.lowest_since = self.last
        if math.isfinite(value):
            self.n_finite += 1
            self.last_finite = self.last
            if self.first is NOWHERE:
                self.first = self.last
            if value < self.lowest[1]:
                self.lowest = self.last

    def has_diverged(self, chance: float | None) -> bool:
        """True if the last value is not finite or has blown up, or if none since a blow-up is below the chance level."""
        last = self.last[1]
        if not math.isfinite(last):
            return True
        if chance is None or self.n_values < FEWEST_EPOCHS:
            return last > blow_up_limit(abs(self.first[1]) if chance is None else chance)
        return self.blow_up is not NOWHERE and not _is_learned(self.lowest_since[1], chance)

    @property
    def landmarks(self) -> set[int]:
        """The epochs that determine the outline."""
        return {self.first[0], self.last[0], self.last_finite[0], self.lowest[0], self.blow_up[0], self.lowest_since[0]}


class Shape:
    """The outlines of a train and a dev curve, and the shape they have together."""

    def __init__(self, limit: float = LARGEST_RATE) -> None:
        self.train, self.dev = Outline(limit), Outline(limit)
        self._train_at_best = NOWHERE

    def add(self, epoch: int, train: float | None, dev: float | None) -> None:
        """Append a later epoch; `None` for a missing value."""
        if dev is not None:
            self.dev.add(epoch, dev)
            if self.dev.lowest[0] == epoch:
                self._train_at_best = NOWHERE
        if train is not None:
            self.train.add(epoch, train)
            if self._train_at_best is NOWHERE and math.isfinite(train):
                self._train_at_best = epoch, train

    @property
    def is_empty(self) -> bool:
        """True if there is no value."""
        return not self.train.n_values and not self.dev.n_values

    @property
    def ends_finite(self) -> bool:
        """True if the last value of each curve is a number."""
        return all(math.isfinite(curve.last[1]) for curve in (self.train, self.dev) if curve.n_values)

    @property
    def landmarks(self) -> set[int]:
        """The epochs that determine the shape."""
        return self.train.landmarks | self.dev.landmarks | {self._train_at_best[0]}

    def classify(self, chance: float | None, n_dev: int | None) -> str:
        """The result of `classify_curve`; there must be a value."""
        dev = self.dev if self.dev.n_values else self.train
        if any(curve.has_diverged(chance) for curve in (self.train, dev) if curve.n_values):
            return "diverged"
        lowest = min(self.train.lowest[1], dev.lowest[1])
        if chance is not None and dev.n_finite >= FEWEST_EPOCHS and not _is_learned(lowest, chance):
            return "not_learning"
        if dev is self.dev and self._is_overtrained(n_dev):
            return "overtrained"
        first, last, best = dev.first[0], dev.last[0], dev.lowest[0]
        is_learning = dev.n_finite < FEWEST_EPOCHS or best - first >= (1 - STILL_LEARNING) * (last - first)
        return "learning" if is_learning else "converged"

    def _is_overtrained(self, n_dev: int | None) -> bool:
        """True if the dev error has risen since its best epoch, and the train error has not risen with it."""
        last, best = self.dev.last[1], self.dev.lowest[1]
        rise = last - best
        if rise <= (OVERTRAINED_RISE - 1) * abs(best) or rise < OVERTRAINED_POINTS - ROUNDING:
            return False
        if n_dev is not None and difference_interval(Rate(last, n_dev), Rate(best, n_dev))[0] <= 0:
            return False
        return self._train_at_best is NOWHERE or self.train.last[1] - self._train_at_best[1] <= OWN_SHARE * rise


def classify_curve(
    train_curve: Sequence[float | None],
    dev_curve: Sequence[float | None],
    chance: float | None = None,
    *,
    n_dev: int | None = None,
) -> str:
    """`learning`, `converged`, `overtrained`, `not_learning` or `diverged`, from errors or losses by epoch.

    The curves may differ in length; epochs without a value are `None`. Without any dev value the train curve decides. `chance`
    is the score of random guessing, on the same scale; without it, only a value that is not finite, or a last one far above the
    first, counts as diverged. `n_dev` is the number of examples behind dev errors that are shares of them: a rise that may be
    chance then does not count.

    Raises `ValueError` if there is no value at all.

    >>> classify_curve([0.5, 0.2, 0.1, 0.05, 0.02], [0.5, 0.25, 0.2, 0.22, 0.26])
    'overtrained'
    """
    shape = Shape(LARGEST_RATE if chance is None else blow_up_limit(chance))
    for epoch, (train, dev) in enumerate(zip_longest(train_curve, dev_curve)):
        shape.add(epoch, train, dev)
    if shape.is_empty:
        raise ValueError("expected at least one value in train_curve or dev_curve; got none")
    return shape.classify(chance, n_dev)


def blow_up_limit(yardstick: float) -> float:
    """The value above which a curve has blown up, where `yardstick` is the score of random guessing."""
    return max(BLOW_UP * yardstick, LARGEST_RATE)


def _is_learned(value: float, chance: float) -> bool:
    return value < CHANCE_SHARE * chance - ROUNDING
