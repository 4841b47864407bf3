"""Baselines of the train error: a human error, 0, or the best dev error of the experiment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bvtrack.auditing.audited import Audited
from bvtrack.logged.split_sizes import set_of
from bvtrack.schema import tags
from bvtrack.schema.gaps import rounded
from bvtrack.schema.tag_texts import metric_of
from bvtrack.store.best_other_run import WITHOUT_ERRORS
from bvtrack.store.logged_run import LoggedRun

ROUNDED = 1e-4
"""Rounding step of errors in `bvtrack.gaps`, subtracted from the best one so that its own run is not `beyond_human`."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A human error, `None` if unknown; `source` is the value of `bvtrack.baseline`."""

    error: float | None = None
    source: str = "zero"

    def is_in_tags_of(self, run: LoggedRun) -> bool:
        """True if the run has a diagnosis against this baseline."""
        human_error = tags.gaps_of(run.tags).human_error
        is_same = tags.BASELINE.read(run.tags) == self.source and human_error == rounded(self.error or 0.0)
        return is_same and tags.DIAGNOSIS.read(run.tags) is not None


ASSUMED = Baseline()
"""The course's assumption: a human error of 0."""

Choice = Callable[[LoggedRun, str], Baseline]
"""Returns the baseline for a run and its `bvtrack.measure`."""


def given(error: float | None) -> Choice:
    """The same baseline for all runs; 0 if `error` is `None`."""
    baseline = ASSUMED if error is None else Baseline(error, "given")
    return lambda run, measure: baseline


def from_tags(run: LoggedRun, measure: str) -> Baseline:
    """The baseline in the run's tags, else the assumed one."""
    error, source = tags.gaps_of(run.tags).human_error, tags.BASELINE.read(run.tags)
    return ASSUMED if error is None or source in (None, "zero") else Baseline(error, source)


class BestErrors:
    """The lowest dev error among the added runs, by measure and dev set."""

    def __init__(self) -> None:
        self._lowest: dict[tuple[str, str | None], float] = {}
        self._changing = threading.Lock()

    def add(self, run: LoggedRun, audited: Audited) -> None:
        """Add a run, unless its errors mean nothing. Thread-safe."""
        if audited.measure is None or audited.tag in WITHOUT_ERRORS or "dev" not in audited.errors:
            return
        key, error = _key(run, audited.measure), audited.errors["dev"]
        with self._changing:
            self._lowest[key] = min(error, self._lowest.get(key, error))

    def __call__(self, run: LoggedRun, measure: str) -> Baseline:
        """The baseline for a run: the best error by its measure on its dev set. Makes this a `Choice`."""
        error = self._lowest.get(_key(run, measure))
        return ASSUMED if error is None else Baseline(round(max(error - ROUNDED, 0.0), 4), "experiment_best")


def _key(run: LoggedRun, measure: str) -> tuple[str, str | None]:
    """Key of comparable errors: the metric and, if known, the digest of the dev set."""
    return metric_of(measure), next((each.digest for each in run.datasets if set_of(run, each) == "dev"), None)


THREADS = 4
"""Number of runs audited concurrently: while one waits for MLflow, another is diagnosed."""


AskedBaseline = Literal["zero", "best"] | float
