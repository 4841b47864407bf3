"""What tracking costs a training, beside the peers: one process, the variants in interleaved rounds, medians and spreads.

The clock runs from epoch to epoch and is read at no step. A training's epoch is the median of all but its first two: they are
shown apart, for while they last the process that sends our points imports MLflow, on another core where there is one. What a
variant does before and after its epochs (MLflow runs are made, queues are emptied) is in the column `around it`.

Each ratio is that of a training to the bare one of the same round. On a machine that others use too, the ratio of processor
time on the training thread is the steadier one; it leaves out what a variant waits for. All tables take about 20 minutes.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import itertools

import keras
import lightning.pytorch as lightning
import mlflow
import torch
from lightning.pytorch.loggers import MLFlowLogger
from perceptron import Classifier
from torch.utils.data import DataLoader, TensorDataset

from bvtrack import Tracker
from bvtrack_keras import BiasVarianceCallback as KerasCallback
from bvtrack_lightning import BiasVarianceCallback

EPOCHS = 6
START_UP_EPOCHS = 2
BATCH = 32
STEPS = 300
WIDTH = 512
N_DEV = N_TEST = 1000
CALLS = 2000


@dataclass(frozen=True)
class Times:
    """One training: seconds by epoch on the wall and on the training thread's processor, and the seconds around them."""

    wall: Sequence[float]
    thread: Sequence[float]
    around: float

    @property
    def epoch(self) -> float:
        return statistics.median(self.wall[START_UP_EPOCHS:])

    @property
    def epoch_on_thread(self) -> float:
        return statistics.median(self.thread[START_UP_EPOCHS:])

    @property
    def start_up(self) -> float:
        return statistics.mean(self.wall[:START_UP_EPOCHS])


class Marks:
    """The times at which epochs start, and the last one ends."""

    def __init__(self) -> None:
        self._made = time.perf_counter()
        self._marks: list[tuple[float, float]] = []

    def mark(self) -> None:
        self._marks.append((time.perf_counter(), time.thread_time()))

    def times(self) -> Times:
        wall, thread = (
            [after - before for before, after in itertools.pairwise(marks)] for marks in zip(*self._marks, strict=True)
        )
        return Times(wall, thread, time.perf_counter() - self._made - sum(wall))


class Clock(lightning.Callback):
    """Marks the epochs of a Lightning training."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self.marks.mark()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self.marks.mark()


class KerasClock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Marks the epochs of a Keras training."""

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        self.marks = marks

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.marks.mark()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self.marks.mark()


def split(n: int, seed: int) -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 64, generator=generator)
    return TensorDataset(x, (x[:, :10] + torch.randn(n, 10, generator=generator)).argmax(dim=1))


TRAIN, DEV, TEST = split(BATCH * STEPS, 0), split(N_DEV, 1), split(N_TEST, 2)


def train_lightning(callbacks: Sequence[Any], logger: Any = False) -> Times:
    marks = Marks()
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        callbacks=[Clock(marks), *callbacks],
        logger=logger,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    lightning.seed_everything(0, verbose=False)
    trainer.fit(Classifier(WIDTH, WIDTH), DataLoader(TRAIN, BATCH, shuffle=True), DataLoader(DEV, batch_size=128))
    return marks.times()


def with_autolog() -> Times:
    mlflow.pytorch.autolog(log_models=False)
    try:
        return train_lightning([])
    finally:
        mlflow.pytorch.autolog(disable=True)


def without_passes() -> Times:
    return train_lightning([BiasVarianceCallback(train_eval="running", test_every=0)])


def lightning_variants(uri: str, folder: Path) -> dict[str, Callable[[], Times]]:
    """Each way to track a Lightning training, by name; the first is the bare one."""
    test = DataLoader(TEST, batch_size=128)
    variants: dict[str, Callable[[], Times]] = {
        "bare": lambda: train_lightning([]),
        "bvtrack, no passes of its own": without_passes,
        "bvtrack": lambda: train_lightning([BiasVarianceCallback(test_dataloaders=test)]),
        "MLFlowLogger": lambda: train_lightning([], MLFlowLogger(tracking_uri=uri)),
        "MLFlowLogger, asynchronous": lambda: train_lightning([], MLFlowLogger(tracking_uri=uri, synchronous=False)),
        "mlflow.pytorch.autolog": with_autolog,
    }
    if importlib.util.find_spec("dvclive") is None:
        print("dvclive is not installed, so it has no row: pip install dvclive, in an environment of its own\n")
        return variants
    dvclive: Any = importlib.import_module("dvclive.lightning")
    options = {"dir": str(folder / "dvclive"), "save_dvc_exp": False, "dvcyaml": None, "report": None}
    return variants | {"dvclive.lightning.DVCLiveLogger": lambda: train_lightning([], dvclive.DVCLiveLogger(**options))}


def train_keras(callbacks: Sequence[Any]) -> Times:
    marks = Marks()
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(WIDTH, activation="relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), dev = arrays(TRAIN), arrays(DEV)
    model.fit(x, y, BATCH, validation_data=dev, epochs=EPOCHS, verbose=0, callbacks=[KerasClock(marks), *callbacks])
    return marks.times()


def arrays(examples: TensorDataset) -> tuple[Any, Any]:
    x, y = examples.tensors
    return x.numpy(), y.numpy()


def with_mlflow_callback() -> Times:
    with mlflow.start_run() as run:
        return train_keras([mlflow.keras.MlflowCallback(run)])


def keras_variants() -> dict[str, Callable[[], Times]]:
    """The same for Keras."""
    data: dict[str, Any] = {"train_data": arrays(TRAIN), "dev_data": arrays(DEV), "test_data": arrays(TEST)}
    return {
        "bare": lambda: train_keras([]),
        "bvtrack, no passes of its own": lambda: train_keras([KerasCallback()]),
        "bvtrack": lambda: train_keras([KerasCallback(**data)]),
        "mlflow.keras.MlflowCallback": with_mlflow_callback,
    }


def compare(variants: Mapping[str, Callable[[], Times]], rounds: int) -> None:
    """Run the variants in interleaved rounds, after one that does not count, and print a table."""
    taken: dict[str, list[Times]] = {name: [] for name in variants}
    for _ in range(rounds + 1):
        for name, train in variants.items():
            taken[name].append(train())
            time.sleep(0.5)  # what a variant leaves behind is not the next one's
    print(
        "| variant | ms per step | ms per epoch | ratio to bare | its quartiles | ... of processor time | its quartiles | "
        "first two epochs, ms each | around it, s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, times in taken.items():
        print(row(name, times[1:], taken["bare"][1:]))


def row(name: str, taken: Sequence[Times], bare: Sequence[Times]) -> str:
    epoch = 1000 * statistics.median(times.epoch for times in taken)
    on_wall = [one.epoch / other.epoch for one, other in zip(taken, bare, strict=True)]
    on_thread = [one.epoch_on_thread / other.epoch_on_thread for one, other in zip(taken, bare, strict=True)]
    start_up = 1000 * statistics.median(times.start_up for times in taken)
    around = statistics.median(times.around for times in taken)
    cells = [f"{epoch / STEPS:.3f}", f"{epoch:.0f}", *spread(on_wall), *spread(on_thread), f"{start_up:.0f}", f"{around:.1f}"]
    return f"| {name} | {' | '.join(cells)} |"


def spread(values: Sequence[float]) -> tuple[str, str]:
    """The median, and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.3f}", f"{low:.3f} to {high:.3f}"


class Timed(BiasVarianceCallback):
    """Notes what each of its hooks takes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.taken: dict[str, list[float]] = {}

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self._timed(name, found) if name in HOOKS else found

    def _timed(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        def timed(*arguments: Any, **options: Any) -> None:
            start = time.perf_counter()
            hook(*arguments, **options)
            self.taken.setdefault(name, []).append(time.perf_counter() - start)

        return timed


HOOKS = ("setup", "on_train_start", "on_validation_batch_start", "on_validation_end", "on_train_epoch_end", "teardown")


def dissect() -> None:
    """Print what each hook of ours takes in a training, with and without passes."""
    test = DataLoader(TEST, batch_size=128)
    ways: dict[str, dict[str, Any]] = {
        "no passes": {"train_eval": "running", "test_every": 0},
        "with passes": {"test_dataloaders": test},
    }
    print("| hook | " + " | ".join(f"{way}: first call, ms | later calls, median, ms | sum, ms" for way in ways) + " |")
    print("|---|" + "---|" * 3 * len(ways))
    callbacks = [Timed(**options) for options in ways.values()]
    for callback in callbacks:
        train_lightning([callback])
    for hook in HOOKS:
        cells = [cell for callback in callbacks for cell in hook_cells(callback.taken.get(hook, [0.0]))]
        print(f"| `{hook}` | {' | '.join(cells)} |")


def hook_cells(taken: Sequence[float]) -> tuple[str, str, str]:
    later = statistics.median(taken[1:]) if taken[1:] else None
    return f"{1000 * taken[0]:.3f}", "" if later is None else f"{1000 * later:.3f}", f"{1000 * sum(taken):.1f}"


def time_calls(pause: float) -> str:
    """What a call of `Tracker.log_epoch` takes, in microseconds, while the shipper sends beside it; starts once it does."""
    taken = []
    with Tracker() as tracker:
        tracker.log_split(train=len(TRAIN), dev=N_DEV, test=N_TEST)
        while tracker.run_id is None:  # until then the shipper imports MLflow
            time.sleep(0.1)
        for epoch in range(CALLS):
            start = time.perf_counter()
            tracker.log_epoch(epoch, train_error=0.1, dev_error=0.2 + 0.1 / (epoch + 1), test_error=0.2)
            taken.append(1e6 * (time.perf_counter() - start))
            if pause:
                time.sleep(pause)
    cuts = statistics.quantiles(taken, n=100)
    return f"{statistics.median(taken):.1f} | {cuts[98]:.1f} | {max(taken):.0f}"


def print_calls() -> None:
    print("| `Tracker.log_epoch` | p50, µs | p99, µs | longest, µs |")
    print("|---|---|---|---|")
    print(f"| {CALLS} calls in a row | {time_calls(0)} |")
    print(f"| {CALLS} calls, 2 ms apart | {time_calls(0.002)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds that count (default: %(default)s)")
    parser.add_argument("--only", choices=["lightning", "keras", "calls", "hooks"], help="one of the four tables")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric", "mlflow", "dvclive"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        uri = f"sqlite:///{Path(folder).as_posix()}/mlflow.db"
        os.environ["BVTRACK_JOURNAL_DIR"] = f"{folder}/journals"
        mlflow.set_tracking_uri(uri)
        os.chdir(folder)  # some leave files, or a repository, where they run
        print(f"{EPOCHS} epochs of {STEPS} steps, {chosen.rounds} rounds, {os.cpu_count()} cores\n")
        tables = {
            "lightning": lambda: compare(lightning_variants(uri, Path(folder)), chosen.rounds),
            "keras": lambda: compare(keras_variants(), chosen.rounds),
            "calls": print_calls,
            "hooks": dissect,
        }
        for title, table in tables.items():
            if chosen.only in (None, title):
                print(f"{title}\n", flush=True)
                table()
                print(flush=True)


if __name__ == "__main__":
    main()
