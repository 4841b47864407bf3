"""The trainings of one configuration, all repeats at once: what is trained on which splits, and what is measured of it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from data_files import Examples
from numpy.typing import NDArray
from real_data import Source, Split
from sklearn.ensemble import RandomForestClassifier
from stacked_models import StackedConvolutions, StackedPerceptrons, n_parameters_of_each
from torch import Tensor, nn

TRAIN_EVAL = 2000
"""Train error is measured on this many of the training examples at most, in eval mode and without augmentation."""
EVAL_BATCH = 1000
CHANNELS = {"image": 8, "series": 16}
"""Of the first convolution; with fewer, the networks for the few series here learn less than a perceptron."""


@dataclass(frozen=True)
class Config:
    """What is trained, and how. `n_train` counts examples; `dev_like` is the share of them that are like the dev set's.

    `width` is that of the hidden layers; `channels` those of the first convolution (the second has twice as many).
    `label_noise` is the share of training and dev labels that are wrong.
    """

    n_train: int
    width: int
    depth: int
    epochs: int
    optimizer: Literal["momentum", "adam"]
    learning_rate: float
    batch_size: int
    weight_decay: float = 0.0
    dropout: float = 0.0
    model: Literal["mlp", "cnn", "forest"] = "mlp"
    channels: int = 8
    augmentation: bool = False
    label_noise: float = 0.0
    dev_like: float = 0.0


@dataclass
class Outcome:
    """One repeat's wrong examples by set: by epoch, at the last epoch, and at the first epoch of the lowest dev error.

    `seen` in the curves is what the training itself saw of its examples: with dropout and augmentation, while weights moved.
    """

    n: dict[str, int]
    n_classes: int
    parameters: int = 0
    best_epoch: int = 0
    curves: dict[str, list[int]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    best: dict[str, int] = field(default_factory=dict)


def train(
    config: Config, splits: Sequence[Split], source: Source, seed: int, by_epoch: Collection[str]
) -> tuple[list[Outcome], float]:
    """Train every split's run, on one core: the outcomes, and the seconds that a run took. The same arguments give the same.

    `by_epoch` names the sets that are measured after every epoch; dev always is.
    """
    start = time.perf_counter()
    if config.model == "forest":
        outcomes = [_train_forest(config, split, seed) for split in splits]
    else:
        outcomes = _train_networks(config, splits, source, seed, {*by_epoch, "dev"})
    return outcomes, (time.perf_counter() - start) / len(splits)


def _training_examples(config: Config, split: Split) -> Examples:
    n_like_dev = round(config.dev_like * config.n_train)
    (inputs, targets), (like_dev, _) = split.pool, split.pool_like_dev
    mixed = np.concatenate([like_dev[:n_like_dev], inputs[n_like_dev : config.n_train]])
    return mixed, targets[: config.n_train]


def _sets(config: Config, split: Split) -> dict[str, Examples]:
    inputs, targets = _training_examples(config, split)
    sets = {"train": (inputs[:TRAIN_EVAL], targets[:TRAIN_EVAL]), "dev": split.dev, "test": split.test}
    return sets | ({"train_dev": split.train_dev} if split.train_dev else {})


def _train_forest(config: Config, split: Split, seed: int) -> Outcome:
    forest = RandomForestClassifier(random_state=seed, n_jobs=1).fit(*_training_examples(config, split))
    flags = {name: forest.predict(inputs) != targets for name, (inputs, targets) in _sets(config, split).items()}
    wrong = _counts(flags)
    return Outcome(
        n={name: len(of) for name, of in flags.items()}, n_classes=split.n_classes, best_epoch=1, last=wrong, best=wrong
    )


def _train_networks(
    config: Config, splits: Sequence[Split], source: Source, seed: int, by_epoch: Collection[str]
) -> list[Outcome]:
    torch.manual_seed(seed)
    by_split = [_sets(config, split) for split in splits]
    sets = {name: _stacked([of[name] for of in by_split]) for name in by_split[0]}
    inputs, targets = _stacked([_training_examples(config, split) for split in splits])
    model = _models(config, inputs, splits[0].n_classes, source)
    optimizer = _optimizer(config, model)
    best = _Best(model, len(splits))
    measured = [name for name in sets if name in by_epoch]
    curves: dict[str, list[Tensor]] = {name: [] for name in (*measured, "seen")}
    for _ in range(config.epochs):
        curves["seen"].append(_epoch(config, model, optimizer, inputs, targets, source))
        for name in measured:
            curves[name].append(_wrong(model, *sets[name]).sum(1))
        best.see(model, curves["dev"][-1])
    drawn = {name: torch.stack(curve, dim=1).tolist() for name, curve in curves.items()}
    last = {name: _wrong(model, *examples).numpy() for name, examples in sets.items()}
    best.put_back(model)
    kept = {name: _wrong(model, *examples).numpy() for name, examples in sets.items()}
    return [
        Outcome(
            n={name: examples[1].shape[1] for name, examples in sets.items()},
            n_classes=splits[run].n_classes,
            parameters=n_parameters_of_each(model, len(splits)),
            best_epoch=int(np.argmin(drawn["dev"][run])) + 1,
            curves={name: curve[run] for name, curve in drawn.items()},
            last=_counts({name: flags[run] for name, flags in last.items()}),
            best=_counts({name: flags[run] for name, flags in kept.items()}),
        )
        for run in range(len(splits))
    ]


def _epoch(
    config: Config, model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor, source: Source
) -> Tensor:
    """Train for an epoch; the wrong examples of each run as it saw them."""
    n_runs, n_examples, n_features = inputs.shape
    offsets = torch.arange(n_runs)[:, None] * n_examples
    order = torch.rand(n_runs, n_examples).argsort(1) + offsets
    flat, flat_targets = inputs.reshape(-1, n_features), targets.reshape(-1)
    model.train()
    wrong = torch.zeros(n_runs, dtype=torch.int64)
    for batch in order.split(config.batch_size, dim=1):  # type: ignore[no-untyped-call]  # torch has no hints there
        examples, labels = flat[batch], flat_targets[batch]
        outputs = model(_augmented(examples, source.shape) if config.augmentation else examples)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="sum") / labels.shape[1]
        loss.backward()  # type: ignore[no-untyped-call]  # nor there
        optimizer.step()
        wrong += (outputs.argmax(2) != labels).sum(1)
    return wrong


def _augmented(examples: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Each moved by up to an eighth of its side (a series by a sixteenth, and scaled by a tenth, with a little noise)."""
    images = examples.reshape(-1, *shape)
    n_images, _, height, width = images.shape
    is_series = height == 1
    most = width // 16 if is_series else width // 8
    rows, columns = (
        (torch.arange(side) + torch.randint(-most, most + 1, (n_images, 1))).clamp(0, side - 1) for side in (height, width)
    )
    moved = images[
        torch.arange(n_images)[:, None, None, None],
        torch.arange(shape[0])[:, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]
    if is_series:
        moved = moved * (1 + 0.1 * torch.randn(n_images, 1, 1, 1)) + 0.05 * torch.randn_like(moved)
    return moved.reshape(examples.shape)


class _Best:
    """The weights of each run at the first epoch of its lowest dev error."""

    def __init__(self, model: nn.Module, n_runs: int) -> None:
        self._lowest = torch.full((n_runs,), torch.iinfo(torch.int64).max)
        self._kept = [state.clone() for state in _state(model)]

    @torch.no_grad()
    def see(self, model: nn.Module, wrong_dev: Tensor) -> None:
        is_better = wrong_dev < self._lowest
        self._lowest = torch.minimum(self._lowest, wrong_dev)
        if is_better.any():
            for kept, state in zip(self._kept, _state(model), strict=True):
                by_run = (len(is_better), -1)  # a convolution holds its runs in its channels, run after run
                kept.view(by_run)[is_better] = state.view(by_run)[is_better]

    @torch.no_grad()
    def put_back(self, model: nn.Module) -> None:
        for kept, state in zip(self._kept, _state(model), strict=True):
            state.copy_(kept)


def _state(model: nn.Module) -> list[Tensor]:
    """Weights, and the running means of normalisations; not their counts of batches, which all runs share."""
    return [state for state in model.state_dict().values() if state.dim()]


@torch.no_grad()
def _wrong(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    model.eval()
    batches = [model(batch).argmax(2) for batch in inputs.split(EVAL_BATCH, dim=1)]  # type: ignore[no-untyped-call]  # as above
    return torch.cat(batches, dim=1) != targets


def _counts(flags: Mapping[str, NDArray[np.bool_]]) -> dict[str, int]:
    quarter = flags["dev"][: len(flags["dev"]) // 4]
    return {name: int(of.sum()) for name, of in flags.items()} | {"dev_quarter": int(quarter.sum())}


def _stacked(of_runs: Sequence[Examples]) -> tuple[Tensor, Tensor]:
    inputs, targets = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*of_runs, strict=True))
    return inputs, targets


def _models(config: Config, inputs: Tensor, n_classes: int, source: Source) -> nn.Module:
    n_runs, _, n_features = inputs.shape
    if config.model == "cnn":
        return StackedConvolutions(n_runs, source.shape, config.channels, config.width, n_classes, config.dropout)
    return StackedPerceptrons(n_runs, n_features, config.width, config.depth, n_classes, config.dropout)


def _optimizer(config: Config, model: nn.Module) -> torch.optim.Optimizer:
    if config.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True)
    return torch.optim.SGD(model.parameters(), config.learning_rate, 0.9, weight_decay=config.weight_decay, fused=True)
