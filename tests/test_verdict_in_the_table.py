"""The metrics of the verdict say what `diagnosis.json` says, whatever has happened to the training and to its journals."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import memory_store
import pytest
from memory_store import MemoryClient, MemoryStore
from mlflow import MlflowClient
from mlflow.entities import Run
from run_histories import RunHistory, shown, told
from servers import postgres

from bvtrack.log import logger
from bvtrack.schema.names import DIAGNOSIS_FILE
from bvtrack.store import writer as mlflow_writer

SOAK = bool(os.environ.get("BVTRACK_SOAK"))
N_IN_MEMORY = 5000 if SOAK else 200
N_ON_STORES = 50 if SOAK else 3


@pytest.fixture
def memory(journals: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    monkeypatch.setattr(mlflow_writer, "MlflowClient", MemoryClient)
    monkeypatch.setattr(memory_store, "STORE", MemoryStore())
    monkeypatch.setattr(logger, "disabled", True)
    return memory_store.STORE


@pytest.mark.timeout(7200 if SOAK else 600)
def test_the_table_says_what_the_diagnosis_says_after_any_history(memory: MemoryStore, tmp_path: Path) -> None:
    for seed in range(N_IN_MEMORY):
        memory.runs.clear()
        RunHistory(seed, "http://127.0.0.1:9", tmp_path / f"{seed}").live()

        for run in memory.runs.values():
            found = run.files.get("bvtrack/diagnosis.json", {})
            latest = {metric.key: metric.value for metric in memory_store._latest(run.points)}
            assert shown(latest) == told(found), seed
            assert run.tags.get("bvtrack.epoch") == (None if found.get("epoch") is None else str(found["epoch"])), seed


@pytest.fixture
def any_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real store of each kind, with its artifacts in the test's folder."""
    match request.param:
        case "sqlite":
            yield request.getfixturevalue("store")
        case "postgresql":
            monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", str(tmp_path / "artifacts"))
            with postgres() as database:
                yield database
        case "files":
            monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
            yield (tmp_path / "mlruns").as_uri()


@pytest.mark.parametrize("any_store", ["sqlite", "postgresql", "files"], indirect=True)
def test_so_it_does_on_real_stores(any_store: str, journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logger, "disabled", True)
    client = MlflowClient(any_store)
    for seed in range(N_ON_STORES):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"of {seed}")
        RunHistory(f"{any_store.partition(':')[0]} {seed}", any_store, tmp_path / f"{seed}").live()  # MLflow caches by run id

        experiment = client.get_experiment_by_name(f"of {seed}")
        for run in client.search_runs([experiment.experiment_id]) if experiment else ():
            assert shown(run.data.metrics) == told(diagnosis_file(client, run, tmp_path)), seed


def diagnosis_file(client: MlflowClient, run: Run, folder: Path) -> dict[str, Any]:
    if "bvtrack.diagnosis" not in run.data.tags:
        return {}
    found: dict[str, Any] = json.loads(
        Path(client.download_artifacts(run.info.run_id, DIAGNOSIS_FILE, str(folder))).read_text()
    )
    return found
