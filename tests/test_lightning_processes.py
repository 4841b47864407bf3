"""Trainings in several processes (gloo): one run, one writer, and errors over every example once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from several_processes import DONE, N_DEV, N_TEST, N_TRAIN, Net, split
from torch.utils.data import TensorDataset

from bvtrack.adapters import choose_examples

SCRIPT = Path(__file__).parent / "several_processes.py"
SECONDS = 1200


def train(folder: Path, store: Path, strategy: str, devices: int, *styles: str) -> dict[str, list[str]]:
    """Train in each style in processes that do so one after the other; what they warned of, by style."""
    for style in styles:
        (folder / style).mkdir()
        (folder / style / "mlflow.db").write_bytes(store.read_bytes())
    command = [sys.executable, "-W", "ignore", str(SCRIPT), str(folder), strategy, str(devices), *styles]
    environment = {**os.environ, "BVTRACK_JOURNAL_DIR": str(folder / "journals"), "BVTRACK_WAIT": str(SECONDS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    warnings: dict[str, list[str]] = {}
    since: list[str] = []
    for line in done.stderr.splitlines():
        if line.startswith("bvtrack"):
            since.append(line)
        elif line.startswith(DONE):
            warnings[line.removeprefix(DONE).strip()], since = since, []
    return warnings


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


@dataclass(frozen=True)
class Trained:
    """The folders of trainings, and what they warned of, by style."""

    folder: Path
    warnings: dict[str, list[str]]


@pytest.fixture(scope="module")
def two(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Of trainings in the same two processes, for to start these takes most of the time; first the one without us."""
    folder = tmp_path_factory.mktemp("two")
    return Trained(folder, train(folder, empty_store, "ddp", 2, "bare", "plain", "gathers", "metric", "fails"))


@pytest.fixture(scope="module")
def four(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Of a training in four processes that are not started as scripts."""
    folder = tmp_path_factory.mktemp("four")
    return Trained(folder, train(folder, empty_store, "ddp_spawn", 4, "error"))


@pytest.mark.parametrize(
    ("processes", "style"),
    [("two", "plain"), ("two", "gathers"), ("two", "metric"), ("four", "error")],
)
def test_errors_are_those_of_one_process_over_every_example_once(
    processes: str, style: str, request: pytest.FixtureRequest
) -> None:
    trained: Trained = request.getfixturevalue(processes)
    folder, warnings = trained.folder / style, trained.warnings[style]

    for name, data in {"train": train_part(), "dev": split(N_DEV, 1), "test": split(N_TEST, 2)}.items():
        errors = {epoch: n_wrong(folder, epoch, data) / len(data) for epoch in range(2)}
        assert history(folder, f"{name}_error") == pytest.approx(errors, abs=1e-6 if style != "error" else 1e-7)
    assert json.loads(tags(folder)["bvtrack.gaps"])["n"] == {"dev": N_DEV, "train": 150, "test": N_TEST}
    assert tags(folder)["bvtrack.state"] == "complete"
    told = json.loads((folder / "told.json").read_text())
    assert told == {"run_id": run_id(folder), "tag": tags(folder)["bvtrack.diagnosis"]}
    verdict, link = warnings  # of one process
    assert verdict.split(": ")[1].startswith("High ")
    assert re.match("`([^ ]*/)?bvtrack ", link.split(": ")[1])  # a whole path, where the command is not on PATH


def test_several_processes_train_the_same_with_and_without_the_callback(two: Trained) -> None:
    tracked, bare = two.folder / "metric", two.folder / "bare"

    for epoch in range(2):
        ours, theirs = (torch.load(place / f"{epoch}.pt") for place in (tracked, bare))
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    ours, theirs = (json.loads((place / "callback_metrics.json").read_text()) for place in (tracked, bare))
    assert ours == theirs


def test_a_pass_that_fails_in_one_process_is_said_once_and_the_training_goes_on(two: Trained) -> None:
    missing = [line for line in two.warnings["fails"] if "error is missing, for validation_step failed" in line]

    assert 0 < len(missing) == len(set(missing))
    assert tags(two.folder / "fails")["bvtrack.state"] == "complete"
