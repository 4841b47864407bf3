"""The points that a run in MLflow already has, so that none is sent twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from mlflow.entities import Run
from mlflow.tracking.client import MlflowClient

from bvtrack.schema import names
from bvtrack.store.bundle import Point
from bvtrack.store.metric_point import Point as StoredPoint
from bvtrack.store.stored_history import StoredHistory

ALWAYS_FETCHED = {names.error_metric("train"), names.error_metric("dev")}
"""Metrics always fetched, to find the newest timestamp."""


class ExistingPoints:
    """The points that a run already has; a metric's history is fetched when it is first needed.

    MLflow drops duplicates itself, but takes longer for each, the longer the history is (100,000 points sent a second time:
    minutes instead of seconds), and would keep the points of a repeated epoch beside the first ones. The run itself tells which
    metrics have a history.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._histories: dict[str, StoredHistory] = {}
        self.timestamp = 0
        """Time of the newest point that is known, in milliseconds since the Unix epoch."""

    def missing(self, points: Iterable[Point]) -> Sequence[Point]:
        """The points that the run does not have; at a repeated epoch only those with a new value."""
        points = list(points)
        self.timestamp = max([self.timestamp, *self._times_in_run()])
        wanted = {point.name for point in points} | ALWAYS_FETCHED
        for name in (wanted & self.run.data.metrics.keys()) - self._histories.keys():
            self._read(name)
        return [point for point in points if not self._is_there(point)]

    def _times_in_run(self) -> Iterator[int]:
        """Times of the last points of our metrics; not of the verdict's, which an audit may have written."""
        for one in self.run.data.to_proto().metrics:  # `run.data.metrics` has no times
            if one.key.startswith(names.PREFIX) and not names.is_of_verdict(one.key):
                yield int(one.timestamp)

    @cached_property
    def run(self) -> Run:
        """The run as it was before the first point was looked for. Raises what MLflow raises."""
        return self._client.get_run(self._run_id)

    def _is_there(self, point: Point) -> bool:
        history = self._histories.get(point.name)
        known = StoredPoint(point.step, point.timestamp, point.value)
        return history is not None and (known in history or history.newest_value(point.step) == point.value)

    def _read(self, name: str) -> None:
        found = self._client.get_metric_history(self._run_id, name)
        history = StoredHistory(StoredPoint(metric.step, metric.timestamp, metric.value) for metric in found)
        self._histories[name] = history
        self.timestamp = max(self.timestamp, history.timestamp)
