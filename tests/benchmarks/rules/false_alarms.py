"""How often a gap that is not there is named, and how often a 95 % interval holds the true gap, by simulation.

    python tests/benchmarks/rules/false_alarms.py

Train and dev errors are drawn from binomials; the training error of the "no gap" rows has the dev error's rate.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from figures import Figure, show

from bvtrack import diagnose

SIZES = (20, 50, 100, 200, 1_000, 10_000, 100_000, 1_000_000)
ERRORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
GAPS = (0.0, 0.01, 0.05, 0.1)
DRAWS = 2_000
PLAIN_GAP, PLAIN_SIZE = 0.02, 100
"""The rule of thumb that ours is held against, two points between train and dev error, and the size at which it is."""
MANY_ERRORS = 10
"""From this many expected errors on an interval should not be wider than it says."""


def simulate(train_error: float, dev_error: float, n_train: int, n_dev: int, seed: int) -> tuple[float, float]:
    """How often high variance is named, and how often the interval of the gap holds the true one."""
    generator = np.random.default_rng(seed)
    draws = zip(generator.binomial(n_train, train_error, DRAWS), generator.binomial(n_dev, dev_error, DRAWS), strict=True)
    n_named = n_held = 0
    for wrong_train, wrong_dev in draws:
        diagnosis = diagnose(train_error=wrong_train / n_train, dev_error=wrong_dev / n_dev, n_train=n_train, n_dev=n_dev)
        gap = diagnosis.gaps["variance"]
        assert gap.low is not None
        assert gap.high is not None
        n_named += "high_variance" in diagnosis.problems
        n_held += gap.low <= dev_error - train_error <= gap.high
    return n_named / DRAWS, n_held / DRAWS


def plain_alarms() -> float:
    """How often two sets of `PLAIN_SIZE` examples with the same error are two points apart, for the worst error."""
    generator = np.random.default_rng(0)
    draws = [generator.binomial(PLAIN_SIZE, error, (2, DRAWS)) / PLAIN_SIZE for error in ERRORS]
    return max(float(np.mean(dev - train >= PLAIN_GAP)) for train, dev in draws)


def main() -> None:
    """Simulate every size and error, and show the worst."""
    alarms, coverages, of_many_errors = [], [], []
    for seed, (n_dev, dev_error, gap, train_factor) in enumerate(product(SIZES, ERRORS, GAPS, (1, 10))):
        train_error = dev_error - gap
        if train_error <= 0:
            continue
        n_train = min(n_dev * train_factor, max(SIZES))
        alarm, coverage = simulate(train_error, dev_error, n_train, n_dev, seed)
        coverages.append(coverage)
        if n_dev * dev_error >= MANY_ERRORS and n_train * train_error >= MANY_ERRORS:
            of_many_errors.append(coverage)
        if gap == 0:
            alarms.append((alarm, n_dev, dev_error))
    worst, n_dev, dev_error = max(alarms)
    show(
        f"No true gap, and true gaps of {', '.join(f'{100 * gap:g}' for gap in GAPS[1:])} points; {DRAWS:,} draws each",
        [
            Figure(
                "false 'high variance', worst",
                f"{plain_alarms():.0%} (2 points, n = {PLAIN_SIZE})",
                "≤ 5 %",
                f"{worst:.1%} (n = {n_dev:,}, {dev_error:.0%})",
            ),
            Figure("95 % intervals hold the gap, worst", "-", "≥ 93 %", f"{min(coverages):.1%}"),
            Figure("… and at most, n·e ≥ 10", "-", "≤ 97 %", f"{max(of_many_errors):.1%}"),
        ],
    )


if __name__ == "__main__":
    main()
