"""The pages on existing runs, log files and files of a split: their commands print what stands below them, and need no more."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import mlflow
import pytest
from click.testing import CliRunner
from mlflow.entities import Metric
from pages import ROOT, blocks_in

from bvtrack.cli import main

DOCS = ROOT / "docs"
RUNS, LOGS, SPLITS = "start/existing_runs.md", "start/log_files.md", "start/split_files.md"
PRINTS = re.compile(r"```sh\n(bvtrack [^\n]+)\n```\n\n[^\n]+:\n\n```text\n(.*?)\n```", re.DOTALL)
DIGITS: Mapping[str, Mapping[str, Sequence[float]]] = {
    "narrow": {
        "train_acc": [0.42, 0.61, 0.68, 0.71, 0.73, 0.74, 0.74, 0.75],
        "val_acc": [0.44, 0.60, 0.67, 0.70, 0.72, 0.72, 0.73, 0.73],
    },
    "wide": {
        "train_acc": [0.71, 0.90, 0.96, 0.98, 0.99, 1.0, 1.0, 1.0],
        "val_acc": [0.68, 0.81, 0.85, 0.87, 0.88, 0.88, 0.89, 0.89],
    },
    "wide, long": {
        "train_acc": [0.80, 0.94, 0.98, 0.99, 1.0, 1.0, 1.0, 1.0],
        "val_acc": [0.75, 0.86, 0.88, 0.87, 0.86, 0.84, 0.83, 0.82],
    },
    "dropout": {
        "train_acc": [0.65, 0.85, 0.92, 0.955, 0.98, 0.989, 0.99, 0.99],
        "val_acc": [0.66, 0.86, 0.925, 0.955, 0.978, 0.984, 0.985, 0.985],
    },
    "learning rate 100": {"train_loss": [2.4, 31.0, math.nan], "val_loss": [9.1, 240.0, math.nan]},
    "RMSE alone": {"train_rmse": [9.1, 7.2, 6.3, 5.9], "val_rmse": [9.4, 8.0, 7.7, 7.6]},
    "no train metric": {"val_acc": [0.68, 0.81, 0.85]},
}
"""The runs of the page on existing runs, as a loop of somebody's own logs them."""


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return [block.code for block in blocks_in(page(name), name) if block.language == language]


def printed_by(command: str) -> list[str]:
    output = CliRunner().invoke(main, shlex.split(command.removeprefix("bvtrack "))).output
    return [line.rstrip() for line in output.strip("\n").splitlines()]


def log_run(client: mlflow.MlflowClient, experiment: str, name: str, curves: Mapping[str, Sequence[float]]) -> None:
    run = client.create_run(experiment, run_name=name).info.run_id
    points = [Metric(metric, value, 1000 * epoch, epoch) for metric, some in curves.items() for epoch, value in enumerate(some)]
    client.log_batch(run, points)
    client.set_terminated(run)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")  # as much as the site shows of a line


def test_an_audit_prints_what_stands_on_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    client = mlflow.MlflowClient("sqlite:///mlflow.db")
    experiment = client.create_experiment("digits")
    for name, curves in DIGITS.items():
        log_run(client, experiment, name, curves)
    ((command, text),) = PRINTS.findall(page(RUNS))

    assert printed_by(command) == text.splitlines()


def test_a_log_file_is_judged_as_its_page_shows() -> None:
    (log,) = blocks(LOGS, "csv")
    Path("log.csv").write_text(f"{log}\n", encoding="utf-8")
    (command, text), *_ = PRINTS.findall(page(LOGS))

    assert printed_by(command) == text.splitlines()


def test_a_split_is_checked_as_its_page_shows() -> None:
    exec(next(block for block in blocks(SPLITS, "python") if "savetxt" in block), {})
    ((command, text),) = PRINTS.findall(page(SPLITS))

    assert printed_by(command) == text.splitlines()


@pytest.mark.parametrize(("name", "command"), [(RUNS, "audit"), (LOGS, "diagnose"), (LOGS, "watch"), (SPLITS, "split")])
def test_a_page_lists_the_options_of_its_command(name: str, command: str) -> None:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    options = {option for each in found.params for option in each.opts if option.startswith("--")}
    of_errors = {f"--{each}" for each in ("train", "dev", "test", "train-dev", "different-sources", "dev-optimism", "n-epochs")}
    of_errors |= {option for option in options if option.startswith("--n-")}
    listed = set(re.findall(r"^\| `(--[a-z-]+)", page(name), re.MULTILINE))

    assert options - of_errors - {"--help"} <= listed
