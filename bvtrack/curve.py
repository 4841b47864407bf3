"""The shape of a learning curve: whether a training is still learning, has settled, turned, or failed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bvtrack.gaps import ROUNDING, SMALLEST_GAP

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
WARM_UP_EPOCHS = 5
"""Up to here a model at chance may still be warming up (Goyal et al. 2017 warm up for five epochs), so it is not yet certain
that it does not learn."""


def classify_curve(train_curve: Sequence[float | None], dev_curve: Sequence[float | None], chance: float | None = None) -> str:
    """`learning`, `converged`, `overtrained`, `not_learning` or `diverged`, from errors or losses by epoch.

    The curves need not be equally long; epochs without a value are `None`. Without any dev value the train curve decides.
    `chance` is what guessing would score, on the same scale.

    Raises `ValueError` where there is no value at all.

    >>> classify_curve([0.5, 0.2, 0.1, 0.05, 0.02], [0.5, 0.25, 0.2, 0.22, 0.26])
    'overtrained'
    """
    train, dev = _by_epoch(train_curve), _by_epoch(dev_curve)
    dev = dev or train
    if not dev:
        raise ValueError("expected at least one value in train_curve or dev_curve; got none")
    if not all(math.isfinite(curve[max(curve)]) for curve in (train, dev) if curve):
        return "diverged"
    train, dev = _finite(train), _finite(dev)
    lowest = min([*train.values(), *dev.values()])
    if chance is not None and len(dev) >= FEWEST_EPOCHS and lowest >= CHANCE_SHARE * chance - ROUNDING:
        return "not_learning"
    best = min(dev, key=lambda epoch: (dev[epoch], epoch))
    if _has_turned(train, dev, best):
        return "overtrained"
    first, last = min(dev), max(dev)
    is_learning = len(dev) < FEWEST_EPOCHS or best - first >= (1 - STILL_LEARNING) * (last - first)
    return "learning" if is_learning else "converged"


def _by_epoch(curve: Sequence[float | None]) -> dict[int, float]:
    return {epoch: value for epoch, value in enumerate(curve) if value is not None}


def _finite(curve: Mapping[int, float]) -> dict[int, float]:
    return {epoch: value for epoch, value in curve.items() if math.isfinite(value)}


def _has_turned(train: Mapping[int, float], dev: Mapping[int, float], best: int) -> bool:
    """Whether the dev error has risen since its best epoch while the train error has not."""
    rise = dev[max(dev)] - dev[best]
    has_risen = rise > (OVERTRAINED_RISE - 1) * dev[best] and rise >= OVERTRAINED_POINTS - ROUNDING
    since = [train[epoch] for epoch in sorted(train) if epoch >= best]
    return has_risen and (not since or since[-1] <= since[0])
