"""Many runs in an SQLite store within seconds, as bvtrack's callbacks leave them."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

import numpy as np

import bvtrack
from bvtrack.schema.gaps import gaps_text

MOMENTS = count(int(time.time() * 1000) - 10**7)
"""Each run that is logged starts a millisecond after the one before."""


@dataclass
class LoggedRun:
    """A run's name, its errors and sizes as for `bvtrack.diagnose`, and what else was logged."""

    name: str
    errors: Mapping[str, float]
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    experiment: int = 0
    status: str = "FINISHED"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: int = 0

    def all_tags(self) -> dict[str, str]:
        """Those of its diagnosis and its own; its own alone if it has no errors."""
        if not self.errors:
            return {"mlflow.runName": self.name, **self.tags}
        diagnosis = bvtrack.diagnose(**{"train_error": None, **self.errors})  # type: ignore[arg-type]  # sizes are whole
        steps = bvtrack.recommend(diagnosis)
        return {
            "mlflow.runName": self.name,
            "bvtrack.diagnosis": diagnosis.tag,
            "bvtrack.certainty": diagnosis.certainty,
            "bvtrack.baseline": "experiment_best" if diagnosis.is_upper_bound else diagnosis.baseline,
            "bvtrack.next_step": steps[0].id if steps else "",
            "bvtrack.recipe": " > ".join(step.title for step in steps),
            "bvtrack.gaps": gaps_text(diagnosis),
            **self.tags,
        }

    def in_rest_shape(self) -> dict[str, object]:
        """As MLflow's REST API answers it."""
        info = {"run_id": self.id, "run_name": self.name, "experiment_id": str(self.experiment), "status": self.status}
        tags = [{"key": key, "value": value} for key, value in self.all_tags().items()]
        params = [{"key": key, "value": value} for key, value in self.params.items()]
        return {"info": {**info, "start_time": self.started}, "data": {"tags": tags, "params": params}}


def log_runs(store: str, runs: Iterator[LoggedRun] | list[LoggedRun]) -> None:
    """Write them straight into the store's tables: MLflow's own way takes a minute for a thousand."""
    with sqlite3.connect(store.removeprefix("sqlite:///")) as database:
        for run in runs:
            run.started = next(MOMENTS)
            database.execute(
                "INSERT INTO runs (run_uuid, name, experiment_id, status, start_time, end_time, lifecycle_stage, user_id,"
                " source_type, source_name, entry_point_name, source_version, artifact_uri)"
                " VALUES (?, ?, ?, ?, ?, ?, 'active', 'ada', 'LOCAL', '', '', '', ?)",
                (run.id, run.name, run.experiment, run.status, run.started, run.started + 1000, f"mlflow-artifacts:/{run.id}"),
            )
            rows = [(key, value, run.id) for key, value in run.all_tags().items()]
            database.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", rows)
            rows = [(key, value, run.id) for key, value in run.params.items()]
            database.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", rows)
    database.close()


def many_runs(n_runs: int) -> Iterator[LoggedRun]:
    """Runs all over the map."""
    random = np.random.default_rng(0)
    for number in range(n_runs):
        n_dev = int(10 ** random.uniform(2, 5))
        train = round(n_dev * min(random.lognormal(-4, 1.3), 0.6)) / n_dev
        dev = round(n_dev * min(train + random.lognormal(-3.6, 1.2), 1)) / n_dev
        params = {"learning_rate": str(random.choice([0.1, 0.01])), "width": str(random.choice([16, 64, 256]))}
        errors = {"train_error": train, "dev_error": dev, "n_train": n_dev, "n_dev": n_dev}
        yield LoggedRun(f"run {number}", errors, params)
