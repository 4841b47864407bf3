"""Baselines of the train error: a human error, 0, or the best dev error of the experiment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bvtrack.auditing.audited import Audited
from bvtrack.logged.split_sizes import set_of
from bvtrack.schema import tags
from bvtrack.schema.stored_numbers import rounded
from bvtrack.schema.tag_texts import metric_of
from bvtrack.store.best_other_run import WITHOUT_ERRORS
from bvtrack.store.logged_run import LoggedRun


@dataclass(frozen=True, slots=True)
class Baseline:
    """A human error, `None` if unknown; `source` is the value of `bvtrack.baseline`."""

    error: float | None = None
    source: str = "zero"

    @property
    def is_upper_bound(self) -> bool:
        """True if it is an error that another run has reached, so that it excuses no gap."""
        return self.source == "experiment_best"

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
    """The lowest dev error of the other runs among those that were added, by measure and dev set: evidence that it can be
    reached. A run is never its own baseline, and where there is no other run, it keeps the human error of its training.
    """

    def __init__(self) -> None:
        self._lowest: dict[tuple[str, str | None], list[tuple[float, str]]] = {}
        self._changing = threading.Lock()

    def add(self, run: LoggedRun, audited: Audited) -> None:
        """Add a run, unless its errors mean nothing. Thread-safe."""
        if audited.tag is None or audited.tag in WITHOUT_ERRORS or "dev" not in audited.errors:
            return
        key, error = _key(run, audited.measure or ""), audited.errors["dev"]
        with self._changing:
            self._lowest[key] = sorted({*self._lowest.get(key, ()), (error, run.run_id)})[:2]

    def __call__(self, run: LoggedRun, measure: str) -> Baseline:
        """The baseline for a run: the best other one by its measure on its dev set. Makes this a `Choice`."""
        others = [error for error, run_id in self._lowest.get(_key(run, measure), ()) if run_id != run.run_id]
        if others:
            return Baseline(rounded(others[0]), "experiment_best")
        own = from_tags(run, measure)
        return own if own.source == "given" and tags.SOURCE.read(run.tags) != tags.AUDIT else ASSUMED


def _key(run: LoggedRun, measure: str) -> tuple[str, str | None]:
    """Key of comparable errors: the metric and, if known, the digest of the dev set."""
    return metric_of(measure), dev_set_of(run)


def dev_set_of(run: LoggedRun) -> str | None:
    """The digest of the run's dev set; `None` if none was logged."""
    return next((each.digest for each in run.datasets if set_of(run, each) == "dev"), None)


THREADS = 4
"""Number of runs audited concurrently: while one waits for MLflow, another is diagnosed."""


AskedBaseline = Literal["zero", "best"] | float
