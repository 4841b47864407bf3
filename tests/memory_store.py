"""A store in memory in the place of MLflow's client, for models that take thousands of steps: it fails when it is told to."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Experiment, Metric, Param, Run, RunData, RunInfo, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

Point = tuple[str, int, float, int]
"""Metric, step, value, timestamp."""


@dataclass
class StoredRun:
    tags: dict[str, str]
    status: str = "RUNNING"
    points: set[Point] = field(default_factory=set)
    end_time: int | None = None
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class MemoryStore:
    """What the server holds. `calls_until_it_fails` counts down to an outage that lasts until it is set anew."""

    runs: dict[str, StoredRun] = field(default_factory=dict)
    calls_until_it_fails: float = float("inf")
    n_made: int = 0

    def answer(self) -> None:
        self.calls_until_it_fails -= 1
        if self.calls_until_it_fails < 0:
            raise MlflowException("the server is down")

    def run(self, run_id: str) -> StoredRun:
        if run_id not in self.runs:
            raise MlflowException(f"Run with id={run_id} not found", RESOURCE_DOES_NOT_EXIST)
        return self.runs[run_id]


STORE = MemoryStore()


class MemoryClient:
    """The calls of `MlflowClient` that the writer makes, with their parameters."""

    def __init__(self, tracking_uri: str | None = None) -> None:
        self.tracking_uri = tracking_uri

    def create_run(
        self, experiment_id: str, start_time: int | None = None, tags: dict[str, Any] | None = None, run_name: str | None = None
    ) -> Run:
        STORE.answer()
        STORE.n_made += 1
        run_id = f"{STORE.n_made:032}"
        STORE.runs[run_id] = StoredRun(dict(tags or {}))
        return _entity(run_id, STORE.runs[run_id])

    def get_run(self, run_id: str) -> Run:
        STORE.answer()
        return _entity(run_id, STORE.run(run_id))

    def search_runs(
        self,
        experiment_ids: list[str],
        filter_string: str = "",
        run_view_type: int = 1,
        max_results: int = 1000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> list[Run]:
        STORE.answer()
        wanted = filter_string.rpartition("= ")[2].strip("'")
        return [_entity(run_id, run) for run_id, run in STORE.runs.items() if run.tags.get("bvtrack.id") == wanted]

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> None:
        STORE.answer()
        run = STORE.run(run_id)
        run.points |= {(metric.key, metric.step, metric.value, metric.timestamp) for metric in metrics}
        run.tags |= {tag.key: tag.value for tag in tags}

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:
        STORE.answer()
        STORE.run(run_id).tags[key] = value

    def delete_tag(self, run_id: str, key: str) -> None:
        STORE.answer()
        STORE.run(run_id).tags.pop(key, None)

    def log_inputs(
        self, run_id: str, datasets: Sequence[DatasetInput] | None = None, models: Sequence[Any] | None = None
    ) -> None:
        STORE.answer()

    def log_dict(self, run_id: str, dictionary: dict[str, Any], artifact_file: str) -> None:
        STORE.answer()
        STORE.run(run_id).files[artifact_file] = dictionary

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        STORE.answer()
        STORE.run(run_id).status = status or STORE.run(run_id).status

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        self.update_run(run_id, status)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        STORE.answer()
        points = STORE.run(run_id).points
        return [Metric(name, value, timestamp, step) for name, step, value, timestamp in points if name == key]

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        STORE.answer()
        return Experiment("0", name, "", "active")


def _entity(run_id: str, run: StoredRun) -> Run:
    info = RunInfo(run_id, "0", "", run.status, 0, run.end_time, "active")
    tags = [RunTag(key, value) for key, value in run.tags.items()]
    return Run(info, RunData(metrics=_latest(run.points), tags=tags))


def _latest(points: set[Point]) -> list[Metric]:
    """As on an SQL store: of the highest step, the newest point, and of these the one with the highest value."""
    last: dict[str, Point] = {}
    for point in points:
        before = last.get(point[0])
        if before is None or (point[1], point[3], point[2]) > (before[1], before[3], before[2]):
            last[point[0]] = point
    return [Metric(name, value, timestamp, step) for name, step, value, timestamp in last.values()]


def has_the_parameters_of_the_real_one(method: str) -> bool:
    """Whether a call to MlflowClient's method can be made to this client's, name by name."""
    own, real = (list(inspect.signature(getattr(kind, method)).parameters) for kind in (MemoryClient, MlflowClient))
    return own == real[: len(own)]
