"""How long a run's report takes and how large it is, by the epochs of the run. Prints a Markdown table (`make bench`).

The first one of a process imports Matplotlib; the others are medians of some in a row.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from run_contents import history, shifted_split

from bvtrack.auditing.run_report import Report

ROUNDS = 7
EPOCHS = (20, 300, 5000)


def main() -> None:
    """Make reports of a run with a split that has moved, which are the largest."""
    run = shifted_split()
    began = time.perf_counter()
    Report(run).html()
    print(f"The first one: {time.perf_counter() - began:.2f} s\n")
    print("| epochs | HTML | | PNG |\n|---|---|---|---|")
    for n_epochs in EPOCHS:
        report = Report(replace(run, history=history(n_epochs)))
        page, picture, size = _seconds(report.html), _seconds(report.png), len(report.html().encode()) / 1000
        print(f"| {n_epochs:,} | {page:.2f} s | {size:.0f} KB | {picture:.2f} s |")


def _seconds(make: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        make()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    main()
