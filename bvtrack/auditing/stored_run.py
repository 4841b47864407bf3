"""One run with all that a report needs of it, each part fetched once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bvtrack.auditing.stored_files import StoredSplit, read_split, read_verdict
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.logged.error_metrics import Found, find_errors
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
    """A run: its latest values, params, tags and datasets, where it is, and the points of the metrics that are its errors.

    `found` says which metrics are the errors of a run that no callback and no Tracker has logged, or why that cannot be known;
    of one of theirs it is `None`, and what they said is in `verdict` and `split`, as far as it can be read.
    """

    run: LoggedRun
    address: RunAddress
    points: Mapping[str, Sequence[Point]]
    found: Found | Unknown | None = None
    verdict: Verdict | None = None
    split: StoredSplit = field(default_factory=StoredSplit)

    def history(self, metric: str) -> Sequence[Point]:
        """The points of a metric; none of one that is no error."""
        return self.points.get(metric, ())


def read_run(store: Store, run_id: str) -> StoredRun:
    """The run with this id. Raises `ValueError` for one that is deleted, and what MLflow raises."""
    logged = store.run(run_id)
    run = LoggedRun.of(logged)
    if logged.info.lifecycle_stage == "deleted":
        raise ValueError(f"the run {run_id} ({run.name}) is deleted; restore it first (mlflow runs restore)")
    address = RunAddress(run_id, str(logged.info.experiment_id), without_credentials(store.tracking_uri))
    own = [metric for metric in OWN_METRICS.values() if metric in run.metrics]
    if not own:
        found = find_errors(run)
        theirs = () if isinstance(found, Unknown) else found.metrics.values()
        return StoredRun(run, address, _points(store, run_id, (name for name in theirs if run.metrics[name].step)), found)
    return StoredRun(
        run,
        address,
        _points(store, run_id, own),
        verdict=read_verdict(store.json_artifact(run_id, names.DIAGNOSIS_FILE)),
        split=read_split(store.json_artifact(run_id, names.SPLITS_FILE)),
    )


def _points(store: Store, run_id: str, metrics: Iterable[str]) -> dict[str, Sequence[Point]]:
    return {metric: store.history(run_id, metric) for metric in metrics}
