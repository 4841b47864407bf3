"""The parents of an experiment's runs, whose children may be the repeats of one configuration."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from bvtrack.auditing.audited import Audited, skipped, with_tags
from bvtrack.auditing.configurations import repeat_of
from bvtrack.auditing.judged import Judged, without_values
from bvtrack.logged.unknown import Unknown
from bvtrack.schema import tags as schema
from bvtrack.schema.tags import AUDIT, Tags
from bvtrack.schema.verdict_metrics import verdict_metrics
from bvtrack.store.logged_run import PARENT, LoggedRun
from bvtrack.store.repeated_runs import RepeatedRun, tags_of_parent

SEVERAL = Unknown("parent of other runs", "the runs nested in it are not the repeats of one configuration")
WITHOUT_ERRORS = (SEVERAL.reason, "no metrics", "no known error")
"""Reasons for not diagnosing a run that may be a parent's: it has no errors, or none that are known."""


class Parents:
    """The children that an audit has seen, by their parent, and the runs without a diagnosis, which may be parents."""

    def __init__(self) -> None:
        self._children: dict[str, list[RepeatedRun]] = {}
        self._waiting: dict[str, Audited] = {}
        self._places: dict[str, int] = {}
        self._changing = threading.Lock()

    def add(self, run: LoggedRun, news: Tags) -> None:
        """Add a run whose tags change by these, if it is nested in another and has a diagnosis. Thread-safe."""
        tags = {name: value for name, value in {**run.tags, **news}.items() if value is not None}
        parent = run.tags.get(PARENT)
        if parent is not None and (repeat := repeat_of(run, tags)) is not None:
            with self._changing:
                self._children.setdefault(parent, []).append(repeat)

    def hold(self, audited: Audited) -> bool:
        """True for a run that has no errors of its own, whose result waits until all runs have been seen, the oldest first."""
        self._places[audited.run_id] = len(self._places)
        if audited.reason not in WITHOUT_ERRORS:
            return False
        self._waiting[audited.run_id] = audited
        return True

    @property
    def found(self) -> list[str]:
        """The ids of the waiting runs that have children with a diagnosis."""
        return [run_id for run_id in self._waiting if run_id in self._children]

    @property
    def others(self) -> Sequence[Audited]:
        """The results of the other waiting runs."""
        return [audited for run_id, audited in self._waiting.items() if run_id not in self._children]

    def judge(self, run: LoggedRun) -> Judged:
        """The verdict over a parent's children, as its tags and metrics; where they are several configurations, what an audit
        has written of them before is taken away.
        """
        source = schema.SOURCE.read(run.tags) if schema.is_configuration(run.tags) else None
        children = sorted(self._children[run.run_id], key=lambda child: self._places[child.repeat.run_id])
        found = tags_of_parent(children, source or AUDIT)
        if found is not None:
            repeated, tags = found
            return Judged(with_tags(run, tags, {}), tags, verdict_metrics(repeated.verdict))
        if source == AUDIT:
            stale = {name: None for name in run.tags if schema.is_written_by("repeats", name)}
            return Judged(skipped(run, SEVERAL), stale, without_values(run))
        return Judged(self._waiting[run.run_id])
