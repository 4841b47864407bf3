"""What other tests make of the pairs of `calibration.py`: how often each calls a pair shifted.

    PYTHONPATH=tests/benchmarks/rules python tests/benchmarks/splits/peers.py [PAIRS]

Three that need nothing but what is installed: Kolmogorov-Smirnov column by column and chi-squared for the label, with
Bonferroni's correction (what alibi-detect's TabularDrift does); the maximum mean discrepancy with a Gaussian kernel of the
median distance and 100 permutations; and a boosted classifier that is asked which set an example is of, by the ranks of its
answers on the half that it was not trained on. Of each 100 pairs by default, the first of those that `calibration.py` draws.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from calibration import (  # type: ignore[import-not-found]  # beside it, where mypy has no root
    ALLOWED,
    KINDS,
    N_DEV,
    N_TRAIN,
    SHIFTS,
    _labels,
)
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.spatial.distance import cdist
from scipy.stats import chi2_contingency, ks_2samp, mannwhitneyu
from sklearn.ensemble import HistGradientBoostingClassifier

PERMUTATIONS = 100
Rows = NDArray[Any]
Pair = tuple[Rows, Rows]
"""Two sets `[n, 21]`, the label in the last column."""


def columns_one_by_one(train: Rows, dev: Rows) -> float:
    """The smallest p-value, times the number of columns."""
    found = [float(ks_2samp(train[:, place], dev[:, place], method="asymp").pvalue) for place in range(train.shape[1] - 1)]
    table = [np.bincount(rows[:, -1].astype(int), minlength=2) for rows in (train, dev)]
    return float(min([*found, float(chi2_contingency(table).pvalue)]) * train.shape[1])


def mean_discrepancy(train: Rows, dev: Rows) -> float:
    """The share of permutations that are as far apart."""
    rows = np.concatenate([train, dev])
    apart = cdist(rows, rows, "sqeuclidean")
    kernel = np.exp(-apart / np.median(apart))
    rng = np.random.default_rng(0)
    is_dev = np.zeros((len(rows), PERMUTATIONS + 1))
    is_dev[len(train) :, 0] = 1
    for place in range(1, PERMUTATIONS + 1):
        is_dev[rng.permutation(len(rows))[: len(dev)], place] = 1
    weights = is_dev / len(dev) - (1 - is_dev) / len(train)
    distances = (weights * (kernel @ weights)).sum(axis=0)
    return float((distances >= distances[0]).mean())


def boosted_classifier(train: Rows, dev: Rows) -> float:
    """Whether its answers rank the two sets apart."""
    rows, which = np.concatenate([train, dev]), np.repeat([0, 1], [len(train), len(dev)])
    order = np.random.default_rng(0).permutation(len(rows))
    fitted, asked = order[::2], order[1::2]
    answers = HistGradientBoostingClassifier(max_iter=50).fit(rows[fitted], which[fitted]).predict_proba(rows[asked])[:, 1]
    return float(mannwhitneyu(answers[which[asked] == 1], answers[which[asked] == 0], alternative="greater").pvalue)


PEERS: Mapping[str, Callable[[Rows, Rows], float]] = {
    "K-S and chi-squared, Bonferroni": columns_one_by_one,
    "MMD, 100 permutations": mean_discrepancy,
    "boosted classifier": boosted_classifier,
}


def _pair(seed: int, what: str) -> Pair:
    """The pair that `calibration.py` draws with this seed."""
    rng = np.random.default_rng(seed)
    shift = SHIFTS[what][2] if what in SHIFTS else lambda rng, rows: rows
    train = np.column_stack([KINDS["normal"](rng, N_TRAIN), _labels(rng, N_TRAIN)])
    dev = shift(rng, KINDS["normal"](rng, N_DEV))
    return train, np.column_stack([dev, _labels(rng, N_DEV, 0.6 if what.startswith("label") else 0.5)])


def main() -> None:
    """Print the share of the pairs that each calls shifted."""
    n_pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    table = Table("pairs", *PEERS, title=f"called shifted, of {n_pairs} pairs each", title_justify="left")
    for what in ("no shift", *SHIFTS, "label 50/50 to 60/40"):
        pairs = [_pair(seed, what) for seed in range(n_pairs)]
        shares = [np.mean([peer(*pair) < ALLOWED for pair in pairs]) for peer in PEERS.values()]
        table.add_row(what, *(f"{share:.0%}" for share in shares))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
