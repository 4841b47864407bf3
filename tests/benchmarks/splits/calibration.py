"""How often splits of one distribution are called shifted, and how often real shifts are found, pair by pair.

    python tests/benchmarks/splits/calibration.py [PAIRS]

Pairs of 2,000 and 500 examples of 20 columns and a label, unless said; 1,000 pairs of each kind by default, a tenth of that
of the million rows.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from figures import DATA, Figure, show
from numpy.typing import NDArray
from scipy.stats import binomtest

from bvtrack import compare_splits

N_TRAIN, N_DEV, N_COLUMNS = 2_000, 500, 20
ALLOWED = 0.05
FEWER_LARGE = 10
"""Pairs of a million rows take half a second each: this many times fewer are drawn."""
Draw = Callable[[np.random.Generator, int], NDArray[Any]]
MIXING = np.random.default_rng(1).normal(size=(3, N_COLUMNS))
KINDS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=(n, N_COLUMNS)),
    "three factors behind 20 columns": lambda rng, n: rng.normal(size=(n, 3)) @ MIXING + 0.3 * rng.normal(size=(n, N_COLUMNS)),
    "heavy ties (Poisson, 0.02 to 5)": lambda rng, n: rng.poisson(
        np.tile([0.02, 0.1, 0.5, 2, 5], 4), size=(n, N_COLUMNS)
    ).astype(float),
    "skew (lognormal, sigma 0.5 to 3)": lambda rng, n: rng.lognormal(0, np.tile([0.5, 1, 2, 3], 5), size=(n, N_COLUMNS)),
    "heavy tails (Cauchy)": lambda rng, n: rng.standard_cauchy(size=(n, N_COLUMNS)),
    "sparse (0.5 to 20 % not 0)": lambda rng, n: np.where(
        rng.random((n, N_COLUMNS)) < np.tile([0.005, 0.02, 0.05, 0.2], 5), rng.lognormal(size=(n, N_COLUMNS)), 0
    ),
}


def _moved_mean(rng: np.random.Generator, rows: NDArray[Any]) -> NDArray[Any]:
    rows[:, :3] += 0.2
    return rows


def _wider(rng: np.random.Generator, rows: NDArray[Any]) -> NDArray[Any]:
    rows[:, :3] *= 1.2
    return rows


def _correlated(rng: np.random.Generator, rows: NDArray[Any]) -> NDArray[Any]:
    rows[:, 1] = 0.6 * rows[:, 0] + 0.8 * rows[:, 1]
    return rows


def _mixed(rng: np.random.Generator, rows: NDArray[Any]) -> NDArray[Any]:
    rows[rng.random(len(rows)) < 0.05] += 1.5
    return rows


def _filled(rng: np.random.Generator, rows: NDArray[Any]) -> NDArray[Any]:
    rows[rng.random(len(rows)) < 0.05, 4] = 0.0
    return rows


SHIFTS: dict[str, tuple[str, str, Callable[[np.random.Generator, NDArray[Any]], NDArray[Any]]]] = {
    "mean + 0.2 sd in 3 columns": ("94 %", ">= 98 %", _moved_mean),
    "sd x 1.2 in 3 columns": ("60 %", ">= 90 %", _wider),
    "one pair correlated 0.6": ("28 %", ">= 90 %", _correlated),
    "5 % of rows moved by 1.5 sd": ("96 %", ">= 90 %", _mixed),
    "5 % of one column set to 0": ("8 %", ">= 90 %", _filled),
}


def _labels(rng: np.random.Generator, n: int, share: float = 0.5) -> NDArray[np.int64]:
    return (rng.random(n) < share).astype(np.int64)


def _verdicts(n_pairs: int, pair: Callable[[np.random.Generator], dict[str, Any]]) -> Counter[str]:
    return Counter(compare_splits(**pair(np.random.default_rng(seed)), leaks=False).verdict for seed in range(n_pairs))


def _alarms(what: str, n_pairs: int, pair: Callable[[np.random.Generator], dict[str, Any]]) -> Figure:
    found = _verdicts(n_pairs, pair)
    low = binomtest(found["shifted"], n_pairs).proportion_ci(method="wilson").low
    seen = (
        f"{found['shifted'] / n_pairs:.1%} of {n_pairs} (at least {low:.1%}); "
        f"not i.i.d. {found['same, but not i.i.d.'] / n_pairs:.1%}, unclear {found['unclear'] / n_pairs:.0%}"
    )
    return Figure(f"no shift: {what}", "4 to 100 %", f"lower bound <= {ALLOWED:.0%}", seen)


def _power(what: str, to_beat: str, reach: str, n_pairs: int, pair: Callable[[np.random.Generator], dict[str, Any]]) -> Figure:
    found = _verdicts(n_pairs, pair)["shifted"]
    return Figure(what, to_beat, reach, f"{found / n_pairs:.1%} of {n_pairs}")


def tables(n_pairs: int) -> list[Figure]:
    """Of tables: false alarms by kind of column, and power by kind of shift."""
    figures = [
        _alarms(
            kind,
            n_pairs,
            lambda rng, draw=draw: {  # type: ignore[misc]  # bound now
                "train": (draw(rng, N_TRAIN), _labels(rng, N_TRAIN)),
                "dev": (draw(rng, N_DEV), _labels(rng, N_DEV)),
            },
        )
        for kind, draw in KINDS.items()
    ]
    normal = KINDS["normal"]
    figures.append(
        _alarms(
            "1,000,000 against 250,000 rows",
            max(2, n_pairs // FEWER_LARGE),
            lambda rng: {"train": normal(rng, 1_000_000), "dev": normal(rng, 250_000)},
        )
    )
    for what, (to_beat, reach, shift) in SHIFTS.items():
        figures.append(
            _power(
                what,
                to_beat,
                reach,
                n_pairs,
                lambda rng, shift=shift: {  # type: ignore[misc]  # bound now
                    "train": (normal(rng, N_TRAIN), _labels(rng, N_TRAIN)),
                    "dev": (shift(rng, normal(rng, N_DEV)), _labels(rng, N_DEV)),
                },
            )
        )
    figures.append(
        _power(
            "label 50/50 to 60/40",
            "85 %",
            ">= 95 %",
            n_pairs,
            lambda rng: {
                "train": (normal(rng, N_TRAIN), _labels(rng, N_TRAIN)),
                "dev": (normal(rng, N_DEV), _labels(rng, N_DEV, 0.6)),
            },
        )
    )
    return figures


def images(n_pairs: int) -> list[Figure]:
    """Of MNIST: random divisions, its two sources, and its official split."""
    path = DATA / "mnist" / "mnist.npz"
    if not path.exists():
        print(f"MNIST is left out: expected {path}; set BVTRACK_BENCHMARK_DATA")
        return []
    with np.load(path) as file:
        train, train_labels, test, test_labels = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))

    def divided(rng: np.random.Generator) -> dict[str, Any]:
        rows = rng.choice(len(train), N_TRAIN + N_DEV, replace=False)
        sets = {"train": rows[:N_TRAIN], "dev": rows[N_TRAIN:]}
        return {name: (train[chosen], train_labels[chosen]) for name, chosen in sets.items()}

    def of_sources(rng: np.random.Generator) -> dict[str, Any]:
        parts = [rng.choice(rows, 200, replace=False) for rows in _sources(test_labels)]
        return {name: test[rows] for name, rows in zip(("train", "dev"), parts, strict=True)}

    official = compare_splits(train=(train, train_labels), dev=(test, test_labels), leaks=False).verdict
    return [
        _alarms("MNIST's training images, 2,000 and 500", n_pairs, divided),
        _power("MNIST's two sources, 200 images each", "", ">= 95 %", max(20, n_pairs // 10), of_sources),
        Figure("MNIST's official train and test", "", "same, but not i.i.d.", official),
    ]


def _sources(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """MNIST's test images are of two sources, one behind the other, also within each class where the file is sorted by it."""
    if np.all(np.diff(labels.astype(int)) >= 0):
        by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        first, second = zip(*((rows[: len(rows) // 2], rows[len(rows) // 2 :]) for rows in by_class), strict=True)
        return np.concatenate(first), np.concatenate(second)
    return np.arange(len(labels) // 2), np.arange(len(labels) // 2, len(labels))


def main() -> None:
    """Print all figures."""
    n_pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    show(f"Same distribution? (pairs called shifted, {N_TRAIN:,} against {N_DEV:,})", tables(n_pairs) + images(n_pairs))


if __name__ == "__main__":
    main()
