from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from pages import missing_for

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_prints_a_verdict(example: Path) -> None:
    if missing := missing_for(example.read_text()):
        pytest.skip(f"{', '.join(sorted(missing))} not installed")
    run = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert "Errors: train" in run.stdout


def test_an_example_whose_package_is_missing_is_not_run() -> None:
    assert missing_for("import os.path\nimport numpy as np\nfrom no_package.of_this_name import x, y") == {"no_package"}


def test_the_adapter_of_a_loop_that_is_not_known_logs_errors_split_and_verdict(store: str) -> None:
    environment = {**os.environ, "MLFLOW_TRACKING_URI": store}
    adapter = Path(__file__).parents[1] / "examples" / "adapter.py"
    subprocess.run([sys.executable, str(adapter)], env=environment, capture_output=True, check=True)
    client = MlflowClient(store)
    (run,) = client.search_runs(["0"])
    curves = {name: client.get_metric_history(run.info.run_id, f"bvtrack/{name}_error") for name in ("train", "dev", "test")}

    assert {name: [point.step for point in curve] for name, curve in curves.items()} == {name: [*range(20)] for name in curves}
    assert run.data.metrics["bvtrack/train_error_running"] != run.data.metrics["bvtrack/train_error"]
    assert run.data.tags["bvtrack.diagnosis"] == "high_bias"
    assert run.data.tags["bvtrack.measure"] == "1 - val_accuracy"
    assert run.data.tags["bvtrack.distribution"] == "no_shift_found"  # of 360 examples, that were read
    assert (run.data.tags["bvtrack.source"], run.data.tags["bvtrack.state"]) == ("callback", "complete")
    assert run.inputs is not None
    assert {tag.value for one in run.inputs.dataset_inputs for tag in one.tags if tag.key == "mlflow.data.context"} == {*curves}


def test_an_adapter_takes_less_than_300_lines() -> None:
    lines = (Path(__file__).parents[1] / "examples" / "adapter.py").read_text().splitlines()

    assert len(lines) < 300
