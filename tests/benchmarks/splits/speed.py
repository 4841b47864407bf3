"""What a comparison of two splits with labels costs, beside a loop over SciPy's tests, and Evidently where it is installed.

    python tests/benchmarks/splits/speed.py

Labels are integers, names (an array of NumPy, a column of pandas), or none. Medians and quartiles of interleaved rounds in one
process, on the clock and of the processor; a ratio is the median of those of the rounds. Memory is what NumPy and Python
allocate beyond the data, by tracemalloc. Evidently needs an environment of its own (pandas below 3), which
EVIDENTLY_PYTHON=/path/to/python names; it is run once, between the rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from figures import Figure, show
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from bvtrack import compare_splits

ROUNDS = 7
N_CLASSES = 10
SCIPY = "SciPy"
Sets = tuple[NDArray[Any], NDArray[Any]]
EVIDENTLY = """
import sys, time
import numpy as np, pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
n, m, d, k = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
names = [f"c{i}" for i in range(d)]
a, b = (pd.DataFrame(rng.normal(size=(rows, d)), columns=names) for rows in (n, m))
for frame in (a, b):
    frame["label"] = np.array([f"class {i}" for i in range(k)], object)[rng.integers(0, k, len(frame))]
known = DataDefinition(numerical_columns=names, categorical_columns=["label"])
start, used = time.perf_counter(), time.process_time()
Report([DataDriftPreset()]).run(*(Dataset.from_pandas(frame, data_definition=known) for frame in (b, a)))
print(time.perf_counter() - start, time.process_time() - used)
"""
LABELS: Mapping[str, Callable[[NDArray[Any]], Any]] = {
    "no labels": lambda codes: None,
    "integers": lambda codes: codes,
    "names": lambda codes: np.array([f"class {code}" for code in range(N_CLASSES)])[codes],
    "a column of names": lambda codes: pd.Series(np.array([f"class {code}" for code in range(N_CLASSES)])[codes]),
}


@dataclass(frozen=True)
class Seconds:
    """Seconds on the clock, and of the processor."""

    wall: float
    processor: float


def _draw(n: int, m: int, d: int) -> Sets:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


def _scipy(sets: Sets, codes: Sets) -> list[float]:
    one, other = sets
    found = [float(ks_2samp(one[:, column], other[:, column], method="asymp").pvalue) for column in range(one.shape[1])]
    table = [np.bincount(some, minlength=N_CLASSES) for some in codes]
    return [*found, float(chi2_contingency(table).pvalue)]


def _compared(sets: Sets, labels: tuple[Any, Any], *, leaks: bool) -> Any:
    train, dev = zip(sets, labels, strict=True)
    return compare_splits(train=train, dev=dev, leaks=leaks)


def _timed(way: Callable[[], Any]) -> Seconds:
    start, used = time.perf_counter(), time.process_time()
    way()
    return Seconds(time.perf_counter() - start, time.process_time() - used)


def _megabytes(way: Callable[[], Any]) -> float:
    tracemalloc.start()
    way()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _evidently(n: int, m: int, d: int) -> Seconds | None:
    python = os.environ.get("EVIDENTLY_PYTHON")
    if python is None:
        return None
    command = [python, "-c", EVIDENTLY, *map(str, (n, m, d, N_CLASSES))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Seconds(*map(float, done.stdout.split()[-2:]))


def _in_words(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _ratio(slow: list[Seconds], quick: list[Seconds]) -> str:
    pairs = [*zip(slow, quick, strict=True)]
    return "/".join(
        f"{statistics.median(getattr(one, what) / getattr(other, what) for one, other in pairs):.1f}"
        for what in ("wall", "processor")
    )


def compared(n: int, m: int, d: int) -> list[Figure]:
    """One size, by kind of labels, without and with row hashes, beside the peers."""
    sets, rng = _draw(n, m, d), np.random.default_rng(1)
    codes = rng.integers(0, N_CLASSES, n), rng.integers(0, N_CLASSES, m)
    ways: dict[str, Callable[[], Any]] = {SCIPY: partial(_scipy, sets, codes)}
    for kind, of in LABELS.items():
        for words, leaks in (("distributions", False), ("and exact copies", True)):
            ways[f"{kind}: {words}"] = partial(_compared, sets, (of(codes[0]), of(codes[1])), leaks=leaks)
    seconds: dict[str, list[Seconds]] = {name: [] for name in ways}
    evidently: Seconds | None = None
    for place in range(ROUNDS):
        evidently = _evidently(n, m, d) if place == ROUNDS // 2 else evidently
        for name, way in ways.items():
            seconds[name].append(_timed(way))
    peer = f"SciPy {_in_words([one.wall for one in seconds[SCIPY]])} s"
    peer += f", of the processor {_in_words([one.processor for one in seconds[SCIPY]])}"
    peer += "" if evidently is None else f"; Evidently {evidently.wall:.1f} s, of the processor {evidently.processor:.1f}"
    figures = []
    for name, way in ways.items():
        if name == SCIPY:
            continue
        taken = seconds[name]
        seen = f"{_in_words([one.wall for one in taken])} s, of the processor {_in_words([one.processor for one in taken])}, "
        seen += f"{_megabytes(way):.0f} MB; {_ratio(seconds[SCIPY], taken)} x SciPy"
        seen += "" if evidently is None else f", {_ratio([evidently] * len(taken), taken)} x Evidently"
        figures.append(Figure(f"{n:,} and {m:,} x {d}, {name}", peer, ">= 7 x SciPy", seen))
    return figures


def planted(n: int, m: int, d: int, n_copies: int) -> Figure:
    """Whether every planted copy is counted."""
    one, other = _draw(n, m, d)
    other[:n_copies] = one[:: n // n_copies][:n_copies]
    (finding,) = (found for found in compare_splits(train=one, dev=other).findings if found.code == "dev_repeats_train")
    return Figure(f"{n_copies} copies planted in {m:,}", "", "all", finding.message.split(" examples")[0])


def main() -> None:
    """Print all figures."""
    figures = [*compared(1_000_000, 250_000, 20), *compared(10_000, 2_500, 784)]
    figures.append(planted(1_000_000, 250_000, 20, 100))
    show(f"One comparison (medians and quartiles of {ROUNDS} rounds; ratios on the clock/of the processor)", figures)


if __name__ == "__main__":
    main()
