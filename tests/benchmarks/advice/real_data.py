"""Real classification data for the trainings: where each comes from, and how it is split.

The splits of a repeat are drawn once for a dataset: every configuration sees the same dev and test examples, and a training set
of n examples is the first n of one shuffled pool, so that four times the data holds the data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets as sklearn_datasets

Examples = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Inputs `[n, features]` and classes `[n]`."""

DATA = Path(os.environ.get("BVTRACK_BENCHMARK_DATA", Path(__file__).parents[4] / "shared" / "data"))
MNIST = DATA / "mnist" / "mnist.npz"
MORE = 4
"""The step `more_data` trains on this many times the examples, so a base training set is that part of the pool at most."""


@dataclass(frozen=True)
class Source:
    """A dataset, how many of its examples go where, and whether dev and test examples are made to differ from training ones.

    `side` is the side of the square images, `None` for a table. `part` says whether the rules may be fitted to it.
    """

    name: str
    load: Callable[[], Examples]
    n_train: int
    n_dev: int
    n_test: int
    part: str
    side: int | None = None
    is_shifted: bool = False


@dataclass(frozen=True)
class Split:
    """One repeat's examples by set; `pool_like_dev` are the training pool's as the dev set's source would give them."""

    pool: Examples
    pool_like_dev: Examples
    train_dev: Examples | None
    dev: Examples
    test: Examples
    n_classes: int


@cache
def _table(name: str) -> Examples:
    bunch = getattr(sklearn_datasets, f"load_{name}")()
    targets = bunch.target > np.median(bunch.target) if name == "diabetes" else bunch.target
    return bunch.data.astype(np.float32), targets.astype(np.int64)


@cache
def _mnist() -> Examples:
    with np.load(MNIST) as stored:
        images = np.concatenate([stored["x_train"], stored["x_test"]])
        targets = np.concatenate([stored["y_train"], stored["y_test"]])
    return images.reshape(len(images), -1).astype(np.float32), targets.astype(np.int64)


def _from_sklearn(name: str) -> Callable[[], Examples]:
    return lambda: _table(name)


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source("wine", _from_sklearn("wine"), 18, 53, 53, "fit"),
        Source("diabetes", _from_sklearn("diabetes"), 54, 112, 113, "fit"),
        Source("digits_100", _from_sklearn("digits"), 100, 400, 600, "fit", side=8),
        Source("digits_225", _from_sklearn("digits"), 225, 300, 597, "fit", side=8),
        Source("digits_150_shifted", _from_sklearn("digits"), 150, 300, 597, "fit", side=8, is_shifted=True),
        Source("iris", _from_sklearn("iris"), 15, 45, 45, "held-out"),
        Source("breast_cancer", _from_sklearn("breast_cancer"), 60, 160, 169, "held-out"),
        Source("breast_cancer_shifted", _from_sklearn("breast_cancer"), 40, 120, 169, "held-out", is_shifted=True),
        Source("mnist_250", _mnist, 250, 1000, 4000, "held-out", side=28),
        Source("mnist_1000", _mnist, 1000, 1000, 4000, "held-out", side=28),
        Source("mnist_3000", _mnist, 3000, 1000, 4000, "held-out", side=28),
        Source("mnist_1000_shifted", _mnist, 1000, 1000, 4000, "held-out", side=28, is_shifted=True),
    )
}
"""No data stand in both parts: the rules were fitted without a look at iris, breast cancer or MNIST."""


def split(source: Source, repeat: int) -> Split:
    """The examples of one repeat, standardised by the training pool's mean and standard deviation.

    Raises `ValueError` where the dataset is too small for what `source` asks.
    """
    inputs, targets = source.load()
    generator = np.random.default_rng([repeat, len(targets)])
    order = generator.permutation(len(targets))
    n_pool = MORE * source.n_train
    n_train_dev = source.n_dev if source.is_shifted else 0
    ends = np.cumsum([n_pool, n_train_dev, source.n_dev, source.n_test])
    if ends[-1] > len(targets):
        raise ValueError(f"{source.name} has {len(targets)} examples; the splits ask for {ends[-1]}: lower n_train or n_dev")
    pool, train_dev, dev, test = (order[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True))
    scale = inputs[pool].std() if source.side else inputs[pool].std(axis=0) + 1e-6
    standard = (inputs - inputs[pool].mean(axis=0)) / scale

    def as_in_dev(chosen: NDArray[np.int64]) -> Examples:
        seen = standard[chosen]
        return (_shifted(seen, source.side, generator) if source.is_shifted else seen), targets[chosen]

    return Split(
        pool=(standard[pool], targets[pool]),
        pool_like_dev=as_in_dev(pool),
        train_dev=(standard[train_dev], targets[train_dev]) if source.is_shifted else None,
        dev=as_in_dev(dev),
        test=as_in_dev(test),
        n_classes=int(targets.max()) + 1,
    )


def _shifted(inputs: NDArray[np.float32], side: int | None, generator: np.random.Generator) -> NDArray[np.float32]:
    """The same examples taken by another device: noisy, and images moved by an eighth of their side, tables scaled by 1.3."""
    noisy = inputs + generator.normal(0, 0.5, inputs.shape).astype(np.float32)
    if side is None:
        return (1.3 * noisy).astype(np.float32)
    images = noisy.reshape(-1, side, side)
    moves = generator.integers(-(side // 8), side // 8 + 1, size=(len(images), 2))
    moved = [np.roll(image, tuple(move), axis=(0, 1)) for image, move in zip(images, moves, strict=True)]
    return np.stack(moved).reshape(inputs.shape).astype(np.float32)
