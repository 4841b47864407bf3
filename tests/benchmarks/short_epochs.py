"""What tracking costs a training of short epochs, whole: scikit-learn's digits, 60 epochs of about 70 ms, beside the peers.

The clock runs from the call of `fit` to its return, so that what a variant does before the first epoch and after the last one
counts: runs that are made, queues that are emptied. The variants are trained in interleaved rounds, and each ratio is that to
the bare training of the same round. On a machine that others use too the ratio of the training thread's processor time is the
steadier one; it leaves out what a variant waits for. The store is a SQLite file that exists.

    OMP_NUM_THREADS=1 PYTHONPATH=tests python tests/benchmarks/short_epochs.py
"""

from __future__ import annotations

import argparse
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

import keras
import lightning.pytorch as lightning
import mlflow
import torch
from benchmarks.cost import Clock, KerasClock, Marks, spread
from lightning.pytorch.loggers import MLFlowLogger
from perceptron import Classifier
from torch.utils.data import DataLoader, TensorDataset

from bvtrack_demo.digits import load_digits
from bvtrack_keras import BiasVarianceCallback as KerasCallback
from bvtrack_lightning import BiasVarianceCallback

EPOCHS = 60
BATCH, EVALUATION_BATCH = 32, 128
WIDTH = 256
DIGITS = load_digits()
TRAIN, DEV, TEST = (TensorDataset(torch.from_numpy(x), torch.from_numpy(y)) for x, y in (DIGITS.train, DIGITS.dev, DIGITS.test))


@dataclass(frozen=True)
class Fit:
    """Seconds of one call of `fit` on the wall and of processor on its thread; `epochs` is the part of the wall's from the
    first epoch's start to the last one's end.
    """

    wall: float
    thread: float
    epochs: float


def timed(fit: Callable[[], None], marks: Marks) -> Fit:
    """Call `fit`, whose epochs make the marks."""
    wall, thread = time.perf_counter(), time.thread_time()
    fit()
    return Fit(time.perf_counter() - wall, time.thread_time() - thread, sum(marks.times().wall))


def train_lightning(callbacks: Sequence[Any], logger: Any = False) -> Fit:
    marks = Marks()
    lightning.seed_everything(0, verbose=False)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        callbacks=[Clock(marks), *callbacks],
        logger=logger,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
    train, dev = DataLoader(TRAIN, BATCH, shuffle=True), DataLoader(DEV, EVALUATION_BATCH)
    return timed(lambda: trainer.fit(Classifier(WIDTH), train, dev), marks)


def with_autolog() -> Fit:
    mlflow.pytorch.autolog(log_models=False)
    try:
        return train_lightning([])
    finally:
        mlflow.pytorch.autolog(disable=True)


def lightning_variants(uri: str) -> dict[str, Callable[[], Fit]]:
    """Each way to track a Lightning training, by name; the first is the bare one."""
    test = DataLoader(TEST, EVALUATION_BATCH)
    return {
        "bare": lambda: train_lightning([]),
        "bvtrack, no passes of its own": lambda: train_lightning([BiasVarianceCallback(train_eval="running", test_every=0)]),
        "bvtrack": lambda: train_lightning([BiasVarianceCallback(test_dataloaders=test)]),
        "MLFlowLogger": lambda: train_lightning([], MLFlowLogger(tracking_uri=uri)),
        "MLFlowLogger, asynchronous": lambda: train_lightning([], MLFlowLogger(tracking_uri=uri, synchronous=False)),
        "mlflow.pytorch.autolog": with_autolog,
    }


def train_keras(callbacks: Sequence[Any]) -> Fit:
    marks = Marks()
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(WIDTH, activation="relu")
    model = keras.Sequential([keras.Input((64,)), hidden, keras.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), dev = DIGITS.train, DIGITS.dev
    all_callbacks = [KerasClock(marks), *callbacks]
    return timed(lambda: model.fit(x, y, BATCH, validation_data=dev, epochs=EPOCHS, verbose=0, callbacks=all_callbacks), marks)


def with_mlflow_callback() -> Fit:
    with mlflow.start_run() as run:
        return train_keras([mlflow.keras.MlflowCallback(run)])


def with_keras_autolog() -> Fit:
    mlflow.keras.autolog(log_models=False, log_datasets=False)
    try:
        return train_keras([])
    finally:
        mlflow.keras.autolog(disable=True)


def keras_variants() -> dict[str, Callable[[], Fit]]:
    """The same for Keras."""
    data: dict[str, Any] = {"train_data": DIGITS.train, "dev_data": DIGITS.dev, "test_data": DIGITS.test}
    return {
        "bare": lambda: train_keras([]),
        "bvtrack, no passes of its own": lambda: train_keras([KerasCallback()]),
        "bvtrack": lambda: train_keras([KerasCallback(**data)]),
        "mlflow.keras.MlflowCallback": with_mlflow_callback,
        "mlflow.keras.autolog": with_keras_autolog,
    }


def compare(variants: Mapping[str, Callable[[], Fit]], rounds: int) -> None:
    """Run the variants in interleaved rounds, after one that does not count, and print a table."""
    taken: dict[str, list[Fit]] = {name: [] for name in variants}
    for _ in range(rounds + 1):
        for name, train in variants.items():
            taken[name].append(train())
            time.sleep(0.5)  # what a variant leaves behind is not the next one's
    print("| variant | fit, s | ms per epoch | fit over bare | quartiles | epochs alone | quartiles | processor | quartiles |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, fits in taken.items():
        print(row(name, fits[1:], taken["bare"][1:]))


def row(name: str, taken: Sequence[Fit], bare: Sequence[Fit]) -> str:
    fit = statistics.median(one.wall for one in taken)
    epoch = 1000 * statistics.median(one.epochs for one in taken) / EPOCHS
    pairs = list(zip(taken, bare, strict=True))
    ratios = [
        spread([one.wall / other.wall for one, other in pairs]),
        spread([one.epochs / other.epochs for one, other in pairs]),
        spread([one.thread / other.thread for one, other in pairs]),
    ]
    return f"| {name} | {fit:.2f} | {epoch:.1f} | {' | '.join(cell for ratio in ratios for cell in ratio)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds that count (default: %(default)s)")
    parser.add_argument("--only", choices=["lightning", "keras"], help="one of the two tables")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        uri = f"sqlite:///{Path(folder).as_posix()}/mlflow.db"
        os.environ["BVTRACK_JOURNAL_DIR"] = f"{folder}/journals"
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment("digits")
        os.chdir(folder)  # some leave files where they run
        print(f"{EPOCHS} epochs, {chosen.rounds} rounds, {os.cpu_count()} cores\n")
        tables: dict[str, Callable[[], None]] = {
            "lightning": lambda: compare(lightning_variants(uri), chosen.rounds),
            "keras": lambda: compare(keras_variants(), chosen.rounds),
        }
        for title, table in tables.items():
            if chosen.only in (None, title):
                print(f"{title}\n", flush=True)
                table()
                print(flush=True)


if __name__ == "__main__":
    main()
