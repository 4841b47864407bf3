"""Trainings by Accelerate in two processes (gloo), by each of its launchers: one run, one writer, the loop's own errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import wait_until

from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir

pytest.importorskip("accelerate")
torch = pytest.importorskip("torch")
from accelerate_training import N_EPOCHS, SIZES, n_wrong, new_net  # noqa: E402  # which imports what may be absent

SCRIPT = str(Path(__file__).parent / "accelerate_training.py")
LAUNCH = [sys.executable, "-W", "ignore", "-m", "accelerate.commands.launch", "--cpu", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
WAYS = {
    "accelerate launch": [*LAUNCH, "--num_processes", "2", SCRIPT],
    "notebook_launcher": [sys.executable, "-W", "ignore", SCRIPT, "--launcher", "notebook"],
    "debug_launcher": [sys.executable, "-W", "ignore", SCRIPT, "--launcher", "debug"],
}


def train(folder: Path, way: str, *options: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run([*WAYS[way], str(folder), *options], capture_output=True, text=True, timeout=1200, check=False)


def the_only_run(folder: Path) -> Run:
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    (run,) = MlflowClient(f"sqlite:///{folder}/mlflow.db").search_runs(["0"])
    return run


def curve(folder: Path, name: str) -> dict[int, float]:
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    points = client.get_metric_history(the_only_run(folder).info.run_id, f"bvtrack/{name}_error")
    return {point.step: point.value for point in points}


def weights(folder: Path, epoch: int) -> Any:
    return torch.load(folder / f"{epoch}.pt")


@pytest.fixture
def folder(empty_store: Path, tmp_path: Path) -> Path:
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
def test_errors_are_those_of_one_process_over_every_example_once(way: str, folder: Path) -> None:
    done = train(folder, way)

    assert done.returncode == 0, done.stderr
    for name, n in SIZES.items():
        expected = {}
        for epoch in range(N_EPOCHS):
            net = new_net()
            net.load_state_dict(weights(folder, epoch))
            expected[epoch] = n_wrong(net, name) / n
        assert curve(folder, name) == pytest.approx(expected, abs=1e-6)
        told = json.loads((folder / "errors.json").read_text())[f"{name}_error"]  # by the loop itself
        assert expected[N_EPOCHS - 1] == pytest.approx(told, abs=1e-6)
    run = the_only_run(folder)
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FINISHED", "complete")
    assert json.loads(run.data.tags["bvtrack.gaps"])["n"] == SIZES


def test_several_processes_train_the_same_with_and_without_a_tracker(folder: Path) -> None:
    train(folder, "accelerate launch")
    train(folder / "bare", "accelerate launch", "--untracked")

    for epoch in range(N_EPOCHS):
        ours, theirs = weights(folder, epoch), weights(folder / "bare", epoch)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_training_that_raises_in_all_processes_has_one_run_that_failed(folder: Path) -> None:
    done = train(folder, "accelerate launch", "--stops")
    run = the_only_run(folder)

    assert done.returncode != 0
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FAILED", "failed")
    assert [*curve(folder, "dev")] == [0, 1]
