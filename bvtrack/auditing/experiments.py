"""Diagnose and tag all runs of experiments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bvtrack.argument_error import Argument, ArgumentError
from bvtrack.auditing.audited import Audited, changed, skipped
from bvtrack.auditing.baseline import THREADS, AskedBaseline, BestErrors, Choice, from_tags, given
from bvtrack.auditing.judge import judge_run
from bvtrack.auditing.paging import map_runs
from bvtrack.auditing.rebaseline import rejudge_run
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.logged.unknown import Unknown
from bvtrack.schema.tags import AUDIT, SOURCE, Tags, is_written_by, states_in
from bvtrack.store.reader import Store
from bvtrack.store.target import checked_uri, current_uri
from bvtrack.tracking_uri.sqlite_file import sqlite_file

if TYPE_CHECKING:
    from bvtrack.store.logged_run import LoggedRun

NOT_OURS = Unknown("diagnosed in training", "a callback or a Tracker has diagnosed it; a baseline re-tags it all the same")
OF_AUDITS = f"tags.`{SOURCE.name}` = '{AUDIT}'"


class Auditing:
    """An audit of one store, run by run."""

    def __init__(
        self,
        tracking_uri: str | None = None,
        *,
        human_error: float | None = None,
        baseline: AskedBaseline | None = None,
        is_dry: bool = False,
        threads: int = THREADS,
    ) -> None:
        """Take the arguments of `bvtrack.audit`. Raises `ValueError` for an invalid error, a malformed tracking URI, or a
        missing SQLite file.
        """
        _check(human_error, baseline)
        self.uri = checked_uri(tracking_uri or current_uri())
        check_file(self.uri)
        self._human_error = human_error
        self._baseline = baseline
        self._is_dry = is_dry
        self._threads = threads

    def runs_of(self, experiment: str | None, filter_string: str = "") -> Iterator[Audited]:
        """Audit the runs of one experiment, or of all, and yield each result; only one page is held in memory.

        Raises `ValueError` for an unknown experiment or an invalid filter.
        """
        for experiment_id in self._ids(experiment):
            task = partial(self._audit, choose=self._choice(experiment_id))
            yield from self._each(task, experiment_id, filter_string)

    def undone_runs_of(self, experiment: str | None, filter_string: str = "") -> Iterator[Audited]:
        """Remove the tags of audits, and yield each such run. Raises as `runs_of` does."""
        filters = f"{filter_string} AND {OF_AUDITS}" if filter_string else OF_AUDITS
        for experiment_id in self._ids(experiment):
            yield from self._each(self._undo, experiment_id, filters)

    @functools.cached_property
    def _store(self) -> Store:
        return Store(self.uri)

    def _ids(self, experiment: str | None) -> list[str]:
        return self._store.all_experiment_ids() if experiment is None else [self._store.experiment_id(experiment)]

    def _each(self, task: Callable[[LoggedRun], Audited], experiment_id: str, filter_string: str) -> Iterator[Audited]:
        pages = self._store.pages([experiment_id], filter_string)
        return map_runs(task, pages, threads=self._threads, uri=self.uri)

    def _choice(self, experiment_id: str) -> Choice:
        """The choice of baselines for an experiment; `"best"` reads all its runs first."""
        if self._baseline is None:
            return from_tags if self._human_error is None else given(self._human_error)
        if self._baseline != "best":
            return given(None if self._baseline == "zero" else self._baseline)
        best = BestErrors()
        for _ in self._each(partial(self._add_to_best, best), experiment_id, ""):
            pass
        return best

    def _audit(self, run: LoggedRun, choose: Choice) -> Audited:
        if self._baseline is None and _is_by_callback(run):
            return replace(skipped(run, NOT_OURS), states=states_in(run.tags))
        audited, tags = self._judge(run, choose)
        self._write(run, tags)
        return audited

    def _add_to_best(self, best: BestErrors, run: LoggedRun) -> Audited:
        audited, _ = self._judge(run, from_tags)
        best.add(run, audited)
        return audited

    def _judge(self, run: LoggedRun, choose: Choice) -> tuple[Audited, Tags]:
        if _is_by_callback(run):
            return rejudge_run(run, choose)
        return judge_run(run, partial(self._store.history, run.run_id), choose)

    def _undo(self, run: LoggedRun) -> Audited:
        self._write(run, {name: None for name in run.tags if is_written_by("audit", name)})
        return Audited(run.run_id, run.name, is_changed=True)

    def _write(self, run: LoggedRun, tags: Tags) -> None:
        if not self._is_dry and (news := changed(run, tags)):
            self._store.write_tags(run.run_id, news)


def _is_by_callback(run: LoggedRun) -> bool:
    """True if a callback or a Tracker has diagnosed the run."""
    return SOURCE.read(run.tags) not in (None, AUDIT)


def check_file(uri: str) -> None:
    """Raise `ValueError` for a missing SQLite file, which MLflow would create, empty."""
    if (path := sqlite_file(uri)) and not path.exists():
        raise ValueError(f"expected a store that is there, got {uri}; name another by --tracking-uri or MLFLOW_TRACKING_URI")


def _check(human_error: float | None, baseline: str | float | None) -> None:
    for argument, error in (("human_error", human_error), ("baseline", baseline)):
        if error is not None and error not in ("zero", "best") and not is_fraction(error):
            expected = "a fraction in [0, 1]" if argument == "human_error" else "'zero', 'best' or a fraction in [0, 1]"
            raise ArgumentError(argument, "{} must be {}; got {!r} (2 % is 0.02)", expected, error)
    if human_error is not None and baseline is not None:
        either, other = Argument("human_error", ""), Argument("baseline", "")
        raise ArgumentError(either, "expected {} or {}, got both ({!r} and {!r}); leave one out", other, human_error, baseline)
