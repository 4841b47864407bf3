"""What the tests of the Keras adapter share: small data, models and trainings, and how a run is read without MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from journal_runs import Run as Run
from journal_runs import read_run as read_run
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)  # on a busy machine small tensors wait for threads: ten times the time


def split(n: int, seed: int) -> tuple[Any, Any]:
    x = np.random.default_rng(seed).normal(size=(n, 8)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64") + (x[:, 1] > 0.5)


TRAIN, DEV, TEST = split(300, 0), split(130, 1), split(90, 2)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no type hints
    """An unshuffled dataset that counts how often it was told of an epoch's end."""

    def __init__(self, x: Any, y: Any) -> None:
        super().__init__()
        self.x, self.y = x, y
        self.ends = 0

    def __len__(self) -> int:
        return -(-len(self.x) // 50)

    def __getitem__(self, index: int) -> Any:
        part = slice(50 * index, 50 * (index + 1))
        return self.x[part], self.y[part]

    def on_epoch_end(self) -> None:
        self.ends += 1


class Failing(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises in the second epoch, once."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.errors = [error]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1 and self.errors:
            raise self.errors.pop()


class Peeking(keras.callbacks.Callback):  # type: ignore[misc]
    """Reads the compiled metrics at the end of each epoch, after the callbacks before it in the list."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append({name: float(value) for name, value in self.model.get_metrics_result().items()})


def loader(x: Any, y: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=50, shuffle=True)


def net(*middle: Any, metrics: tuple[str, ...] = ("accuracy",)) -> Any:
    """A small classifier with dropout and batch norm, or with other layers in their place; always the same weights."""
    keras.utils.set_random_seed(0)
    middle = middle or (keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=1))
    ends = keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((8,)), ends[0], *middle, ends[1]])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def fit(*callbacks: Any, model: Any = None, data: Any = TRAIN, **options: Any) -> Any:
    """The model's History of a training of two epochs, as a rule with validation data."""
    x, y = data if isinstance(data, tuple) else (data, None)
    options = {"epochs": 2, "validation_data": DEV} | options
    return (model or net()).fit(x, y, callbacks=list(callbacks), verbose=0, **options)


def steps_of(journals: Path, metric: str) -> list[int]:
    return list(read_run(journals).curve(metric))


def error_of(model: Any, data: tuple[Any, Any]) -> Any:
    """The share of wrong answers in eval mode, computed without Keras' metrics."""
    x, y = data
    return pytest.approx(float(np.mean(model.predict(x, verbose=0).argmax(axis=1) != y)), abs=1e-6)


def seeds_of(model: Any) -> list[list[int]]:
    """The states of the SeedGenerators of the model's layers, and of Keras' own."""
    generators = [generator for layer in model.layers for generator in getattr(layer, "_seed_generators", [])]
    states = [generator.state for generator in (*generators, keras.src.random.seed_generator.global_seed_generator())]
    return [[int(number) for number in keras.ops.convert_to_numpy(state)] for state in states]


def assert_same_training(one: Any, other: Any) -> None:
    """Two Histories with bit-equal logs, and models with bit-equal weights."""
    assert one.history == other.history
    for weight, other_weight in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other_weight)


def on_backend(name: str) -> pytest.MarkDecorator:
    """For what only one of Keras' backends can do."""
    return pytest.mark.skipif(keras.backend.backend() != name, reason=f"needs the {name} backend")
