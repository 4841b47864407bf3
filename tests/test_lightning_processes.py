"""Trainings in several processes (gloo): one run, one writer, and errors over every example once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from several_processes import N_DEV, N_TEST, N_TRAIN, Net, split
from torch.utils.data import TensorDataset

from bvtrack.adapters import choose_examples

SCRIPT = Path(__file__).parent / "several_processes.py"
SECONDS = 240


def train(folder: Path, *options: str) -> str:
    """Train in processes of their own; what they warned of."""
    command = [sys.executable, "-W", "ignore", str(SCRIPT), str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return "\n".join(line for line in done.stderr.splitlines() if line.startswith("bvtrack"))


def history(folder: Path, name: str) -> dict[int, float]:
    client = MlflowClient(f"sqlite:///{folder.as_posix()}/mlflow.db")
    (run,) = client.search_runs(["0"])
    return {point.step: point.value for point in client.get_metric_history(run.info.run_id, f"bvtrack/{name}")}


def tags(folder: Path) -> dict[str, str]:
    (run,) = MlflowClient(f"sqlite:///{folder.as_posix()}/mlflow.db").search_runs(["0"])
    return dict(run.data.tags)


def run_id(folder: Path) -> str:
    (run,) = MlflowClient(f"sqlite:///{folder.as_posix()}/mlflow.db").search_runs(["0"])
    return str(run.info.run_id)


def n_wrong(folder: Path, epoch: int, data: TensorDataset) -> int:
    """By the saved weights, in one process."""
    module = Net("plain")
    module.load_state_dict(torch.load(folder / f"{epoch}.pt"))
    module.eval()
    x, y = data.tensors
    with torch.no_grad():
        return int((module(x).argmax(dim=1) != y).sum())


def train_part() -> TensorDataset:
    chosen = torch.as_tensor(choose_examples(N_TRAIN, 150))
    return TensorDataset(*(tensor[chosen] for tensor in split(N_TRAIN, 0).tensors))


@pytest.fixture
def folder(empty_store: Path, tmp_path: Path) -> Path:
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("strategy", "devices", "style"),
    [
        ("ddp", 2, "plain"),
        ("ddp", 4, "metric"),
        ("ddp", 2, "gathers"),
        ("ddp_spawn", 2, "error"),
        ("ddp_spawn", 4, "error"),
    ],
)
def test_errors_are_those_of_one_process_over_every_example_once(strategy: str, devices: int, style: str, folder: Path) -> None:
    warnings = train(folder, "--strategy", strategy, "--devices", str(devices), "--style", style)

    for name, data in {"train": train_part(), "dev": split(N_DEV, 1), "test": split(N_TEST, 2)}.items():
        errors = {epoch: n_wrong(folder, epoch, data) / len(data) for epoch in range(2)}
        assert history(folder, f"{name}_error") == pytest.approx(errors, abs=1e-6 if style != "error" else 1e-7)
    assert json.loads(tags(folder)["bvtrack.gaps"])["n"] == {"dev": N_DEV, "train": 150, "test": N_TEST}
    assert tags(folder)["bvtrack.state"] == "complete"
    told = json.loads((folder / "told.json").read_text())
    assert told == {"run_id": run_id(folder), "tag": tags(folder)["bvtrack.diagnosis"]}
    verdict, link = warnings.splitlines()  # of one process
    assert verdict.split(": ")[1].startswith("High ")
    assert re.match("`([^ ]*/)?bvtrack ", link.split(": ")[1])  # a whole path, where the command is not on PATH


def test_several_processes_train_the_same_with_and_without_the_callback(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    train(folder, "--style", "metric")
    train(bare, "--style", "metric", "--untracked")

    for epoch in range(2):
        ours, theirs = (torch.load(place / f"{epoch}.pt") for place in (folder, bare))
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    ours, theirs = (json.loads((place / "callback_metrics.json").read_text()) for place in (folder, bare))
    assert ours == theirs


def test_a_pass_that_fails_in_one_process_is_said_once_and_the_training_goes_on(folder: Path) -> None:
    warnings = train(folder, "--style", "fails")

    assert "error is missing, for validation_step failed" in warnings
    assert tags(folder)["bvtrack.state"] == "complete"
