"""Small tasks that scikit-learn carries or makes: real and synthetic, of classes and of quantities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

Floats = NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True)
class Task:
    """Examples `[n_examples, n_inputs]` and their targets in random order; `n_classes` is 0 for a regression."""

    name: str
    inputs: Floats
    targets: NDArray[np.generic]
    n_classes: int
    n_train: int
    n_dev: int


def _scaled(inputs: Floats) -> Floats:
    scaled: Floats = (inputs - inputs.mean(axis=0)) / (inputs.std(axis=0) + 1e-9)
    return scaled


def digits(random: Random) -> Task:
    data = datasets.load_digits()
    return Task("digits", data.data / 16, data.target, 10, int(random.choice([80, 300, 900])), 300)


def imbalanced_digits(random: Random) -> Task:
    data = datasets.load_digits()
    kept = random.random(len(data.target)) < 0.65**data.target
    return Task("digits, imbalanced", data.data[kept] / 16, data.target[kept], 10, 200, 120)


def breast_cancer(random: Random) -> Task:
    data = datasets.load_breast_cancer()
    return Task("breast cancer", _scaled(data.data), data.target, 2, int(random.choice([40, 250])), 120)


def unscaled_wine(random: Random) -> Task:
    data = datasets.load_wine()
    return Task("wine, inputs as they are", data.data, data.target, 3, 70, 50)


def clusters(random: Random) -> Task:
    n_classes, seed = int(random.choice([3, 5, 20])), int(random.integers(10**6))
    inputs, targets = datasets.make_classification(
        1500, 30, n_informative=12, n_classes=n_classes, class_sep=1.5, random_state=seed
    )
    return Task(f"{n_classes} clusters", _scaled(inputs), targets, n_classes, int(random.choice([100, 600])), 300)


def moons(random: Random) -> Task:
    inputs, targets = datasets.make_moons(900, noise=0.3, random_state=int(random.integers(10**6)))
    return Task("moons", _scaled(inputs), targets, 2, int(random.choice([30, 300])), 200)


def parity(random: Random) -> Task:
    """The product of three of sixteen signs: nothing is learned for long, then all at once."""
    inputs = random.choice([-1.0, 1.0], (2600, 16))
    return Task("parity", inputs, (inputs[:, :3].prod(axis=1) > 0).astype(int), 2, 1600, 500)


def modular_sums(random: Random) -> Task:
    """a + b modulo 23 from one-hot a and b: learned by heart first, understood late or never (Power et al. 2022)."""
    first, second = (each.ravel() for each in np.meshgrid(np.arange(23), np.arange(23)))
    return Task(
        "modular sums",
        np.eye(23)[np.stack([first, second])].transpose(1, 0, 2).reshape(-1, 46),
        (first + second) % 23,
        23,
        320,
        100,
    )


def random_labels(random: Random) -> Task:
    return Task("random labels", random.normal(size=(700, 20)), random.integers(4, size=700), 4, 200, 200)


def diabetes(random: Random) -> Task:
    data = datasets.load_diabetes()
    targets = data.target if random.random() < 0.5 else (data.target - data.target.mean()) / data.target.std()
    return Task("diabetes, squared error", _scaled(data.data), targets, 0, int(random.choice([60, 220])), 110)


def friedman(random: Random) -> Task:
    inputs, targets = datasets.make_friedman1(1200, noise=2.0, random_state=int(random.integers(10**6)))
    if random.random() < 0.5:
        targets = _scaled(targets[:, None])[:, 0]
    return Task("friedman, squared error", inputs, targets, 0, int(random.choice([60, 500])), 300)


TASKS: tuple[Callable[[Random], Task], ...] = (
    digits,
    digits,
    imbalanced_digits,
    breast_cancer,
    unscaled_wine,
    clusters,
    clusters,
    moons,
    parity,
    random_labels,
    diabetes,
    friedman,
    friedman,
)
