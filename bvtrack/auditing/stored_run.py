"""A run with everything that its report needs, each part fetched once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bvtrack.auditing.judge import find_metrics
from bvtrack.auditing.stored_files import StoredSplit, read_split, read_verdict
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.other_metric import dev_loss_of
from bvtrack.logged.unknown import Unknown
from bvtrack.report.content import RunAddress
from bvtrack.schema import names
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.metric_point import Point
from bvtrack.store.target import without_credentials

if TYPE_CHECKING:
    from bvtrack.store.reader import Store

OWN_METRICS = {name: names.error_metric(name) for name in SET_NAMES}
"""The errors that a callback or a Tracker logs, by set."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run: its latest values, params, tags and datasets, its address, and the points of its error metrics.

    `found` is the error metrics of a run that no callback or Tracker has logged, or the reason why they are unknown. For a
    callback's or a Tracker's run it is `None`, and `verdict` and `split` are those that it stored, if they can be read.
    """

    run: LoggedRun
    address: RunAddress
    points: Mapping[str, Sequence[Point]]
    found: Found | Unknown | None = None
    verdict: Verdict | None = None
    split: StoredSplit = field(default_factory=StoredSplit)

    def history(self, metric: str) -> Sequence[Point]:
        """The points of a metric; empty if it is not an error."""
        return self.points.get(metric, ())


def read_run(store: Store, run_id: str) -> StoredRun:
    """Fetch the run with this id. Raises `ValueError` for a deleted run, and MLflow's own exceptions."""
    logged = store.run(run_id)
    run = LoggedRun.of(logged)
    if logged.info.lifecycle_stage == "deleted":
        raise ValueError(f"the run {run_id} ({run.name}) is deleted; restore it first (mlflow runs restore)")
    address = RunAddress(run_id, str(logged.info.experiment_id), without_credentials(store.tracking_uri))
    own = [metric for metric in OWN_METRICS.values() if metric in run.metrics]
    if not own:
        found = find_metrics(run)
        theirs = [] if isinstance(found, Unknown) else [*found.metrics.values(), *filter(None, [dev_loss_of(run, found)])]
        points = _points(store, run_id, theirs) if any(run.metrics[name].step for name in theirs) else {}
        return StoredRun(run, address, points, found)
    return StoredRun(
        run,
        address,
        _points(store, run_id, own),
        verdict=read_verdict(store.json_artifact(run_id, names.DIAGNOSIS_FILE)),
        split=read_split(store.json_artifact(run_id, names.SPLITS_FILE)),
    )


def _points(store: Store, run_id: str, metrics: Iterable[str]) -> dict[str, Sequence[Point]]:
    return {metric: store.history(run_id, metric) for metric in metrics}
