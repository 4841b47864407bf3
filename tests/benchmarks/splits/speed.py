"""What a comparison of two splits costs, beside a loop over SciPy's tests, and beside Evidently where it is installed.

    python tests/benchmarks/splits/speed.py

Medians of interleaved rounds in one process; memory is what NumPy and Python allocate beyond the data, by tracemalloc.
Evidently needs an environment of its own (pandas below 3): EVIDENTLY_PYTHON=/path/to/python names one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from figures import Figure, show
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from bvtrack import compare_splits

ROUNDS = 7
Sets = tuple[NDArray[Any], NDArray[Any]]
EVIDENTLY = """
import sys, time
import numpy as np, pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
n, m, d = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
a, b = (pd.DataFrame(rng.normal(size=(rows, d)), columns=[f"c{i}" for i in range(d)]) for rows in (n, m))
start = time.perf_counter()
Report([DataDriftPreset()]).run(b, a)
print(time.perf_counter() - start)
"""


def _draw(n: int, m: int, d: int) -> Sets:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


def _scipy(sets: Sets) -> list[float]:
    one, other = sets
    return [float(ks_2samp(one[:, column], other[:, column], method="asymp").pvalue) for column in range(one.shape[1])]


def _without_hashes(sets: Sets) -> Any:
    return compare_splits(train=sets[0], dev=sets[1], leaks=False)


def _with_hashes(sets: Sets) -> Any:
    return compare_splits(train=sets[0], dev=sets[1])


def _medians(ways: Mapping[str, Callable[[Sets], Any]], sets: Sets) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way(sets)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _megabytes(way: Callable[[Sets], Any], sets: Sets) -> float:
    tracemalloc.start()
    way(sets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _evidently(n: int, m: int, d: int) -> float | None:
    python = os.environ.get("EVIDENTLY_PYTHON")
    if python is None:
        return None
    done = subprocess.run([python, "-c", EVIDENTLY, *map(str, (n, m, d))], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def compared(n: int, m: int, d: int, reach: tuple[str, str]) -> list[Figure]:
    """One size: without and with row hashes, beside the peers."""
    sets = _draw(n, m, d)
    ways = {"scipy": _scipy, "without": _without_hashes, "with": _with_hashes}
    seconds, evidently = _medians(ways, sets), _evidently(n, m, d)
    peers = f"SciPy {seconds['scipy']:.2f} s" + ("" if evidently is None else f", Evidently {evidently:.1f} s")
    figures = []
    for name, words, wanted in zip(("without", "with"), ("distributions", "and exact copies"), reach, strict=True):
        ratios = f"{seconds['scipy'] / seconds[name]:.1f} x SciPy"
        ratios += "" if evidently is None else f", {evidently / seconds[name]:.0f} x Evidently"
        seen = f"{seconds[name]:.2f} s, {_megabytes(ways[name], sets):.0f} MB ({ratios})"
        figures.append(Figure(f"{n:,} and {m:,} x {d}: {words}", peers, wanted, seen))
    return figures


def planted(n: int, m: int, d: int, n_copies: int) -> Figure:
    """Whether every planted copy is counted."""
    one, other = _draw(n, m, d)
    other[:n_copies] = one[:: n // n_copies][:n_copies]
    (finding,) = (found for found in compare_splits(train=one, dev=other).findings if found.code == "dev_repeats_train")
    return Figure(f"{n_copies} copies planted in {m:,}", "", "all", finding.message.split(" examples")[0])


def main() -> None:
    """Print all figures."""
    figures = compared(1_000_000, 250_000, 20, ("<= 0.15 s, <= 50 MB", "<= 0.35 s, <= 100 MB"))
    figures += compared(10_000, 2_500, 784, ("<= 0.1 s", ""))
    figures.append(planted(1_000_000, 250_000, 20, 100))
    show(f"One comparison (medians of {ROUNDS} rounds)", figures)


if __name__ == "__main__":
    main()
