from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from bvtrack_demo.place import EXPERIMENT

TAGS = {
    *("diagnosis", "certainty", "curve", "next_step", "recipe", "gaps", "epoch", "baseline", "split", "distribution"),
    *("measure", "source", "state", "version"),
    *(f"model.{fact}" for fact in ("parameters", "optimizer", "learning_rate", "weight_decay", "dropout")),
}
"""Of the tags that users see, those that apply to each run of the demo."""
ERRORS = {"bvtrack/train_error", "bvtrack/dev_error", "bvtrack/test_error"}


@dataclass(frozen=True)
class Demo:
    """What `bvtrack demo` printed, and the store that it wrote."""

    printed: str
    client: MlflowClient

    def runs(self, condition: str = "") -> list[Run]:
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        assert experiment is not None
        return list(self.client.search_runs([experiment.experiment_id], condition))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder: Path = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-c", "from bvtrack.cli import main; main()", "demo", "--store", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "bvtrack:" not in run.stderr
    return Demo(run.stdout, MlflowClient(f"sqlite:///{folder}/mlflow.db"))


def test_the_demo_shows_both_frameworks_and_three_diagnoses_at_least(demo: Demo) -> None:
    assert {str(run.info.run_name).partition(":")[0] for run in demo.runs()} == {"Lightning", "Keras"}
    assert len({run.data.tags["bvtrack.diagnosis"] for run in demo.runs()}) >= 3


def test_each_run_of_the_demo_is_complete(demo: Demo) -> None:
    for run in demo.runs():
        assert {tag.removeprefix("bvtrack.") for tag in run.data.tags} >= TAGS
        assert run.data.tags["bvtrack.state"] == "complete"
        assert run.data.metrics.keys() >= ERRORS
        assert run.inputs is not None
        assert {dataset.dataset.name for dataset in run.inputs.dataset_inputs} == {"train", "dev", "test"}
        assert [file.path for file in demo.client.list_artifacts(run.info.run_id, "bvtrack")] == [
            "bvtrack/diagnosis.json",
            "bvtrack/splits.json",
        ]


def test_the_filter_finds_the_runs_with_high_variance(demo: Demo) -> None:
    found = {run.info.run_name for run in demo.runs("tags.`bvtrack.diagnosis` LIKE '%high_variance%'")}

    assert found == {run.info.run_name for run in demo.runs() if "high_variance" in run.data.tags["bvtrack.diagnosis"]}
    assert {"Lightning: wide, 100 images", "Keras: tiny, 100 images"} <= found


def test_the_demo_prints_each_run_with_its_diagnosis(demo: Demo) -> None:
    words = demo.printed.split()

    assert all(run.data.tags["bvtrack.diagnosis"].partition("+")[0] in words for run in demo.runs())
