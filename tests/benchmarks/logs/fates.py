"""Handwritten digits, and the four ways that a training on them can end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn

BATCH = 25
N_CLASSES = 10


@dataclass(frozen=True)
class Fate:
    """How to train for an end that is known beforehand: what is learned from, how fast, and for how long."""

    end: str
    n_train: int
    noise: float
    rate: float
    epochs: int


FINE = Fate("fine", 800, 0.0, 0.001, 15)
OVERTRAINED = Fate("overtrained", 200, 0.5, 0.01, 40)
DIVERGED = Fate("diverged", 400, 0.0, 1e18, 24)
NOT_LEARNING = Fate("not_learning", 400, 0.0, 1e-12, 24)
CONFIDENT = Fate("fine", 100, 0.0, 0.01, 150)
"""The dev loss rises while the dev accuracy does not fall: the training is over-confident, and no worse."""


@dataclass(frozen=True)
class Sets:
    """Train and dev images `[n_examples, 64]` in [0, 1] and their digits."""

    train_x: NDArray[np.float32]
    train_y: NDArray[np.int64]
    dev_x: NDArray[np.float32]
    dev_y: NDArray[np.int64]


def sets(fate: Fate) -> Sets:
    """The sets of this fate; part of the train digits may be wrong."""
    data, random = load_digits(), np.random.default_rng(0)
    order = random.permutation(len(data.target))
    x, y = (data.data[order] / 16).astype(np.float32), data.target[order].astype(np.int64)
    train_y = y[: fate.n_train].copy()
    is_wrong = random.random(fate.n_train) < fate.noise
    train_y[is_wrong] = random.integers(N_CLASSES, size=is_wrong.sum())
    return Sets(x[: fate.n_train], train_y, x[-500:], y[-500:])


def network() -> nn.Sequential:
    """Two layers of 64 units."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, N_CLASSES))


@dataclass(frozen=True)
class Epoch:
    """What a training loop logs after an epoch: the mean of the losses of the batches, and the dev set."""

    epoch: int
    step: int
    rate: float
    train_loss: float
    train_accuracy: float
    dev_loss: float
    dev_accuracy: float
    batch_losses: tuple[float, ...]


def loop(fate: Fate, incident: Callable[[int], float] = lambda epoch: 1.0) -> Iterator[Epoch]:
    """A plain PyTorch loop with Adam; `incident` multiplies the learning rate from an epoch on."""
    data, model = sets(fate), network()
    train_x, train_y, dev_x, dev_y = map(torch.tensor, (data.train_x, data.train_y, data.dev_x, data.dev_y))
    optimiser, step = torch.optim.Adam(model.parameters(), fate.rate), 0
    for epoch in range(fate.epochs):
        optimiser.param_groups[0]["lr"] = rate = fate.rate * incident(epoch)
        losses, rights = [], []
        for batch in torch.split(torch.randperm(len(train_x)), BATCH):
            outputs = model(train_x[batch])
            loss = nn.functional.cross_entropy(outputs, train_y[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # PyTorch's
            optimiser.step()
            losses.append(loss.item())
            rights.append(_share_right(outputs, train_y[batch]))
            step += 1
        with torch.no_grad():
            outputs = model(dev_x)
        dev_loss = nn.functional.cross_entropy(outputs, dev_y).item()
        yield Epoch(
            epoch,
            step,
            rate,
            float(np.mean(losses)),
            float(np.mean(rights)),
            dev_loss,
            _share_right(outputs, dev_y),
            tuple(losses),
        )


def _share_right(outputs: Tensor, targets: Tensor) -> float:
    return float(torch.eq(outputs.argmax(1), targets).float().mean())
