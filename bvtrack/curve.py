"""The shape of a learning curve: whether a training is still learning, has settled, turned, or failed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bvtrack.gaps import SMALLEST_GAP

CHANCE_SHARE = 0.98
"""At or above this share of chance's error, a model has not learned: the 0.68 of 0.693 that tells the TaskSet runs apart."""
OVERTRAINED_RISE = 1.05
"""A last dev error above 1.05 times the best is overtrained (the definition used on the TaskSet runs) …"""
OVERTRAINED_POINTS = SMALLEST_GAP
"""… where the rise is also as large as the smallest gap that is named, so that one example more or less does not count."""
STILL_LEARNING = 0.25
"""The best epoch in the last quarter means that training longer may help (Deep Learning Tuning Playbook)."""
FEWEST_EPOCHS = 2
"""One epoch says nothing about the shape of a curve, nor that a model cannot learn."""


def classify_curve(train_curve: Sequence[float | None], dev_curve: Sequence[float | None], chance: float | None = None) -> str:
    """`learning`, `converged`, `overtrained`, `not_learning` or `diverged`, from errors or losses by epoch.

    The curves need not be equally long; epochs without a value are `None`. Without any dev value the train curve decides.
    `chance` is what guessing would score, on the same scale.

    Raises `ValueError` where there is no value at all.

    >>> classify_curve([0.5, 0.2, 0.1, 0.05, 0.02], [0.5, 0.25, 0.2, 0.22, 0.26])
    'overtrained'
    """
    train = [value for value in train_curve if value is not None]
    dev = [value for value in dev_curve if value is not None] or train
    if not dev:
        raise ValueError("expected at least one value in train_curve or dev_curve; got none")
    if not all(math.isfinite(curve[-1]) for curve in (train, dev) if curve):
        return "diverged"
    train, dev = [list(filter(math.isfinite, curve)) for curve in (train, dev)]
    if chance is not None and len(dev) >= FEWEST_EPOCHS and min(train + dev) >= CHANCE_SHARE * chance:
        return "not_learning"
    best = dev.index(min(dev))
    if _has_turned(train, dev, best):
        return "overtrained"
    is_learning = len(dev) < FEWEST_EPOCHS or best >= (1 - STILL_LEARNING) * (len(dev) - 1)
    return "learning" if is_learning else "converged"


def _has_turned(train: Sequence[float], dev: Sequence[float], best: int) -> bool:
    """Whether the dev error has risen since its best epoch while the train error has not."""
    has_risen = dev[-1] > OVERTRAINED_RISE * dev[best] and dev[-1] - dev[best] >= OVERTRAINED_POINTS
    return has_risen and (len(train) <= best or train[-1] <= train[best])
