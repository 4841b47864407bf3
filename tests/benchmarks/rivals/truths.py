"""Runs whose ends are known, and what became of each of them.

*Overtrained* is judged by the test loss, which no tool sees: a run that learned, and whose test loss at the end is more than
5 % above the one at the point of the best dev loss. *Healthy* is learned, and not so. A rise by less than 1 % of the loss of
guessing, which may be more than 5 % of next to nothing, is neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

RISE = 1.05
LEAST = 0.01
LEARNED = 0.98
"""At or above this share of the chance loss a run has not learned: 0.68 of 0.693, TaskSet's label."""
LOST = 0.95
"""A run that had learned and ends at or above this share of the chance loss has lost it all again."""
FATES = ("diverged", "never learned", "overtrained", "healthy")


@dataclass(frozen=True)
class Runs:
    """The losses `[n_runs, n_points, (train, dev, test)]` up to each run's `n_points`, and the loss of guessing."""

    loss: Floats
    n_points: NDArray[np.int_]
    chance: Floats
    diverged: Flags
    never_learned: Flags
    learned: Flags
    overtrained: Flags
    healthy: Flags

    def __len__(self) -> int:
        return len(self.loss)


def taskset(folder: Path) -> Runs:
    """Text RNNs: diverged is a dev loss that is not finite or above 5, never learned a best above 0.68 (guessing: 0.693)."""
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise SystemExit(f"expected TaskSet's .npz files in {folder}; got none; set BVTRACK_BENCHMARK_DATA")
    loss = np.concatenate([np.load(path)["loss"].astype(float) for path in paths])
    dev = loss[:, :, 1]
    with np.errstate(invalid="ignore"):
        diverged = np.array(~(dev <= 5).all(axis=1))
    never_learned = ~diverged & (np.where(np.isfinite(dev), dev, np.inf).min(axis=1) > 0.68)
    learned = ~diverged & ~never_learned
    n_points = np.full(len(loss), loss.shape[1])
    chance = np.full(len(loss), math.log(2))
    has_risen = np.array([_test_rise(run) > RISE for run in loss])
    return Runs(loss, n_points, chance, diverged, never_learned, learned, learned & has_risen, learned & ~has_risen)


def own(path: Path) -> Runs:
    """What `own_curves.py` trained, by the labels of `fate`; runs of which nothing of this can be said have none."""
    data = np.load(path)
    loss, n_points, chance = data["loss"].astype(float), data["n_points"], data["chance"].astype(float)
    fates = np.array([fate(run[:n], guess) for run, n, guess in zip(loss, n_points, chance, strict=True)])
    diverged, never_learned, overtrained, healthy = (fates == each for each in FATES)
    learned = overtrained | healthy | (fates == "slightly worse")
    return Runs(loss, n_points, chance, diverged, never_learned, learned, overtrained, healthy)


def fate(run: Floats, chance: float) -> str:
    """What became of a run of `own_curves.py`, of which the train loss counts as well: noise can only be learned by heart.

    Diverged: a loss that is not finite; a train loss that ends above twice the chance loss and above 1.5 times its first; or
    one that had been learned and is back at the chance level. Never learned: neither loss was ever clearly below chance, and
    train did not fall by a tenth on its way there. Learned: the dev loss was clearly below chance at some point, or is
    overtrained from the first, and is no outburst of more than twenty times chance that the train loss knows nothing of.
    """
    train, dev = run[:, 0], run[:, 1]
    if not np.isfinite(run).all():
        return "diverged"
    has_blown_up = train[-1] > 2 * chance and train[-1] > 1.5 * train[0]
    has_collapsed = train.min() < 0.9 * chance and train[-1] >= LOST * chance
    if has_blown_up or has_collapsed:
        return "diverged"
    is_overtrained = _test_rise(run) > RISE
    if min(train.min(), dev.min()) > LEARNED * chance:
        return "unclear" if train[-1] < 0.9 * train[0] else "never learned"
    if dev[-1] > 20 * chance or (dev.min() > LEARNED * chance and not is_overtrained):
        return "unclear"
    if not is_overtrained:
        return "healthy"
    return "overtrained" if run[-1, 2] - run[dev.argmin(), 2] > LEAST * chance else "slightly worse"


def _test_rise(run: Floats) -> float:
    """The test loss at the end by the one at the best dev point."""
    dev, test = run[:, 1], run[:, 2]
    return float(test[-1] / test[np.nanargmin(dev)]) if np.isfinite(dev).any() else math.inf
