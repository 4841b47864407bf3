"""What tracking costs a training, beside the peers: one process, the variants in interleaved rounds, medians and spreads.

The clock runs from the first epoch's start to the last one's end, which is where a training can be slowed; what a variant
does before and after it (MLflow runs are made, queues are emptied) is in the column `around it`.
"""

from __future__ import annotations

import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import lightning.pytorch as lightning
import mlflow
import torch
from lightning.pytorch.loggers import MLFlowLogger
from torch.utils.data import DataLoader, TensorDataset

from bvtrack_demo.digits import load_digits
from bvtrack_demo.lightning_run import Classifier
from bvtrack_keras import BiasVarianceCallback as KerasCallback
from bvtrack_lightning import BiasVarianceCallback

ROUNDS = 9
EPOCHS = 10
BATCH = 32
WIDTH = 256

Training = Callable[[], float]
"""Trains once; returns the seconds that the loop took."""


class Clock(lightning.Callback):
    """The seconds from the first epoch's start to the last one's end; nothing at the steps."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch == 0:
            self.start = time.perf_counter()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self.seconds = time.perf_counter() - self.start


class KerasClock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """The same for Keras."""

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if epoch == 0:
            self.start = time.perf_counter()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self.seconds = time.perf_counter() - self.start


DIGITS = load_digits()


def train_lightning(callbacks: list[Any], logger: Any = False) -> float:
    train, dev = (TensorDataset(torch.from_numpy(x), torch.from_numpy(y)) for x, y in (DIGITS.train, DIGITS.dev))
    clock = Clock()
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        callbacks=[clock, *callbacks],
        logger=logger,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    lightning.seed_everything(0, verbose=False)
    module = Classifier(width=WIDTH, learning_rate=0.001)
    trainer.fit(module, DataLoader(train, batch_size=BATCH, shuffle=True), DataLoader(dev, batch_size=128))
    return clock.seconds


def train_keras(callbacks: list[Any]) -> float:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((64,)), keras.layers.Dense(WIDTH, activation="relu"), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = KerasClock()
    model.fit(*DIGITS.train, validation_data=DIGITS.dev, epochs=EPOCHS, verbose=0, callbacks=[clock, *callbacks])
    return clock.seconds


def with_autolog() -> float:
    mlflow.pytorch.autolog(log_models=False)
    try:
        return train_lightning([])
    finally:
        mlflow.pytorch.autolog(disable=True)


def with_mlflow_callback() -> float:
    with mlflow.start_run() as run:
        return train_keras([mlflow.keras.MlflowCallback(run)])


def lightning_variants(uri: str) -> dict[str, Training]:
    """Each way to track a Lightning training, by name; the first is the bare one."""
    test = DataLoader(TensorDataset(torch.from_numpy(DIGITS.test[0]), torch.from_numpy(DIGITS.test[1])), batch_size=128)
    return {
        "bare": lambda: train_lightning([]),
        "bvtrack, no passes of its own": lambda: train_lightning([BiasVarianceCallback(train_eval="running", test_every=0)]),
        "bvtrack": lambda: train_lightning([BiasVarianceCallback(test_dataloaders=test)]),
        "MLFlowLogger": lambda: train_lightning([], MLFlowLogger(tracking_uri=uri)),
        "MLFlowLogger, asynchronous": lambda: train_lightning([], MLFlowLogger(tracking_uri=uri, synchronous=False)),
        "mlflow.pytorch.autolog": with_autolog,
    }


def keras_variants() -> dict[str, Training]:
    """The same for Keras."""
    return {
        "bare": lambda: train_keras([]),
        "bvtrack, no passes of its own": lambda: train_keras([KerasCallback()]),
        "bvtrack": lambda: train_keras([KerasCallback(train_data=DIGITS.train, dev_data=DIGITS.dev, test_data=DIGITS.test)]),
        "mlflow.keras.MlflowCallback": with_mlflow_callback,
    }


def measure(variants: Mapping[str, Training]) -> None:
    """Run the variants in interleaved rounds, after one that does not count, and print a table."""
    loops: dict[str, list[float]] = {name: [] for name in variants}
    around: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS + 1):
        for name, train in variants.items():
            start = time.perf_counter()
            seconds = train()
            loops[name].append(seconds)
            around[name].append(time.perf_counter() - start - seconds)
            time.sleep(0.5)  # what a variant leaves behind is not the next one's
    steps = -(-len(DIGITS.train[1]) // BATCH)
    print("| variant | ms per step | ms per epoch | ratio to bare (median of pairs) | its quartiles | around it |")
    print("|---|---|---|---|---|---|")
    for name in variants:
        epoch = 1000 * statistics.median(loops[name][1:]) / EPOCHS
        ratios = [seconds / bare for seconds, bare in zip(loops[name][1:], loops["bare"][1:], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        rest = statistics.median(around[name][1:])
        print(f"| {name} | {epoch / steps:.2f} | {epoch:.1f} | {middle:.2f} | {low:.2f} to {high:.2f} | {rest:.1f} s |")


def main() -> None:
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        uri = f"sqlite:///{Path(folder).as_posix()}/mlflow.db"
        os.environ["BVTRACK_JOURNAL_DIR"] = f"{folder}/journals"
        mlflow.set_tracking_uri(uri)
        print(f"Lightning, {EPOCHS} epochs, {ROUNDS} rounds\n")
        measure(lightning_variants(uri))
        print(f"\nKeras ({keras.backend.backend()}), {EPOCHS} epochs, {ROUNDS} rounds\n")
        measure(keras_variants())


if __name__ == "__main__":
    main()
