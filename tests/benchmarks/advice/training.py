"""One training: a configuration, the split it trains on, and what is measured of it."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from real_data import Examples, Source, Split
from sklearn.ensemble import RandomForestClassifier
from torch import nn

TRAIN_EVAL = 2000
"""Train error is measured on this many of the training examples at most, in eval mode."""
FEWEST_EPOCHS, MOST_EPOCHS = 5, 100
MOST_UPDATES = 1000
"""Enough for most of these to settle: a base run takes from too few steps to enough of them."""


@dataclass(frozen=True)
class Config:
    """What is trained, and how. `n_train` counts examples; `dev_like` is the share of them that are like the dev set's."""

    n_train: int
    width: int
    depth: int
    epochs: int
    optimizer: Literal["sgd", "momentum", "adam"]
    learning_rate: float
    weight_decay: float
    dropout: float
    batch_size: int
    model: Literal["mlp", "cnn", "forest"] = "mlp"
    dev_like: float = 0.0
    keep: Literal["last", "best"] = "last"


@dataclass
class Outcome:
    """Wrong examples by set: by epoch for train, train-dev and dev, and of the kept model for all; what it took."""

    n: dict[str, int]
    parameters: int = 0
    seconds: float = 0.0
    curves: dict[str, list[int]] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    kept_dev_quarter: int = 0


def random_config(source: Source, generator: np.random.Generator) -> Config:
    """A configuration such as one finds in a first try: sizes, rates and regularisation are drawn, not chosen well."""
    batch_size = int(generator.choice([n for n in (8, 32, 128) if MOST_UPDATES > source.n_train / n > 1]))
    updates = int(generator.choice([60, 250, MOST_UPDATES]))
    optimizer, learning_rate = (
        ("sgd", 0.01),
        ("sgd", 0.1),
        ("momentum", 0.03),
        ("adam", 0.0003),
        ("adam", 0.001),
        ("adam", 0.01),
    )[generator.integers(6)]
    is_regularized = generator.random() < 0.3
    return Config(
        n_train=source.n_train,
        width=int(generator.choice([4, 16, 64])),
        depth=int(generator.choice([1, 2, 3])),
        epochs=min(max(round(updates * batch_size / source.n_train), FEWEST_EPOCHS), MOST_EPOCHS),
        optimizer=optimizer,  # type: ignore[arg-type]  # a table's row loses its literals
        learning_rate=learning_rate,
        weight_decay=1e-3 if is_regularized else 0.0,
        dropout=0.3 if is_regularized else 0.0,
        batch_size=batch_size,
    )


def train(config: Config, split: Split, source: Source, seed: int) -> Outcome:
    """Train once, on one core. The same configuration, split and seed give the same outcome."""
    start = time.perf_counter()
    outcome = _train_forest(config, split, seed) if config.model == "forest" else _train_network(config, split, source, seed)
    return replace(outcome, seconds=time.perf_counter() - start)


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
    sets = _sets(config, split)
    wrong = {name: forest.predict(inputs) != targets for name, (inputs, targets) in sets.items()}
    return Outcome(
        n={name: len(flags) for name, flags in wrong.items()},
        curves={name: [int(flags.sum())] for name, flags in wrong.items() if name != "test"},
        kept={name: int(flags.sum()) for name, flags in wrong.items()},
        kept_dev_quarter=_first_quarter(wrong["dev"]),
    )


def _train_network(config: Config, split: Split, source: Source, seed: int) -> Outcome:
    torch.manual_seed(seed)
    sets = {name: tuple(map(torch.from_numpy, examples)) for name, examples in _sets(config, split).items()}
    inputs, targets = map(torch.from_numpy, _training_examples(config, split))
    model = _network(config, inputs.shape[1], split.n_classes, source.side)
    optimizer = _optimizer(config, model)
    curves: dict[str, list[int]] = {name: [] for name in sets if name != "test"}
    kept = model
    for _ in range(config.epochs):
        model.train()
        for batch in torch.randperm(len(inputs)).split(config.batch_size):  # type: ignore[no-untyped-call]  # torch has no hints there
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()  # type: ignore[no-untyped-call]  # nor there
            optimizer.step()
        for name, curve in curves.items():
            curve.append(int(_wrong(model, *sets[name]).sum()))
        if config.keep == "best" and curves["dev"][-1] < min(curves["dev"][:-1], default=len(sets["dev"][0]) + 1):
            kept = copy.deepcopy(model)
    wrong = {name: _wrong(kept, *examples) for name, examples in sets.items()}
    return Outcome(
        n={name: len(flags) for name, flags in wrong.items()},
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        curves=curves,
        kept={name: int(flags.sum()) for name, flags in wrong.items()},
        kept_dev_quarter=_first_quarter(wrong["dev"]),
    )


@torch.no_grad()
def _wrong(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> NDArray[np.bool_]:
    model.eval()
    flags: NDArray[np.bool_] = (model(inputs).argmax(1) != targets).numpy()
    return flags


def _first_quarter(flags: NDArray[np.bool_]) -> int:
    return int(flags[: len(flags) // 4].sum())


def _network(config: Config, n_features: int, n_classes: int, side: int | None) -> nn.Module:
    layers: list[nn.Module] = []
    if config.model == "cnn":
        assert side is not None
        layers += [nn.Unflatten(1, (1, side, side)), nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()]
        n_features = 32 * (side // 4) ** 2
    for _ in range(config.depth):
        layers += [nn.Linear(n_features, config.width), nn.ReLU()]
        layers += [nn.Dropout(config.dropout)] if config.dropout else []
        n_features = config.width
    return nn.Sequential(*layers, nn.Linear(n_features, n_classes))


def _optimizer(config: Config, model: nn.Module) -> torch.optim.Optimizer:
    if config.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True)
    momentum = 0.9 if config.optimizer == "momentum" else 0.0
    return torch.optim.SGD(model.parameters(), config.learning_rate, momentum, weight_decay=config.weight_decay, fused=True)
