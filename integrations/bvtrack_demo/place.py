"""The store and the experiment of the demo's runs."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

EXPERIMENT = "bvtrack-demo"
MODEL_TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""By it MLflow's UI opens the experiment as model training."""


@dataclass(frozen=True)
class Place:
    """One run's name, its store, and the folder for its journal."""

    tracking_uri: str
    journal_dir: Path
    run_name: str


def make_store(folder: Path) -> str:
    """An SQLite store in `folder` with the demo's experiment, whose artifacts stay in the folder too; its tracking URI."""
    from mlflow import MlflowClient

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it reports each table it creates
    folder.mkdir(parents=True, exist_ok=True)
    tracking_uri = f"sqlite:///{(folder / 'mlflow.db').absolute().as_posix()}"
    client = MlflowClient(tracking_uri)
    if client.get_experiment_by_name(EXPERIMENT) is None:
        artifacts = (folder / "artifacts").absolute().as_uri()
        client.create_experiment(EXPERIMENT, artifact_location=artifacts, tags=MODEL_TRAINING)
    return tracking_uri
