"""Does a bigger dev set lead to better choices? Choose the best of a split's trainings by a quarter of it, or by all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from base_run import Row
from intervention_set import InterventionSet, reserve_error
from over_datasets import Estimate, mean
from real_data import SOURCES

from bvtrack import diagnose


@dataclass(frozen=True, slots=True)
class Choices:
    """Choices where an overfit dev set was named, or was not: the points of test error that four times the dev set saved."""

    is_named: bool
    n: int
    saved: Estimate


def choices(found: InterventionSet) -> Iterator[Choices]:
    """Those that would be warned of, and the others."""
    by_split = defaultdict(list)
    for row in found.rows:
        if not float(row["label_noise"]):  # another dev set than the other trainings', and worse than the test reserve
            by_split[row["dataset"], row["repeat"]].append(row)
    told = [(SOURCES[dataset].origin, *_choice(rows)) for (dataset, _), rows in by_split.items()]
    for is_named in (True, False):
        alike = [(dataset, saved) for dataset, named, saved in told if named is is_named]
        if alike:
            datasets, saved = zip(*alike, strict=True)
            yield Choices(is_named, len(alike), mean(saved, datasets))


def _choice(rows: Sequence[Row]) -> tuple[bool, float]:
    by_quarter = min(rows, key=lambda row: int(row["wrong_dev_quarter"]))
    by_all = min(rows, key=lambda row: int(row["wrong_dev"]))
    n_quarter = int(by_quarter["n_dev"]) // 4
    verdict = diagnose(
        train_error=None,
        dev_error=int(by_quarter["wrong_dev_quarter"]) / n_quarter,
        test_error=reserve_error(by_quarter),
        n_dev=n_quarter,
        n_test=int(by_quarter["n_test"]),
    )
    return "dev_overfit" in verdict.problems, 100 * (reserve_error(by_quarter) - reserve_error(by_all))
