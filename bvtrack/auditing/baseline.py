"""What errors are compared with: a human error, 0, or the best dev error of the experiment."""

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
"""What `bvtrack.gaps` rounds errors to: by as much the best may be better than it says, and it is not to be `beyond_human`."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """`error` is the human error, `None` where it is not known; `source` is the value of `bvtrack.baseline`."""

    error: float | None = None
    source: str = "zero"

    def is_in_tags_of(self, run: LoggedRun) -> bool:
        """Whether the run has a diagnosis that rests on it."""
        human_error = tags.gaps_of(run.tags).human_error
        is_same = tags.BASELINE.read(run.tags) == self.source and human_error == rounded(self.error or 0.0)
        return is_same and tags.DIAGNOSIS.read(run.tags) is not None


ASSUMED = Baseline()
"""The course's assumption."""

Choice = Callable[[LoggedRun, str], Baseline]
"""The baseline for a run with this `bvtrack.measure`."""


def given(error: float | None) -> Choice:
    """One baseline for all runs; 0 where `error` is `None`."""
    baseline = ASSUMED if error is None else Baseline(error, "given")
    return lambda run, measure: baseline


def from_tags(run: LoggedRun, measure: str) -> Baseline:
    """The baseline that the run's tags rest on, else the assumed one."""
    error, source = tags.gaps_of(run.tags).human_error, tags.BASELINE.read(run.tags)
    return ASSUMED if error is None or source in (None, "zero") else Baseline(error, source)


class BestErrors:
    """The lowest dev error of an experiment by each measure on each dev set, of the runs that it is told of."""

    def __init__(self) -> None:
        self._lowest: dict[tuple[str, str | None], float] = {}
        self._changing = threading.Lock()

    def add(self, run: LoggedRun, audited: Audited) -> None:
        """Count a run in, if its errors mean something. Threads may do so at once."""
        if audited.measure is None or audited.tag in WITHOUT_ERRORS or "dev" not in audited.errors:
            return
        key, error = _key(run, audited.measure), audited.errors["dev"]
        with self._changing:
            self._lowest[key] = min(error, self._lowest.get(key, error))

    def __call__(self, run: LoggedRun, measure: str) -> Baseline:
        """The baseline for a run: the best of those that are like it; a `Choice`."""
        error = self._lowest.get(_key(run, measure))
        return ASSUMED if error is None else Baseline(round(max(error - ROUNDED, 0.0), 4), "experiment_best")


def _key(run: LoggedRun, measure: str) -> tuple[str, str | None]:
    """What makes errors comparable: the same metric and, where it is known, the same dev set."""
    return metric_of(measure), next((each.digest for each in run.datasets if set_of(run, each) == "dev"), None)


THREADS = 4
"""Runs that are audited at a time: while one waits for MLflow, another is worked out."""


AskedBaseline = Literal["zero", "best"] | float
