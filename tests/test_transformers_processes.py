"""Trainings with transformers in two processes (gloo): one run, one writer, and errors over every example once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")
pytest.importorskip("datasets")

from journal_runs import read_run
from safetensors.torch import load_file
from transformers_processes import N_DEV, N_TEST, N_TRAIN
from transformers_training import classifier, error_of, sequences

from bvtrack.adapters import choose_examples
from bvtrack.journal.folder import unsent_journals

SCRIPT = Path(__file__).parent / "transformers_processes.py"
SECONDS = 1200

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers and torch warn of their own future


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of trainings one after the other in the same two processes, for to start these takes most of the time."""
    folder = tmp_path_factory.mktemp("processes")
    launch = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    paths = os.pathsep.join([str(SCRIPT.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "ACCELERATE_USE_CPU": "true", "BVTRACK_WAIT": "0"}
    command = [*launch, str(SCRIPT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("bvtrack") and "was skipped" in line]
    return folder


def curve(folder: Path, name: str) -> dict[int, float]:
    assert len(unsent_journals(folder / "journals")) == 1  # one process writes
    return read_run(folder / "journals").curve(f"bvtrack/{name}")


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return found


@pytest.mark.parametrize("name", ["train", "dev", "test"])
def test_errors_are_those_of_one_process_over_every_example_once(name: str, folder: Path) -> None:
    chosen = sorted(choose_examples(N_TRAIN, 100))
    sets = {"train": sequences(N_TRAIN, 0).select(chosen), "dev": sequences(N_DEV, 1), "test": sequences(N_TEST, 2)}
    expected = {}
    for epoch in range(3):
        model = classifier()
        model.load_state_dict(load_file(folder / f"plain/{epoch + 1}.0"))
        expected[epoch] = error_of(model, sets[name])

    assert curve(folder / "plain", f"{name}_error") == pytest.approx(expected)


def test_two_processes_train_the_same_with_and_without_the_callback(folder: Path) -> None:
    assert told(folder / "plain") == told(folder / "bare")


def test_a_language_model_whose_loss_all_processes_share_is_measured(folder: Path) -> None:
    assert list(curve(folder / "text", "train_error")) == list(curve(folder / "text", "dev_error")) == [0, 1, 2]


def test_all_processes_stop_where_the_first_one_is_asked_to(folder: Path) -> None:
    assert told(folder / "stop")["steps"] == told(folder / "plain")["steps"] / 3
