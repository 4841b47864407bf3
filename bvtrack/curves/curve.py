"""The shape of a learning curve: whether a training is still learning, has settled, turned, or failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from bvtrack.error_rates.gaps import ROUNDING, SMALLEST_GAP
from bvtrack.error_rates.intervals import Rate, difference_interval

CHANCE_SHARE = 0.981
"""At or above this share of chance's score, a model has not learned: the 0.68 of 0.693 that tells the TaskSet runs apart."""
BLOW_UP = 7.0
"""A model that knows nothing scores chance; one at this many times chance is confidently wrong, which no training that
works comes to: the loss of 5, at a chance of 0.693, from which on a TaskSet run has diverged …"""
LARGEST_RATE = 1.0
"""… where it is more than an error rate can be."""
OVERTRAINED_RISE = 1.05
"""A last dev error above 1.05 times the best is overtrained (the definition used on the TaskSet runs) …"""
OVERTRAINED_POINTS = SMALLEST_GAP
"""… where the rise is also as large as the smallest gap that is named, so that one example more or less does not count …"""
OWN_SHARE = 0.5
"""… and the larger half of it is the dev error's own: the train error has risen by this share of it at most."""
STILL_LEARNING = 0.25
"""The best epoch in the last quarter means that training longer may help (Deep Learning Tuning Playbook)."""
FEWEST_EPOCHS = 2
"""One epoch says nothing about the shape of a curve, nor that a model cannot learn."""
WARM_UP_EPOCHS = 5
"""Up to here a model at chance may still be warming up (Goyal et al. 2017 warm up for five epochs), so it is not yet certain
that it does not learn."""

Value = tuple[int, float]
"""An epoch, and a curve's value there."""
NOWHERE = (-1, math.inf)
"""Where there is no such value."""


class Outline:
    """A curve as it is followed value by value: all that its shape depends on, however long it is.

    A value above `limit` is a blow-up; of error rates none is, but what is no finite number.
    """

    __slots__ = ("_limit", "blow_up", "first", "last", "last_finite", "lowest", "lowest_since", "n_finite", "n_values")

    def __init__(self, limit: float = LARGEST_RATE) -> None:
        self._limit = limit
        self.n_values = self.n_finite = 0
        self.first = self.last = self.last_finite = self.lowest = self.blow_up = self.lowest_since = NOWHERE

    def add(self, epoch: int, value: float) -> None:
        """Go on to the value of a later epoch."""
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
        """Whether it ends in what is no finite number or has blown up, or has not come back below chance since it did."""
        last = self.last[1]
        if not math.isfinite(last):
            return True
        if chance is None or self.n_values < FEWEST_EPOCHS:
            return last > blow_up_limit(self.first[1] if chance is None else chance)
        return self.blow_up is not NOWHERE and not _is_learned(self.lowest_since[1], chance)

    @property
    def landmarks(self) -> set[int]:
        """The epochs without which it would be another outline."""
        return {self.first[0], self.last[0], self.last_finite[0], self.lowest[0], self.blow_up[0], self.lowest_since[0]}


class Shape:
    """The outlines of a training's two curves, and what they say together."""

    def __init__(self, limit: float = LARGEST_RATE) -> None:
        self.train, self.dev = Outline(limit), Outline(limit)
        self._train_at_best = NOWHERE

    def add(self, epoch: int, train: float | None, dev: float | None) -> None:
        """Go on to a later epoch, `None` where it has no value."""
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
        """Whether there is no value at all."""
        return not self.train.n_values and not self.dev.n_values

    @property
    def landmarks(self) -> set[int]:
        """The epochs without which it would be another shape."""
        return self.train.landmarks | self.dev.landmarks | {self._train_at_best[0]}

    def classify(self, chance: float | None, n_dev: int | None) -> str:
        """As `classify_curve`; there must be a value."""
        dev = self.dev if self.dev.n_values else self.train
        if any(curve.has_diverged(chance) for curve in (self.train, dev) if curve.n_values):
            return "diverged"
        lowest = min(self.train.lowest[1], dev.lowest[1])
        if chance is not None and dev.n_finite >= FEWEST_EPOCHS and not _is_learned(lowest, chance):
            return "not_learning"
        if dev is self.dev and self._has_turned(n_dev):
            return "overtrained"
        first, last, best = dev.first[0], dev.last[0], dev.lowest[0]
        is_learning = dev.n_finite < FEWEST_EPOCHS or best - first >= (1 - STILL_LEARNING) * (last - first)
        return "learning" if is_learning else "converged"

    def _has_turned(self, n_dev: int | None) -> bool:
        """Whether the dev error has risen since its best epoch, and the train error not with it."""
        last, best = self.dev.last[1], self.dev.lowest[1]
        rise = last - best
        if rise <= (OVERTRAINED_RISE - 1) * best or rise < OVERTRAINED_POINTS - ROUNDING:
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

    The curves need not be equally long; epochs without a value are `None`. Without any dev value the train curve decides.
    `chance` is what guessing would score, on the same scale; without it only a value that is not finite, or a last one far
    above the first, is known to have diverged. `n_dev` are the examples behind dev errors that are shares of them: a rise
    that may be chance is then none.

    Raises `ValueError` where there is no value at all.

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
    """Above this a value has blown up, where `yardstick` is what guessing scores."""
    return max(BLOW_UP * yardstick, LARGEST_RATE)


def _is_learned(value: float, chance: float) -> bool:
    return value < CHANCE_SHARE * chance - ROUNDING
