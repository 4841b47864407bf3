"""The demo: which trainings, and the table of what became of them."""

from __future__ import annotations

import os
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
    """One training by its name: `train` logs it to a place and returns its Tracker."""

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
    _lightning("tiny", n_train=None, width=3, learning_rate=0.01, epochs=12),
    _lightning("wide, 100 images", n_train=100, width=512, learning_rate=0.01, epochs=40),
    _lightning("wide, all images", n_train=None, width=512, learning_rate=0.001, epochs=15),
    _keras("tiny, 100 images", n_train=100, width=5, optimizer="adam", learning_rate=0.02, batch_size=32, epochs=15),
    _keras("regularised", n_train=None, width=None, optimizer="adamw", learning_rate=0.002, batch_size=64, epochs=20),
    _keras("learning rate 100", n_train=None, width=64, optimizer="sgd", learning_rate=100.0, batch_size=32, epochs=5),
)


def run_demo(store: Path) -> list[Tracker | None]:
    """Train all of `RUNS`, logging to an SQLite store in the folder `store`, and print what became of them."""
    import torch

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
    console.print(f"Look at them:  mlflow ui --backend-store-uri {tracking_uri}", soft_wrap=True)
    console.print(f"Open {EXPERIMENT!r} and filter its runs:  tags.`bvtrack.diagnosis` LIKE '%high_variance%'", soft_wrap=True)
    return trackers


@contextmanager
def _quiet() -> Iterator[None]:
    """The frameworks' own warnings are not what the demo shows; bvtrack's go to its logger."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _table(trackers: Sequence[Tracker | None]) -> Table:
    table = Table(title="What the runs on the digits suffer from", box=SIMPLE_HEAD)
    for column in ("run", f"{'/'.join(SETS)}, %", "diagnosis", "next step"):
        table.add_column(column, overflow="fold", no_wrap="%" in column)
    for run, tracker in zip(RUNS, trackers, strict=True):
        diagnosis = tracker.diagnosis if tracker else None
        if tracker is None or diagnosis is None:
            table.add_row(run.name, "-", "-", "-")
            continue
        errors = "/".join(f"{100 * diagnosis.errors[name]:.1f}" if name in diagnosis.errors else "-" for name in SETS)
        words = f"{diagnosis.tag.replace('+', ' + ')} ({diagnosis.certainty})"
        table.add_row(run.name, errors, words, tracker.steps[0].title if tracker.steps else "-")
    return table
