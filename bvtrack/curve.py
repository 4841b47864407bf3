"""The shape of a learning curve: whether a training is still learning, has settled, turned, or failed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bvtrack.gaps import ROUNDING, SMALLEST_GAP
from bvtrack.intervals import Rate, difference_interval

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

Curve = Mapping[int, float]
"""The values there are, by epoch."""


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
    train, dev = known(train_curve), known(dev_curve)
    dev = dev or train
    if not dev:
        raise ValueError("expected at least one value in train_curve or dev_curve; got none")
    if any(_has_diverged(curve, chance) for curve in (train, dev) if curve):
        return "diverged"
    train, dev = finite(train), finite(dev)
    lowest = min([*train.values(), *dev.values()])
    if chance is not None and len(dev) >= FEWEST_EPOCHS and not _is_learned(lowest, chance):
        return "not_learning"
    best = min(dev, key=lambda epoch: (dev[epoch], epoch))
    if _has_turned(train, dev, best, n_dev):
        return "overtrained"
    first, last = min(dev), max(dev)
    is_learning = len(dev) < FEWEST_EPOCHS or best - first >= (1 - STILL_LEARNING) * (last - first)
    return "learning" if is_learning else "converged"


def known(curve: Sequence[float | None]) -> dict[int, float]:
    """The values of a curve by epoch, without the epochs that have none."""
    return {epoch: value for epoch, value in enumerate(curve) if value is not None}


def finite(curve: Curve) -> dict[int, float]:
    """The finite values of a curve."""
    return {epoch: value for epoch, value in curve.items() if math.isfinite(value)}


def _is_learned(value: float, chance: float) -> bool:
    return value < CHANCE_SHARE * chance - ROUNDING


def _has_diverged(curve: Curve, chance: float | None) -> bool:
    """Whether a curve ends in what is no finite number or has blown up, or has not come back below chance since it did."""
    values = list(curve.values())
    if not math.isfinite(values[-1]):
        return True
    yardstick = next(value for value in values if math.isfinite(value)) if chance is None else chance
    limit = max(BLOW_UP * yardstick, LARGEST_RATE)
    if chance is None or len(values) < FEWEST_EPOCHS:
        return values[-1] > limit
    blown_up = [index for index, value in enumerate(values) if not value <= limit]
    return bool(blown_up) and not any(_is_learned(value, chance) for value in values[blown_up[-1] + 1 :])


def _has_turned(train: Curve, dev: Curve, best: int, n_dev: int | None) -> bool:
    """Whether the dev error has risen since its best epoch, and the train error not with it."""
    last = max(dev)
    rise = dev[last] - dev[best]
    if rise <= (OVERTRAINED_RISE - 1) * dev[best] or rise < OVERTRAINED_POINTS - ROUNDING:
        return False
    if n_dev is not None and difference_interval(Rate(dev[last], n_dev), Rate(dev[best], n_dev))[0] <= 0:
        return False
    since = [train[epoch] for epoch in sorted(train) if epoch >= best]
    return not since or since[-1] - since[0] <= OWN_SHARE * rise
