"""Real classification data for the trainings: how many examples go where, and which data no rule may be fitted to.

The splits of a repeat are drawn once for a dataset: every configuration sees the same dev and test examples, and a training set
of n examples is the first n of one shuffled pool, so that four times the data holds the data. The test reserve is as large as
the data allow: it alone decides what helped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from data_files import Examples, from_aeon, from_keel, from_keel_tracks, from_mnist, from_sklearn
from numpy.typing import NDArray

MORE = 4
"""The step `more_data` trains on this many times the examples, so a base training set is that part of the pool at most."""
MOST_TEST = 4000

HELD_OUT = frozenset({"australian", "chess", "gunpoint", "housevotes", "led7digit", "mnist", "pima", "twonorm", "yeast1"})
"""No rule is fitted to these, and none of them is looked at before a rule is fixed. Chosen before anything was trained: of all
data, sorted by their sort (images, series, tables) and then by name, every third, beginning with the second (digits and
optdigits, which share images, count as one). None of them was fitted to earlier either."""


@dataclass(frozen=True)
class Source:
    """A dataset, how many of its examples go where, and whether dev and test examples are made to differ from training ones.

    `shape` is that of an image or a series, channels first, `()` for a table; `data` names what it is taken from.
    """

    name: str
    load: Callable[[], Examples]
    n_train: int
    n_dev: int
    shape: tuple[int, ...] = ()
    is_shifted: bool = False
    data: str = ""

    @property
    def origin(self) -> str:
        """What its examples are taken from: scikit-learn's digits are a part of optdigits."""
        return self.data or self.name

    @property
    def part(self) -> str:
        """`fit` or `held-out`."""
        return "held-out" if self.origin in HELD_OUT else "fit"

    @property
    def sort(self) -> str:
        """`table`, `image` or `series`: what decides which models people try."""
        if not self.shape:
            return "table"
        return "series" if self.shape[1] == 1 else "image"


@dataclass(frozen=True)
class Split:
    """One repeat's examples by set; `pool_like_dev` are the training pool's as the dev set's source would give them."""

    pool: Examples
    pool_like_dev: Examples
    train_dev: Examples | None
    dev: Examples
    test: Examples
    n_classes: int


def _keel(name: str, n_train: int, n_dev: int, shape: tuple[int, ...] = (), data: str = "") -> Source:
    return Source(name, partial(from_keel, name), n_train, n_dev, shape, data=data)


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source("digits", partial(from_sklearn, "digits"), 150, 300, (1, 8, 8)),
        Source("digits_shifted", partial(from_sklearn, "digits"), 120, 200, (1, 8, 8), is_shifted=True, data="digits"),
        _keel("optdigits", 400, 500, (1, 8, 8), data="digits"),
        Source("optdigits_shifted", partial(from_keel, "optdigits"), 300, 400, (1, 8, 8), is_shifted=True, data="digits"),
        Source("arrowhead", partial(from_aeon, "ArrowHead"), 18, 50, (1, 1, 125)),
        Source("basicmotions", partial(from_aeon, "BasicMotions"), 6, 20, (6, 1, 100)),
        Source("movement_libras", partial(from_keel_tracks, "movement_libras"), 40, 70, (2, 1, 45)),
        Source("osuleaf", partial(from_aeon, "OSULeaf"), 40, 100, (1, 1, 142)),
        _keel("banana", 200, 500),
        Source("breast_cancer", partial(from_sklearn, "breast_cancer"), 40, 120),
        Source("breast_cancer_shifted", partial(from_sklearn, "breast_cancer"), 30, 100, is_shifted=True, data="breast_cancer"),
        Source("diabetes", partial(from_sklearn, "diabetes"), 40, 100),
        _keel("german", 100, 150),
        Source("iris", partial(from_sklearn, "iris"), 12, 40),
        _keel("kr-vs-k-zero_vs_eight", 150, 250),
        _keel("mushroom", 150, 400),
        _keel("page-blocks0", 500, 700),
        _keel("ring", 300, 500),
        _keel("tic-tac-toe", 100, 150),
        _keel("vehicle", 90, 120),
        Source("vehicle_shifted", partial(from_keel, "vehicle"), 60, 90, is_shifted=True, data="vehicle"),
        Source("wine", partial(from_sklearn, "wine"), 15, 50),
        Source("mnist_250", from_mnist, 250, 500, (1, 14, 14), data="mnist"),
        Source("mnist_1000", from_mnist, 1000, 1000, (1, 14, 14), data="mnist"),
        Source("mnist_3000", from_mnist, 3000, 1000, (1, 14, 14), data="mnist"),
        Source("mnist_500_shifted", from_mnist, 500, 500, (1, 14, 14), is_shifted=True, data="mnist"),
        Source("gunpoint", partial(from_aeon, "GunPoint"), 15, 50, (1, 1, 150)),
        _keel("australian", 60, 100),
        _keel("chess", 250, 300),
        _keel("housevotes", 16, 60),
        _keel("led7digit", 40, 100),
        _keel("pima", 75, 120),
        _keel("twonorm", 100, 300),
        _keel("yeast1", 150, 250),
    )
}


def split(source: Source, repeat: int, label_noise: float = 0.0) -> Split:
    """The examples of one repeat, standardised by the training pool's mean and standard deviation.

    `label_noise` is the share of training and dev labels that are replaced by another class; the test reserve keeps its labels,
    so that what helps is judged by the truth. Raises `ValueError` where the dataset is too small for what `source` asks.
    """
    inputs, targets = source.load()
    generator = np.random.default_rng([repeat, len(targets)])
    order = generator.permutation(len(targets))
    ends = np.cumsum([MORE * source.n_train, source.n_dev if source.is_shifted else 0, source.n_dev])
    if 4 * ends[-1] > 3 * len(targets):
        raise ValueError(
            f"{source.name} has {len(targets)} examples; a quarter is to remain for the test: lower n_train or n_dev"
        )
    pool, train_dev, dev, test = np.split(order[: ends[-1] + MOST_TEST], ends)
    seen = _noisy_labels(targets, label_noise, np.random.default_rng([repeat, len(targets), 1]))
    mean, scale = _standard(inputs[pool], source)

    def like_train(chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        standard: NDArray[np.float32] = ((inputs[chosen] - mean) / scale).astype(np.float32)
        return standard

    def like_dev(chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        return _shifted(like_train(chosen), source.shape, generator) if source.is_shifted else like_train(chosen)

    return Split(
        pool=(like_train(pool), seen[pool]),
        pool_like_dev=(like_dev(pool), seen[pool]),
        train_dev=(like_train(train_dev), seen[train_dev]) if source.is_shifted else None,
        dev=(like_dev(dev), seen[dev]),
        test=(like_dev(test), targets[test]),
        n_classes=int(targets.max()) + 1,
    )


def _standard(pool: NDArray[np.float32], source: Source) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What to subtract and to divide by; points of images and series share a scale, 0-1 columns keep theirs."""
    if source.shape:
        return pool.mean(axis=0), pool.std()
    deviation = pool.std(axis=0)
    deviation[(deviation < 1e-6) | np.isin(pool, (0, 1)).all(axis=0)] = 1.0
    return pool.mean(axis=0), deviation


def _noisy_labels(targets: NDArray[np.int64], share: float, generator: np.random.Generator) -> NDArray[np.int64]:
    n_classes = int(targets.max()) + 1
    others = (targets + generator.integers(1, n_classes, len(targets))) % n_classes
    return np.where(generator.random(len(targets)) < share, others, targets)


def _shifted(inputs: NDArray[np.float32], shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
    """The same examples taken by another device: noisy, and images moved by an eighth of their side, tables scaled by 1.3."""
    noisy = inputs + generator.normal(0, 0.5, inputs.shape).astype(np.float32)
    if not shape:
        return (1.3 * noisy).astype(np.float32)
    images = noisy.reshape(-1, *shape[1:])
    most = shape[-1] // 8
    moves = generator.integers(-most, most + 1, size=(len(images), 2))
    moved = [np.roll(image, tuple(move), axis=(0, 1)) for image, move in zip(images, moves, strict=True)]
    return np.stack(moved).reshape(inputs.shape).astype(np.float32)
