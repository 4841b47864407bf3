"""A run with everything that its report needs, each part fetched once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bvtrack.auditing.configurations import repeat_of
from bvtrack.auditing.judge import find_metrics
from bvtrack.auditing.stored_choice import StoredChoice, read_choice
from bvtrack.auditing.stored_files import (
    StoredSplit,
    read_chance,
    read_split,
    read_verdict,
    read_version,
)
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.other_metric import dev_loss_of
from bvtrack.logged.unknown import Unknown
from bvtrack.report.content import OfConfiguration, RunAddress
from bvtrack.schema import names, tags
from bvtrack.store.group_run import MOST_CHILDREN
from bvtrack.store.logged_run import PARENT, LoggedRun
from bvtrack.store.metric_point import Point
from bvtrack.store.mlflow_errors import is_missing
from bvtrack.store.repeated_runs import RepeatedRun
from bvtrack.store.target import without_credentials

if TYPE_CHECKING:
    from mlflow.entities import Run

    from bvtrack.store.reader import Store

OWN_METRICS = {name: names.error_metric(name) for name in SET_NAMES}
"""The errors that a callback or a Tracker logs, by set."""
OWN_VALUES = {name: names.unscaled_metric(name) for name in SET_NAMES}
"""The values that it logs beside them, or alone where they cannot be read as errors."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run: its latest values, params, tags and datasets, its address, and the points of its error metrics.

    `found` is the error metrics of a run that no callback or Tracker has logged, or the reason why they are unknown. For a
    callback's or a Tracker's run it is `None`, and `verdict`, `split` and `choice` are those that it stored, if they can be
    read, `version` is the library's that did, and `chance` the error of guessing.

    `repeats` are the children of a configuration's run, and `configuration` is that of a run that is one of them.
    """

    run: LoggedRun
    address: RunAddress
    points: Mapping[str, Sequence[Point]]
    found: Found | Unknown | None = None
    verdict: Verdict | None = None
    version: str | None = None
    split: StoredSplit = field(default_factory=StoredSplit)
    choice: StoredChoice = field(default_factory=StoredChoice)
    chance: float | None = None
    repeats: Sequence[RepeatedRun] = ()
    configuration: OfConfiguration | None = None

    def history(self, metric: str) -> Sequence[Point]:
        """The points of a metric; empty if it is not an error."""
        return self.points.get(metric, ())


def read_run(store: Store, run_id: str) -> StoredRun:
    """Fetch the run with this id. Raises `ValueError` for a deleted run, and MLflow's own exceptions."""
    return read_rest(store, store.run(run_id))


def read_rest(store: Store, logged: Run) -> StoredRun:
    """Fetch everything else of a run. Raises `ValueError` for a deleted run, and MLflow's own exceptions."""
    run, run_id = LoggedRun.of(logged), str(logged.info.run_id)
    if logged.info.lifecycle_stage == "deleted":
        raise ValueError(f"the run {run_id} ({run.name}) is deleted; restore it first (mlflow runs restore)")
    address = RunAddress(run_id, str(logged.info.experiment_id), without_credentials(store.tracking_uri))
    if tags.is_configuration(run.tags):
        return StoredRun(run, address, {}, repeats=_repeats(store, address))
    of = _configuration(store, run, address)
    own = [metric for metric in OWN_METRICS.values() if metric in run.metrics]
    file = store.json_artifact(run_id, names.DIAGNOSIS_FILE) if own or tags.is_tracked(run.tags) else {}
    verdict = read_verdict(file)
    if not own and verdict is None:
        found = find_metrics(run)
        theirs = [] if isinstance(found, Unknown) else [*found.metrics.values(), *filter(None, [dev_loss_of(run, found)])]
        points = _points(store, run_id, theirs) if any(run.metrics[name].step for name in theirs) else {}
        return StoredRun(run, address, points, found, configuration=of)
    return StoredRun(
        run,
        address,
        _points(store, run_id, own or [metric for metric in OWN_VALUES.values() if metric in run.metrics]),
        verdict=verdict,
        version=read_version(file) or tags.VERSION_BEFORE.read(run.tags),
        choice=read_choice(file),
        chance=read_chance(file, run),
        split=read_split(store.json_artifact(run_id, names.SPLITS_FILE)),
        configuration=of,
    )


def _repeats(store: Store, address: RunAddress) -> list[RepeatedRun]:
    """The diagnosed runs that are nested in a configuration's."""
    children = map(LoggedRun.of, store.children([address.experiment_id], address.run_id, MOST_CHILDREN))
    return [repeat for run in children if (repeat := repeat_of(run, run.tags)) is not None]


def _configuration(store: Store, run: LoggedRun, address: RunAddress) -> OfConfiguration | None:
    """The configuration that a run is a repeat of; `None` if it is of none, or its parent is gone."""
    from mlflow.exceptions import MlflowException

    if (parent_id := run.tags.get(PARENT)) is None:
        return None
    try:
        logged = store.run(parent_id)
    except MlflowException as error:
        if not is_missing(error):
            raise
        return None
    parent = LoggedRun.of(logged)
    if not tags.is_configuration(parent.tags):
        return None
    return OfConfiguration(
        parent.name,
        tags.REPEATS.read(parent.tags) or "",
        tags.DIAGNOSIS.read(parent.tags) or "",
        tags.CERTAINTY.read(parent.tags) or "",
        replace(address.beside(parent_id), experiment_id=str(logged.info.experiment_id)),
    )


def _points(store: Store, run_id: str, metrics: Iterable[str]) -> dict[str, Sequence[Point]]:
    return {metric: store.history(run_id, metric) for metric in metrics}
