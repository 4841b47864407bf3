"""The demo: its trainings, and the table of their results."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn
from rich.table import Table

from bvtrack import Tracker
from bvtrack_demo.digits import load_digits
from bvtrack_demo.needs import keras_backend
from bvtrack_demo.place import EXPERIMENT, Place, make_store

SETS = ("train", "dev", "test")


@dataclass(frozen=True)
class DemoRun:
    """A named training: `train` logs it to a place and returns its Tracker."""

    name: str
    train: Callable[[Place], Tracker | None]


def _lightning(name: str, *, n_train: int | None, **settings: Any) -> DemoRun:
    def train(place: Place) -> Tracker | None:
        from bvtrack_demo import lightning_run

        return lightning_run.train(load_digits(n_train), place, **settings)

    return DemoRun(f"Lightning: {name}", train)


def _keras(name: str, *, n_train: int | None, **settings: Any) -> DemoRun:
    def train(place: Place) -> Tracker | None:
        os.environ["KERAS_BACKEND"] = keras_backend()
        from bvtrack_demo import keras_run

        return keras_run.train(load_digits(n_train), place, **settings)

    return DemoRun(f"Keras: {name}", train)


RUNS = (
    _lightning("tiny", n_train=None, width=4, learning_rate=0.01, epochs=12),
    _lightning("wide, 60 images", n_train=60, width=512, learning_rate=0.003, epochs=30),
    _lightning("wide, 250 images", n_train=250, width=512, learning_rate=0.003, epochs=30),
    _keras("tiny, 80 images", n_train=80, width=6, optimizer="adam", learning_rate=0.02, batch_size=32, epochs=40),
    _keras("regularised", n_train=None, width=None, optimizer="adamw", learning_rate=0.004, batch_size=32, epochs=30),
    _keras("learning rate 100", n_train=None, width=64, optimizer="sgd", learning_rate=100.0, batch_size=32, epochs=8),
)
"""Each has gaps so far from the thresholds that another CPU's rounding does not change a diagnosis."""


def run_demo(store: Path) -> list[Tracker | None]:
    """Train all of `RUNS`, logging to an SQLite store in the folder `store`, and print a table of the results."""
    import torch

    os.environ["BVTRACK_REPORT"] = "1"  # trainings so short have none otherwise
    torch.set_num_threads(1)  # in networks this small, threads mostly wait for each other
    console = Console()
    with console.status("making the store"):
        tracking_uri = make_store(store)
    trackers: list[Tracker | None] = []
    with _quiet(), Progress(SpinnerColumn(), *Progress.get_default_columns(), TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("training", total=len(RUNS))
        for run in RUNS:
            bar.update(task, description=run.name)
            trackers.append(run.train(Place(tracking_uri, store / "journals", run.name)))
            bar.advance(task)
    console.print(_table(trackers))
    console.print(f"Look at them:  {_ui_command(tracking_uri)}", soft_wrap=True)
    console.print(f"Open {EXPERIMENT!r} and filter its runs:  tags.`bvtrack.diagnosis` LIKE '%high_variance%'", soft_wrap=True)
    return trackers


@contextmanager
def _quiet() -> Iterator[None]:
    """The frameworks' own warnings are not what the demo shows; bvtrack's go to its logger."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _ui_command(tracking_uri: str) -> str:
    """The command that opens the store, even if this environment's commands are not on the PATH."""
    found = shutil.which("bvtrack")
    ours = Path(sys.executable).with_name("bvtrack")
    is_ours = found is not None and Path(found).parent == ours.parent
    return shlex.join(["bvtrack" if is_ours else str(ours), "ui", "--tracking-uri", tracking_uri])


def _table(trackers: Sequence[Tracker | None]) -> Table:
    """The table of results: two lines per run, so that 80 columns are enough."""
    table = Table(title="What the runs on the digits suffer from", box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("run", f"error, %\n{'/'.join(SETS)}", "diagnosis\nnext step"):
        table.add_column(column, overflow="fold")
    for run, tracker in zip(RUNS, trackers, strict=True):
        table.add_row(run.name, *_cells(tracker))
    return table


def _cells(tracker: Tracker | None) -> tuple[str, str]:
    """A run's errors, and its diagnosis with the next step."""
    diagnosis = tracker.diagnosis if tracker else None
    if tracker is None or diagnosis is None:
        return "-", "-"
    errors = "/".join(f"{100 * diagnosis.errors[name]:.1f}" if name in diagnosis.errors else "-" for name in SETS)
    step = tracker.steps[0].title if tracker.steps else "-"
    return errors, f"{diagnosis.tag} ({diagnosis.certainty})\n{step}"
