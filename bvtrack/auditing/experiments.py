"""Diagnose and tag all runs of experiments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bvtrack.argument_error import Argument, ArgumentError
from bvtrack.auditing.audited import Audited, skipped
from bvtrack.auditing.baseline import THREADS, AskedBaseline, BestErrors, Choice, from_tags, given
from bvtrack.auditing.judge import judge_run
from bvtrack.auditing.judged import Changes, Judged, without_values
from bvtrack.auditing.paging import map_runs
from bvtrack.auditing.parents import Parents
from bvtrack.auditing.rebaseline import rejudge_run
from bvtrack.auditing.views import Views
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.logged.unknown import Unknown
from bvtrack.schema.tags import AUDIT, DIAGNOSIS, SOURCE, Tags, Writer, is_configuration, is_tracked, is_written_by, states_in
from bvtrack.store.reader import Store
from bvtrack.store.target import check_file, checked_uri, current_uri
from bvtrack.tracking.environment import is_view_wanted

if TYPE_CHECKING:
    from bvtrack.store.logged_run import LoggedRun

NOT_YET = Unknown("no verdict yet", "a callback or a Tracker is at work on it, and has not measured an error yet")
NOT_OURS = Unknown("diagnosed in training", "a callback or a Tracker has diagnosed it; a baseline re-tags it all the same")
OF_OTHERS = Unknown("parent of other runs", "its verdict is one over the runs nested in it")
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
        tags_only: bool = False,
        saved_view: bool = True,
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
        self._has_values = not tags_only
        self.views = Views(is_wanted=saved_view and is_view_wanted() and not is_dry)
        self._threads = threads

    def runs_of(self, experiment: str | None, filter_string: str = "") -> Iterator[Audited]:
        """Audit the runs of one experiment, or of all, and yield each result; only one page is held in memory.

        Raises `ValueError` for an unknown experiment or an invalid filter.
        """
        for experiment_id in self._ids(experiment):
            parents = Parents()
            task = partial(self._audit, choose=self._choice(experiment_id), parents=parents)
            is_diagnosed = False
            for audited in self._each(task, experiment_id, filter_string):
                is_diagnosed = is_diagnosed or bool(audited.states)
                if filter_string or not parents.hold(audited):  # a filter may leave out some of a parent's children
                    yield audited
            yield from parents.others
            yield from self._tag_parents(parents)
            if is_diagnosed and self._has_values:
                self.views.keep(self._store, experiment_id)

    def undone_runs_of(self, experiment: str | None, filter_string: str = "") -> Iterator[Audited]:
        """Remove the tags of audits, and yield each such run; the metrics of its verdict, which MLflow cannot delete, get a
        last point that is no number. Where no diagnosed run is left, the saved view goes too. Raises as `runs_of` does.
        """
        filters = f"{filter_string} AND {OF_AUDITS}" if filter_string else OF_AUDITS
        for experiment_id in self._ids(experiment):
            yield from self._each(self._undo, experiment_id, filters)
            self.views.take_away(self._store, experiment_id)

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

    def _audit(self, run: LoggedRun, choose: Choice, parents: Parents) -> Audited:
        if is_configuration(run.tags):
            return skipped(run, OF_OTHERS)
        if self._baseline is None and is_tracked(run.tags):
            reason = NOT_YET if DIAGNOSIS.read(run.tags) is None else NOT_OURS
            parents.add(run, {})
            return replace(skipped(run, reason), states=states_in(run.tags))
        judged = self._judge(run, choose)
        parents.add(run, judged.tags)
        self._write(run, judged.tags, judged.values)
        return judged.audited

    def _tag_parents(self, parents: Parents) -> Iterator[Audited]:
        """Tag the parents whose children are the repeats of one configuration, and yield the result of each."""
        pages = ([self._store.run(run_id)] for run_id in parents.found)
        return map_runs(partial(self._tag_parent, parents), pages, threads=1, uri=self.uri)

    def _tag_parent(self, parents: Parents, run: LoggedRun) -> Audited:
        judged = parents.judge(run)
        self._write(run, judged.tags, judged.values)
        return judged.audited

    def _add_to_best(self, best: BestErrors, run: LoggedRun) -> Audited:
        if is_configuration(run.tags):
            return skipped(run, OF_OTHERS)
        audited = self._judge(run, from_tags).audited
        best.add(run, audited)
        return audited

    def _judge(self, run: LoggedRun, choose: Choice) -> Judged:
        if is_tracked(run.tags):
            return rejudge_run(run, choose)
        return judge_run(run, partial(self._store.history, run.run_id), choose)

    def _undo(self, run: LoggedRun) -> Audited:
        self._write(run, {name: None for name in run.tags if is_written_by(_writer_of(run.tags), name)}, without_values(run))
        return Audited(run.run_id, run.name, is_changed=True)

    def _write(self, run: LoggedRun, tags: Tags, values: Mapping[str, float]) -> None:
        changes = Changes.to(run, tags, values if self._has_values else {})
        if changes and not self._is_dry:
            self._store.write(run, changes.tags, changes.values)


def _writer_of(tags: Tags) -> Writer:
    return "repeats" if is_configuration(tags) else "audit"


def _check(human_error: float | None, baseline: str | float | None) -> None:
    for argument, error in (("human_error", human_error), ("baseline", baseline)):
        if error is not None and error not in ("zero", "best") and not is_fraction(error):
            expected = "a fraction in [0, 1]" if argument == "human_error" else "'zero', 'best' or a fraction in [0, 1]"
            raise ArgumentError(argument, "{} must be {}; got {!r} (2 % is 0.02)", expected, error)
    if human_error is not None and baseline is not None:
        either, other = Argument("human_error", ""), Argument("baseline", "")
        raise ArgumentError(either, "expected {} or {}, got both ({!r} and {!r}); leave one out", other, human_error, baseline)
