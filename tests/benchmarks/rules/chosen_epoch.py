"""How often the interval of the dev error of the epoch that was chosen by it holds the true one, by simulation.

    python tests/benchmarks/rules/chosen_epoch.py

The noise of successive epochs is independent, as on a new dev set each time, or correlated, as on the same examples with
weights that move slowly. The true error is constant, falls to a plateau, or jumps about by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from figures import Figure, show
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import binom, norm

from bvtrack import Diagnosis, ModelFacts
from bvtrack.diagnosis.run_verdict import EpochErrors, judge
from bvtrack.error_rates.intervals import Rate

Values = NDArray[np.float64]
LENGTHS = (10, 100, 1_000)
SIZES = ((100, 0.05), (500, 0.3), (2_000, 0.1), (10_000, 0.02))
"""Examples of the dev set, and the true error of the plateau."""
CORRELATIONS = (0.0, 0.5, 0.9, 0.99)
"""Of the noise of one epoch and the next."""
FALL = 0.3
DRAWS = {10: 400, 100: 80, 1_000: 20}
"""Trainings of each size, truth and correlation."""


def constant(n_epochs: int, error: float, generator: np.random.Generator) -> Values:
    return np.full(n_epochs, error)


def falling(n_epochs: int, error: float, generator: np.random.Generator) -> Values:
    """A steep fall in the first tenth of the epochs, and a plateau."""
    return error + FALL * np.exp(-np.arange(n_epochs) / (n_epochs / 10))


def jumping(n_epochs: int, error: float, generator: np.random.Generator) -> Values:
    """Real differences between epochs, a tenth of the error."""
    return np.clip(error * (1 + 0.1 * generator.standard_normal(n_epochs)), 0.0, 1.0)


Truth = Callable[[int, float, np.random.Generator], Values]
TRUTHS: dict[str, Truth] = {"constant": constant, "falling": falling, "jumping": jumping}


@dataclass(frozen=True)
class Chosen:
    """The tagged epoch of a training: its true error, and the diagnosis of the epoch."""

    true: float
    diagnosis: Diagnosis

    def rate(self, *, is_plain: bool = False) -> Rate:
        optimism = 0.0 if is_plain else self.diagnosis.optimism.expected
        return Rate(self.diagnosis.errors["dev"], self.diagnosis.counts["dev"], optimism=optimism)

    def is_held(self, *, is_plain: bool = False) -> bool:
        low, high = self.rate(is_plain=is_plain).interval()
        return low <= self.true <= high

    @property
    def is_gap_held(self) -> bool:
        """True if the interval of the variance holds the true one; the train error has next to no noise."""
        gap = self.diagnosis.gaps["variance"]
        assert gap.low is not None
        assert gap.high is not None
        return gap.low <= self.true - self.diagnosis.errors["train"] <= gap.high

    @property
    def widening(self) -> float:
        """The width of the interval by that of the plain one."""
        low, high = self.rate().interval()
        plain_low, plain_high = self.rate(is_plain=True).interval()
        return (high - low) / (plain_high - plain_low)


def trainings(
    truth: Truth, n_epochs: int, n_dev: int, error: float, correlation: float, draws: int, seed: int
) -> Iterator[Chosen]:
    """The chosen epochs of trainings, each judged from its whole history."""
    generator = np.random.default_rng(seed)
    innovations = generator.standard_normal((draws, n_epochs))
    innovations[:, 1:] *= np.sqrt(1 - correlation**2)
    noise = norm.cdf(lfilter([1.0], [1.0, -correlation], innovations, axis=1))
    for row in noise:
        true = truth(n_epochs, error, generator)
        yield judged(true, binom.ppf(row, n_dev, true) / n_dev, n_dev)


def of_all_sizes(name: str, n_epochs: int, correlation: float, draws: int, seed: int) -> list[Chosen]:
    """Trainings with this true error on dev sets of all sizes, so many of each."""
    each = (trainings(TRUTHS[name], n_epochs, *size, correlation, draws, seed) for size in SIZES)
    return [one for some in each for one in some]


def judged(true: Values, dev: Values, n_dev: int) -> Chosen:
    """The chosen epoch of a training with these dev errors."""
    counts = {"train": 1_000_000, "dev": n_dev}
    history = [EpochErrors(epoch, {"train": 0.01, "dev": value}, counts) for epoch, value in enumerate(dev.tolist())]
    verdict = judge(history, at="best", human_error=0.0, same_distribution=True, chance=0.99, model=ModelFacts(), n_train=None)
    assert verdict.epoch is not None
    return Chosen(float(true[verdict.epoch]), verdict.diagnosis)


def smooth(n_epochs: int, n_dev: int, error: float, draws: int, seed: int) -> list[Chosen]:
    """Trainings whose dev error falls without any jitter: all of its noise is the same at each epoch."""
    generator = np.random.default_rng(seed)
    true = falling(n_epochs, error, generator)
    shifts = generator.binomial(n_dev, true[-1], draws) / n_dev - true[-1]
    return [judged(true, np.round(np.clip(true + shift, 0.0, 1.0) * n_dev) / n_dev, n_dev) for shift in shifts]


@dataclass(frozen=True)
class Coverage:
    """The shares of chosen epochs whose true error is held, and the mean optimism in points, expected and true."""

    held: float
    gap_held: float
    plain: float
    expected: float
    true: float


def coverage(chosen: list[Chosen]) -> Coverage:
    return Coverage(
        held=float(np.mean([one.is_held() for one in chosen])),
        gap_held=float(np.mean([one.is_gap_held for one in chosen])),
        plain=float(np.mean([one.is_held(is_plain=True) for one in chosen])),
        expected=100 * float(np.mean([one.diagnosis.optimism.expected for one in chosen])),
        true=100 * float(np.mean([one.true - one.diagnosis.errors["dev"] for one in chosen])),
    )


def main() -> None:
    """Simulate every length, and show the worst of each."""
    figures = []
    for n_epochs in LENGTHS:
        found = []
        for seed, (name, correlation) in enumerate(product(TRUTHS, CORRELATIONS)):
            found.append((coverage(of_all_sizes(name, n_epochs, correlation, DRAWS[n_epochs], seed)), name, correlation))
        worst, name, correlation = min(found, key=lambda one: one[0].held)
        plain = min(one.plain for one, *_ in found)
        where = f"{name}, correlation {correlation:g}"
        figures.append(Figure(f"{n_epochs:,} epochs: the dev error", f"{plain:.1%}", "≥ 93 %", f"{worst.held:.1%} ({where})"))
        figures.append(Figure("… and the variance", "-", "≥ 93 %", f"{min(one.gap_held for one, *_ in found):.1%}"))
        independent = [one for one, name, correlation in found if correlation == 0 and name != "jumping"]
        expected, true = (float(np.mean([getattr(one, which) for one in independent])) for which in ("expected", "true"))
        figures.append(Figure("… optimism, independent noise", "-", f"{true:.2f} points", f"{expected:.2f} points"))
        wide = max(np.mean([one.widening for one in smooth(n_epochs, *size, draws=10, seed=0)]) for size in SIZES)
        figures.append(Figure("… width, no jitter", "-", "≤ 1.25", f"{wide:.2f} times the plain one"))
    show("95 % intervals of the chosen epoch hold the true error, worst of all settings; beside Wilson's alone", figures)


if __name__ == "__main__":
    main()
