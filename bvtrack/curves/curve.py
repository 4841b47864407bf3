"""The shape of a learning curve: still learning, converged, overtrained, unstable, not learning, or diverged.

The chance level is the score of random guessing. Where it is known, a curve is held against it; where it is not, as for a loss
of which nothing else is known, against the curve's own first value and progress. The constants were chosen on the TaskSet runs
and checked on trainings of other kinds (tests/benchmarks/rivals).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from bvtrack.curves.outline import FEWEST_EPOCHS, LARGEST_RATE, NOWHERE, Outline, is_learned
from bvtrack.curves.settling import Settling
from bvtrack.error_rates.gaps import ROUNDING, SMALLEST_GAP
from bvtrack.error_rates.intervals import Rate, difference_interval

CURVES = ("learning", "converged", "overtrained", "unstable", "not_learning", "diverged")
"""The classes of a curve."""
HAND_IN_HAND = 0.02
"""Losses on train and dev that differ by at most this share of each other, as a constant prediction's do where classes are
alike on both. What has learned all it could before its first value was logged is as flat, but has a gap."""
LEAST_FIRST = 0.5
"""A flat curve whose unit is not known is not judged if it begins below: error rates of guessing are at least one half."""
LONG_ENOUGH = 1 / 3
"""The share of a curve's end that must lie at the loss of a guess to have settled there."""
OVERTRAINED_RISE = 0.075
"""A last dev error this share above the best is overtrained. By the loss on a test set, where 1.05 times that of the dev-best
epoch counts, 0.07 to 0.08 do equally well on TaskSet; at 0.05, half as many alarms again are of lucky best epochs. …"""
UNSTABLE_RISE = 0.05
"""… This share is enough where the train error has risen too, as luck with the dev set would not have it …"""
OWN_SHARE = 0.25
"""… by more than this share of the dev error's rise."""
OVERTRAINED_POINTS = SMALLEST_GAP
"""A rise is also at least the smallest gap that is named, so that a single example does not count; of a loss, this share of its
first value."""
STILL_LEARNING = 0.25
"""A best epoch in the last quarter means that training longer may help (Deep Learning Tuning Playbook)."""
WARM_UP_EPOCHS = 5
"""Up to here a model at the chance level may still be in warm-up (Goyal et al. 2017 warm up for five epochs), so it is not yet
certain that it does not learn; without a chance level nothing is said."""


class Shape:
    """The outlines of a train and a dev curve, and the shape they have together.

    `is_loss` says whether the values are losses, of any unit, or errors as fractions; `None` if that is not known.
    """

    def __init__(self, chance: float | None = None, *, is_loss: bool | None = False) -> None:
        self.train, self.dev = Outline(chance, is_loss=bool(is_loss)), Outline(chance, is_loss=bool(is_loss))
        self._is_loss = is_loss
        self._settling = Settling()
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
        if values := [value for value in (train, dev) if value is not None]:
            self._settling.add(epoch, values)

    @property
    def is_empty(self) -> bool:
        """True if there is no value."""
        return not self.train.n_values and not self.dev.n_values

    @property
    def ends_finite(self) -> bool:
        """True if the last value of each curve is a number."""
        return all(math.isfinite(curve.last[1]) for curve in self._curves)

    def ends_below(self, chance: float) -> bool:
        """True if each curve ends below the chance level."""
        return all(is_learned(curve.last[1], chance) for curve in self._curves)

    @property
    def landmarks(self) -> set[int]:
        """The epochs that determine the shape."""
        return self.train.landmarks | self.dev.landmarks | self._settling.landmarks | {self._train_at_best[0]}

    def classify(self, chance: float | None, n_dev: int | None) -> str:
        """The result of `classify_curve`; there must be a value."""
        if self._has_diverged(chance):
            return "diverged"
        if self._has_not_learned(chance):
            return "not_learning"
        if rise := self._rise(n_dev):
            return rise
        dev = self._judged
        first, last, best = dev.first[0], dev.last[0], dev.lowest[0]
        is_learning = dev.n_finite < FEWEST_EPOCHS or best - first >= (1 - STILL_LEARNING) * (last - first)
        return "learning" if is_learning else "converged"

    @property
    def _curves(self) -> list[Outline]:
        return [curve for curve in (self.train, self.dev) if curve.n_values]

    @property
    def _judged(self) -> Outline:
        """The dev curve; without one, the train curve."""
        return self.dev if self.dev.n_values else self.train

    @property
    def _is_of_rates(self) -> bool:
        """True if the values can be error rates and are not known to be losses."""
        return not self._is_loss and all(curve.last[1] <= LARGEST_RATE for curve in self._curves)

    def _has_diverged(self, chance: float | None) -> bool:
        """Without a chance level the train curve decides: where only the dev loss blows up, the run is overtrained."""
        decisive = self._curves if chance is not None else self._curves[:1]
        if not self.ends_finite or any(curve.has_diverged(chance) for curve in decisive):
            return True
        if chance is not None or self._is_of_rates or (not self.train.n_values and self.dev.has_fallen):
            return False
        return all(curve.is_worse_than_at_first for curve in self._curves)

    def _has_not_learned(self, chance: float | None) -> bool:
        if chance is not None:
            lowest = min(curve.lowest[1] for curve in self._curves)
            return self._judged.n_finite >= FEWEST_EPOCHS and not is_learned(lowest, chance)
        if self._is_loss is False or min(curve.n_finite for curve in self._curves) < WARM_UP_EPOCHS:
            return False
        if all(curve.lowest == curve.last for curve in self._curves):
            return False  # it falls, however slowly
        last = max(curve.last[0] for curve in self._curves)
        return self._settling.share(last) >= LONG_ENOUGH or self._is_flat

    @property
    def _is_flat(self) -> bool:
        """True if neither curve has fallen since its first value, and both end at the same."""
        least = 0.0 if self._is_loss else LEAST_FIRST
        if len(self._curves) < 2 or not all(curve.first[1] > least and not curve.has_fallen for curve in self._curves):
            return False
        train, dev = self.train.last[1], self.dev.last[1]
        return abs(dev - train) <= HAND_IN_HAND * max(train, dev)

    def _rise(self, n_dev: int | None) -> str | None:
        """`overtrained` if the dev error has risen since its best epoch, `unstable` if the train error has risen with it."""
        if not self.dev.n_values:
            return None
        last, best = self.dev.last[1], self.dev.lowest[1]
        rise = last - best
        if rise <= UNSTABLE_RISE * abs(best) or rise < (OVERTRAINED_POINTS - ROUNDING) * self._unit:
            return None
        if n_dev is not None and difference_interval(Rate(last, n_dev), Rate(best, n_dev))[0] <= 0:
            return None
        has_train_risen = self._train_at_best is not NOWHERE and self.train.last[1] - self._train_at_best[1] > OWN_SHARE * rise
        if has_train_risen:
            return "unstable"
        return "overtrained" if rise > OVERTRAINED_RISE * abs(best) else None

    @property
    def _unit(self) -> float:
        return abs(self.dev.first[1]) if self._is_loss else 1.0


def classify_curve(
    train_curve: Sequence[float | None],
    dev_curve: Sequence[float | None],
    chance: float | None = None,
    *,
    n_dev: int | None = None,
) -> str:
    """`learning`, `converged`, `overtrained`, `unstable`, `not_learning` or `diverged`, from errors or losses by epoch.

    The curves may differ in length; epochs without a value are `None`. Without any dev value the train curve decides. `chance`
    is the score of random guessing, on the same scale; without it, the first values and the curves' own progress are the
    yardstick, and a run of fewer than five epochs is not called `not_learning`. `n_dev` is the number of examples behind dev
    errors that are shares of them: a rise that may be chance then does not count.

    Raises `ValueError` if there is no value at all.

    >>> classify_curve([0.5, 0.2, 0.1, 0.05, 0.02], [0.5, 0.25, 0.2, 0.22, 0.26])
    'overtrained'
    """
    values = [value for value in (*train_curve, *dev_curve) if value is not None and math.isfinite(value)]
    shape = Shape(chance, is_loss=True if max(values, default=0.0) > LARGEST_RATE else None)
    for epoch, (train, dev) in enumerate(zip_longest(train_curve, dev_curve)):
        shape.add(epoch, train, dev)
    if shape.is_empty:
        raise ValueError("expected at least one value in train_curve or dev_curve; got none")
    return shape.classify(chance, n_dev)
