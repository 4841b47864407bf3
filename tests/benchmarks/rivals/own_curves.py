"""Curves that no rule was fitted to: small networks trained well and badly, with train, dev and test loss and error by point.

    python tests/benchmarks/rivals/own_curves.py build/own_curves.npz

Twelve runs at a time share a task, an architecture and an optimiser, and differ in learning rate, schedule, initialisation,
weight decay and label noise. The learning rates are drawn from far too small to far too large.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from stacked_nets import Losses, Nets, Optimiser, cross_entropy, squared_error
from tasks import TASKS, Random, Task, modular_sums
from torch import Tensor

N_GROUPS, RUNS = 84, 12
LENGTHS = (8, 12, 20, 30, 50, 80, 120)
"""Numbers of points a run may have."""
BATCH = 32
RATES = {"sgd": (-3.5, 1.5), "momentum": (-4.5, 0.8), "adam": (-5.5, 0.3), "rmsprop": (-5.5, 0.0)}
"""Learning rates to draw from, as powers of ten."""


def schedule(name: str, progress: NDArray[np.float64]) -> NDArray[np.float64]:
    """The learning rate by progress in [0, 1], as a share of the highest; an incident is a hundred times that."""
    cosine = 0.5 * (1 + np.cos(np.pi * progress))
    shapes = {
        "constant": np.ones_like(progress),
        "cosine": cosine,
        "steps": 0.1 ** np.floor(progress * 3),
        "warm-up": np.minimum(progress / 0.1, 1) * cosine,
        "long warm-up": progress,
        "one cycle": np.where(progress < 0.3, progress / 0.3, 0.5 * (1 + np.cos(np.pi * (progress - 0.3) / 0.7))),
        "restarts": 0.5 * (1 + np.cos(np.pi * (progress * 4 % 1))),
        "incident": np.where(progress < 0.7, 1.0, 100.0),
        "passing incident": np.where((progress > 0.4) & (progress < 0.43), 100.0, 1.0),
    }
    return shapes[name]


SCHEDULES = ("constant",) * 4 + (
    "cosine",
    "cosine",
    "steps",
    "warm-up",
    "long warm-up",
    "one cycle",
    "restarts",
    "incident",
    "passing incident",
)


@dataclass(frozen=True)
class Group:
    """Runs that are trained together, and what was logged of them."""

    loss: NDArray[np.float32]
    error: NDArray[np.float32]
    chance: NDArray[np.float32]
    descriptions: list[str]


def train(seed: int, task: Task, n_points: int, n_steps: int, kind: str, sizes: list[int], lowest_decay: float = 0.0) -> Group:
    """Train `RUNS` networks of `sizes` hidden units for `n_points` times `n_steps` steps."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    activation, dropout = str(random.choice(["relu", "relu", "tanh", "gelu"])), float(random.choice([0, 0, 0.3]))
    is_mean = bool(random.random() < 0.5)
    rates = 10 ** random.uniform(*RATES[kind], RUNS)
    gains = random.choice([1, 1, 1, 1, 1, 0.3, 2, 1e-6], RUNS)
    shifts = random.choice([0, 0, 0, 0, 0, 0, 0, 0, -50], RUNS) * (activation == "relu")
    decay = random.choice([0, 0, 1e-3, 1e-2], RUNS) + lowest_decay
    noise = random.choice([0, 0, 0.1, 0.3], RUNS)
    schedules = random.choice(SCHEDULES, RUNS)
    if lowest_decay:
        rates, gains, shifts, noise = 10 ** random.uniform(-2.7, -1.7, RUNS), np.ones(RUNS), np.zeros(RUNS), np.zeros(RUNS)
        dropout, schedules = 0.0, random.choice(["constant", "warm-up"], RUNS)
    inputs, targets, chance = draw(task, random, noise)
    losses: Losses = cross_entropy if task.n_classes else squared_error
    nets = Nets([inputs.shape[2], *sizes, task.n_classes or 1], activation, dropout, tensor(gains), tensor(shifts))
    optimiser = Optimiser(kind, nets.parameters, tensor(decay))
    progress = np.linspace(0, 1, n_points * n_steps)
    all_rates = tensor(np.stack([rate * schedule(name, progress) for rate, name in zip(rates, schedules, strict=True)]))
    n_train, seen, points = task.n_train, [], []
    sets = (slice(0, n_train), slice(n_train, n_train + task.n_dev), slice(n_train + task.n_dev, None))
    for step in range(n_points * n_steps):
        batch = torch.tensor(random.integers(n_train, size=min(BATCH if not lowest_decay else 320, n_train)))
        loss = losses(nets(inputs[:, batch], is_training=True), targets[:, batch]).mean(1)
        optimiser.step(loss, all_rates[:, step])
        seen.append(loss.detach())
        if (step + 1) % n_steps == 0:
            points.append(measure(nets, inputs, targets, losses, sets, torch.stack(seen).mean(0) if is_mean else None))
            seen = []
    loss_points, error_points = (np.stack([point[index] for point in points], axis=1) for index in (0, 1))
    logged = "mean over the epoch" if is_mean else "measured"
    what = f"{task.name} ({n_train} train), {sizes} {activation} dropout {dropout}, {kind}, train as {logged}"
    descriptions = [
        f"{what}; {name}, rate {rate:.2g}, gain {gain:g}, shift {shift:g}, decay {some:g}, noise {share:g}"
        for name, rate, gain, shift, some, share in zip(schedules, rates, gains, shifts, decay, noise, strict=True)
    ]
    return Group(loss_points, error_points, chance, descriptions)


def tensor(values: NDArray[np.generic]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def draw(task: Task, random: Random, noise: NDArray[np.float64]) -> tuple[Tensor, Tensor, NDArray[np.float32]]:
    """Examples and noisy targets of each run in one order, and the loss of the best constant guess on each dev set."""
    order = random.permutation(len(task.targets))
    inputs = tensor(task.inputs[order]).expand(RUNS, -1, -1)
    targets = np.tile(task.targets[order], (RUNS, 1))
    is_noisy = random.random(targets.shape) < noise[:, None]
    shuffled = random.permuted(targets, axis=1)
    targets = np.where(is_noisy, shuffled, targets)
    train, dev = targets[:, : task.n_train], targets[:, task.n_train : task.n_train + task.n_dev]
    if not task.n_classes:
        return inputs, tensor(targets), ((dev - train.mean(axis=1, keepdims=True)) ** 2).mean(axis=1).astype(np.float32)
    shares = np.stack([np.bincount(row, minlength=task.n_classes) + 0.5 for row in train])
    shares /= shares.sum(axis=1, keepdims=True)
    chance = -np.log(np.take_along_axis(shares, dev, axis=1)).mean(axis=1)
    return inputs, torch.tensor(targets), chance.astype(np.float32)


@torch.no_grad()
def measure(
    nets: Nets, inputs: Tensor, targets: Tensor, losses: Losses, sets: tuple[slice, ...], mean: Tensor | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Losses and errors `[n_runs, (train, dev, test)]`; the train loss is `mean`, where one is given."""
    outputs = nets(inputs, is_training=False)
    loss = torch.stack([losses(outputs[:, part], targets[:, part]).mean(1) for part in sets], dim=1)
    wrong = (outputs.argmax(2) != targets).float() if outputs.shape[2] > 1 else torch.full(targets.shape, torch.nan)
    error = torch.stack([wrong[:, part].mean(1) for part in sets], dim=1)
    if mean is not None:
        loss[:, 0] = mean
    return loss.numpy().copy(), error.numpy().copy()


def group(seed: int) -> Group:
    """The group of this seed; every twenty-first understands late, if at all."""
    random = np.random.default_rng(10_000 + seed)
    n_points, kind = int(random.choice(LENGTHS)), str(random.choice(list(RATES)))
    width, depth = int(random.choice([8, 32, 64, 128])), int(random.choice([1, 1, 2, 3, 4]))
    if seed % 21 == 20:
        return train(seed, modular_sums(random), n_points=80, n_steps=40, kind="adam", sizes=[128], lowest_decay=1.0)
    task = TASKS[seed % len(TASKS)](random)
    n_steps = int(np.clip(random.choice([1, 4]) * task.n_train // BATCH, 3, 2000 // n_points))
    if task.name == "parity":
        return train(seed, task, n_points=50, n_steps=60, kind=kind, sizes=[width] * depth)
    return train(seed, task, n_points, n_steps, kind, [width] * depth)


def pad(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The points of each run, and NaN after its last."""
    return np.pad(points, ((0, 0), (0, max(LENGTHS) - points.shape[1]), (0, 0)), constant_values=np.nan)


def make(path: Path) -> None:
    """Train all groups and write what they logged."""
    torch.set_num_threads(1)
    groups = [group(seed) for seed in range(N_GROUPS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        loss=np.concatenate([pad(each.loss) for each in groups]),
        error=np.concatenate([pad(each.error) for each in groups]),
        n_points=np.concatenate([np.full(RUNS, each.loss.shape[1]) for each in groups]),
        chance=np.concatenate([each.chance for each in groups]),
        description=np.array([text for each in groups for text in each.descriptions]),
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]))
