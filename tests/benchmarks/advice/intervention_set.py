"""The intervention set: base runs, and by case what each trained step saved.

A case is a kind of base configuration on a data set. What a step saves is the mean, over the repeats (other splits and seeds),
of the base run's test error minus that of the run with the step applied: on examples that chose nothing, so that a lucky dev
error is no gain; the model that a run leaves is that of its last epoch. It helps where that mean is above 0 beyond noise
(one-sided t-test at 5 %; the repeats share examples, so that this is a little liberal, alike for all strategies). A verdict is
given on every base run by itself.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from base_run import BaseRun, Case, Row, base_runs, case_of
from real_data import SOURCES
from scipy import stats

RESULTS = Path(__file__).with_name("results.csv.gz")
SIGNIFICANCE = 0.05
Part = Literal["fit", "held-out"]


class Saved(NamedTuple):
    """What a step saved in a case: the mean in points of test error, and whether beyond noise."""

    points: float
    helps: bool


@dataclass(frozen=True, eq=False)
class InterventionSet:
    """The trainings of some data sets."""

    rows: Sequence[Row]

    @cached_property
    def runs(self) -> list[BaseRun]:
        """The base runs of the cases of which a step was trained, too."""
        return [run for run in base_runs(self.rows) if run.case in self.saved]

    @cached_property
    def datasets(self) -> list[str]:
        """The unit that each run belongs to, for intervals."""
        return [run.origin for run in self.runs]

    @cached_property
    def saved(self) -> Mapping[Case, Mapping[str, Saved]]:
        """By case and trained step, where the step was trained in every repeat of the case."""
        found: dict[Case, dict[str, Saved]] = {}
        for case, by_step in self._points.items():
            most = max(map(len, by_step.values()))
            found[case] = {step: saving(points) for step, points in by_step.items() if len(points) == most > 1}
        return {case: steps for case, steps in found.items() if steps}

    @cached_property
    def trained(self) -> Mapping[tuple[Case, str, str], Row]:
        """The rows by case, repeat and step."""
        return {(case_of(row), row["repeat"], row["step"]): row for row in self.rows}

    @property
    def _points(self) -> Mapping[Case, Mapping[str, list[float]]]:
        points: dict[Case, dict[str, list[float]]] = {}
        for (case, repeat, step), row in self.trained.items():
            base = self.trained.get((case, repeat, "base"))
            if step != "base" and base is not None:
                saved = 100 * (reserve_error(base) - reserve_error(row))
                points.setdefault(case, {}).setdefault(step, []).append(saved)
        return points


def load(part: Part, path: Path = RESULTS) -> InterventionSet:
    """The trainings of one part of the data sets."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if SOURCES[row["dataset"]].part == part]
    return InterventionSet(rows)


def saving(points: Sequence[float]) -> Saved:
    """What a step saved, from the points that it saved in each repeat."""
    mean, noise = float(np.mean(points)), float(np.std(points, ddof=1)) / len(points) ** 0.5
    return Saved(mean, mean > 0 and mean > _quantile(len(points)) * noise)


@cache
def _quantile(n: int) -> float:
    return float(stats.t.ppf(1 - SIGNIFICANCE, n - 1))


def reserve_error(row: Row) -> float:
    """The error on the reserve of the model that a training left."""
    return int(row["wrong_test"]) / int(row["n_test"])
