from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import wait_until

import bvtrack
from bvtrack.diagnosis.diagnosis import PROBLEMS
from bvtrack.error_rates.gaps import SMALLEST_GAP
from bvtrack_demo.place import EXPERIMENT

TAGS = {
    *("diagnosis", "next_step", "certainty", "split", "curve", "epoch", "measure", "baseline"),
    *("distribution", "state", "source", "gaps", "model"),
}
"""Of the tags that users see, those that apply to each run of the demo."""
MARGIN = 0.002
"""Two of the 1,000 training examples, which is what the rounding of another processor has been seen to change."""
FILES = ["bvtrack/diagnosis.json", "bvtrack/report.html", "bvtrack/splits.json"]
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

    def has_all_files(self, run: Run) -> bool:
        return [file.path for file in self.client.list_artifacts(run.info.run_id, "bvtrack")] == FILES

    def diagnosis(self, run: Run) -> dict[str, Any]:
        content = json.loads(Path(self.client.download_artifacts(run.info.run_id, "bvtrack/diagnosis.json")).read_text())
        return dict(content["diagnosis"])


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
        wait_until(partial(demo.has_all_files, run))  # of the last one the report may be on its way


def test_the_filter_finds_the_runs_with_high_variance(demo: Demo) -> None:
    found = {run.info.run_name for run in demo.runs("tags.`bvtrack.diagnosis` LIKE '%high_variance%'")}

    assert found == {run.info.run_name for run in demo.runs() if "high_variance" in run.data.tags["bvtrack.diagnosis"]}
    assert {"Lightning: wide, 60 images", "Keras: tiny, 80 images"} <= found


def test_the_demo_prints_each_run_with_its_diagnosis_on_one_line_of_a_narrow_terminal(demo: Demo) -> None:
    lines = demo.printed.splitlines()

    for run in demo.runs():
        (line,) = [line for line in lines if line.startswith(f"{run.info.run_name} ")]
        assert f" {run.data.tags['bvtrack.diagnosis']} ({run.data.tags['bvtrack.certainty']})" in line
    assert all(len(line) <= 80 for line in lines[: lines.index(next(line for line in lines if "Look at" in line))])


def test_the_page_of_the_start_shows_what_the_demo_prints(demo: Demo) -> None:
    """The same runs with the same diagnoses, up to the digits that another processor may round otherwise."""
    page = (Path(__file__).parents[1] / "docs" / "start" / "index.md").read_text(encoding="utf-8")

    for run in demo.runs():
        (line,) = [line for line in page.splitlines() if line.startswith(f"{run.info.run_name} ")]
        assert line.endswith(f" {run.data.tags['bvtrack.diagnosis']} ({run.data.tags['bvtrack.certainty']})")


def test_no_gap_of_the_demo_is_near_the_threshold_of_its_diagnosis(demo: Demo) -> None:
    for run in demo.runs():
        diagnosis = demo.diagnosis(run)
        for name, gap in diagnosis["gaps"].items():
            if PROBLEMS[name] in diagnosis["problems"]:
                assert min(gap["value"] - gap["threshold"], gap["low"]) >= MARGIN, (run.info.run_name, name)
            elif diagnosis["problems"]:
                assert max(gap["threshold"] - gap["value"], -gap["low"]) >= MARGIN, (run.info.run_name, name)
            else:
                assert max(gap["threshold"], SMALLEST_GAP) - gap["value"] >= MARGIN, (run.info.run_name, name)


def test_the_demo_prints_a_command_that_opens_its_store(demo: Demo) -> None:
    (line,) = [line for line in demo.printed.splitlines() if line.startswith("Look at them:")]
    program = shlex.split(line.removeprefix("Look at them:"))
    asked = subprocess.run([*program[: program.index("ui")], "--version"], capture_output=True, text=True, check=True)

    assert asked.stdout == f"{bvtrack.__version__}\n"
    assert program[-2] == "--tracking-uri"
    assert MlflowClient(program[-1]).get_experiment_by_name(EXPERIMENT) is not None
