"""How often the 95 % interval over repeats holds the truth, and how often a variance is named that is not there.

    python tests/benchmarks/rules/repeats.py

Seeds: each dev example is wrong by a probability of its own (Beta), and each seed shifts all of them. Folds: linear
discriminants of two Gaussian classes in ten dimensions; the truth is the mean error, on new examples, of trainings on as many
examples as a fold has. Beside ours: what people report, mean ± 1.96 s/√k, and the counts of all repeats added up as if each
dev example were a new one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from bvtrack import diagnose
from bvtrack.diagnosis.repeats import Baseline, Repeat, judge_repeats
from bvtrack.error_rates.intervals import Rate

TRIALS = 2000
WIDTH = 10
Numbers = Any


def holds(low: float, truth: float, high: float) -> bool:
    return low <= truth <= high


def three_intervals(errors: Sequence[float], repeats: Sequence[Repeat]) -> dict[str, tuple[float, float]]:
    mean, k = float(np.mean(errors)), len(errors)
    half = 1.96 * float(np.std(errors, ddof=1)) / math.sqrt(k)
    n = sum(repeat.counts["dev"] for repeat in repeats)
    ours = judge_repeats(repeats, Baseline()).intervals["dev"]
    return {"ours": ours, "1.96 s/sqrt(k)": (mean - half, mean + half), "counts added up": Rate(mean, n).interval()}


def of_seeds(k: int, spread: float, n: int = 500, p: float = 0.1) -> Counter[str]:
    generator, found = np.random.default_rng(k), Counter[str]()
    hard = generator.beta(p, 1 - p, size=400_000)
    truth = float(np.clip(hard + generator.normal(0, spread, size=400_000), 0, 1).mean())
    for _ in range(TRIALS):
        chances = generator.beta(p, 1 - p, size=n) + generator.normal(0, spread, size=(k, 1))
        errors = (generator.random((k, n)) < np.clip(chances, 0, 1)).mean(axis=1).tolist()
        repeats = [Repeat("", "", "", {"dev": error}, {"dev": n}, seed=str(seed)) for seed, error in enumerate(errors)]
        found.update(name for name, (low, high) in three_intervals(errors, repeats).items() if holds(low, truth, high))
    return found


def two_classes(generator: np.random.Generator, n: int) -> tuple[Numbers, Numbers]:
    labels = generator.integers(0, 2, n)
    return generator.normal(size=(n, WIDTH)) + 0.3 * (2 * labels[:, None] - 1), labels


def error_of(train: tuple[Numbers, Numbers], test: tuple[Numbers, Numbers]) -> float:
    """The error of a linear discriminant."""
    x, y = train
    means = [x[y == label].mean(axis=0) for label in (0, 1)]
    inner = sum((x[y == label] - mean).T @ (x[y == label] - mean) for label, mean in enumerate(means)) / len(x)
    weights = np.linalg.solve(inner + 1e-6 * np.eye(WIDTH), means[1] - means[0])
    guessed = (test[0] - (means[0] + means[1]) / 2) @ weights > 0
    return float((guessed != test[1]).mean())


def of_folds(k: int, n: int, repetitions: int = 1, trials: int = TRIALS // 4) -> Counter[str]:
    generator, found = np.random.default_rng(k), Counter[str]()
    n_train = n - n // k
    many = two_classes(generator, 20_000)
    truth = float(np.mean([error_of(two_classes(generator, n_train), many) for _ in range(300)]))
    for _ in range(trials):
        x, y = two_classes(generator, n)
        errors, repeats = [], []
        for repetition in range(repetitions):
            order = generator.permutation(n)
            for fold, dev in enumerate(np.array_split(order, k)):
                train = np.setdiff1d(order, dev)
                errors.append(error_of((x[train], y[train]), (x[dev], y[dev])))
                labels = {"fold": str(fold), "split": str(repetition), "dev_set": f"{repetition} {fold}"}
                counts = {"dev": len(dev)}
                repeats.append(Repeat("", "", "", {"dev": errors[-1]}, counts, n_train=len(train), **labels))  # type: ignore[arg-type]  # as named
        found.update(name for name, (low, high) in three_intervals(errors, repeats).items() if holds(low, truth, high))
    return Counter({name: round(n * TRIALS / trials) for name, n in found.items()})


def false_variances(k: int, n: int = 500, p: float = 0.08) -> dict[str, float]:
    """How often high variance is named where new examples are as often wrong as those of the train set."""
    generator, named = np.random.default_rng(k), Counter[str]()
    for _ in range(TRIALS):
        train, dev = (
            (generator.random((k, n)) < np.clip(generator.beta(p, 1 - p, size=n) + generator.normal(0, 0.01, (k, 1)), 0, 1))
            for _ in range(2)
        )
        errors = [{"train": float(a), "dev": float(b)} for a, b in zip(train.mean(axis=1), dev.mean(axis=1), strict=True)]
        counts = {"train": n, "dev": n}
        ours = judge_repeats([Repeat("", "", "", one, counts) for one in errors], Baseline(p)).verdict.diagnosis
        single = diagnose(train_error=errors[0]["train"], dev_error=errors[0]["dev"], human_error=p, n_train=n, n_dev=n)
        means = {name: float(np.mean([one[name] for one in errors])) for name in counts}
        added = diagnose(train_error=means["train"], dev_error=means["dev"], human_error=p, n_train=k * n, n_dev=k * n)
        for name, found in (("ours", ours), ("one run", single), ("counts added up", added)):
            named[name] += "high_variance" in found.problems
    return {name: 100 * named[name] / TRIALS for name in ("ours", "one run", "counts added up")}


def print_row(name: str, found: Counter[str]) -> None:
    print(f"{name:44}" + "".join(f"{100 * found[one] / TRIALS:16.1f}" for one in ("ours", "1.96 s/sqrt(k)", "counts added up")))


if __name__ == "__main__":
    print(f"{'The interval holds the truth, %':44}{'ours':>16}{'1.96 s/sqrt(k)':>16}{'counts added up':>16}")
    for k in (2, 3, 5, 10):
        print_row(f"{k} seeds, 500 dev examples, s = 2 points", of_seeds(k, 0.02))
    print_row("5 seeds, 500 dev examples, s = 0", of_seeds(5, 0.0))
    for k, n in ((3, 150), (5, 150), (10, 150), (5, 1000)):
        print_row(f"{k} folds of {n}", of_folds(k, n))
    print_row("5 folds of 150, 4 times", of_folds(5, 150, 4))
    print(f"\n{'High variance named where there is none, %':44}{'ours':>16}{'one run':>16}{'counts added up':>16}")
    for k in (2, 5, 10):
        found = false_variances(k)
        print(f"{f'{k} seeds':44}" + "".join(f"{share:16.1f}" for share in found.values()))
