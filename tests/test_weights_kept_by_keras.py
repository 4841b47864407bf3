"""Which weights a Keras training leaves, and which of its checkpoints holds the epoch of the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_training import DEV, TRAIN

from bvtrack.diagnosis.kept_weights import Weights
from bvtrack_keras import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras warns of its own h5 format
N_EPOCHS = 6


@pytest.fixture(autouse=True)
def no_store(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")


def wrong(predictions: Any, targets: Any) -> Any:
    return predictions.argmax(axis=1) != targets


class Weighing(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Notes the weights of each epoch, and logs a metric whose best epoch is another one."""

    def __init__(self) -> None:
        super().__init__()
        self.of_epoch: dict[int, list[Any]] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["noise"] = float((epoch * 2) % 5)
        self.of_epoch[epoch] = self.model.get_weights()

    def epoch_of(self, weights: list[Any]) -> int | None:
        found = (
            epoch
            for epoch, each in self.of_epoch.items()
            if all(np.array_equal(one, other) for one, other in zip(each, weights, strict=True))
        )
        return next(found, None)


def new_model(**options: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.02, **options), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model: Any, *callbacks: Any, **options: Any) -> None:
    given = {"validation_data": DEV, "epochs": N_EPOCHS, "verbose": 0, "batch_size": 50}
    model.fit(*TRAIN, callbacks=list(callbacks), **{**given, **options})


def tracked(**options: Any) -> BiasVarianceCallback:
    return BiasVarianceCallback(**{"error": wrong, "train_data": TRAIN, "dev_data": DEV, **options})


def weights_after(callback: BiasVarianceCallback) -> Weights:
    assert callback.tracker is not None
    assert callback.tracker.weights is not None
    return callback.tracker.weights


KEEPERS: dict[str, dict[str, Any]] = {
    "every epoch": {"filepath": "kept/e{epoch:02d}.weights.h5", "save_weights_only": True},
    "with metrics in its name": {
        "filepath": "kept/{epoch}-{val_accuracy:.2f}-{noise:.0f}.weights.h5",
        "save_weights_only": True,
    },
    "the last": {"filepath": "kept/last.weights.h5", "save_weights_only": True},
    "the best": {"filepath": "kept/best.weights.h5", "save_weights_only": True, "save_best_only": True},
    "the best of another metric": {
        "filepath": "kept/noise.weights.h5",
        "save_weights_only": True,
        "save_best_only": True,
        "monitor": "noise",
        "mode": "min",
    },
    "each time better": {
        "filepath": "kept/{epoch}.weights.h5",
        "save_weights_only": True,
        "save_best_only": True,
        "monitor": "noise",
        "mode": "max",
    },
    "in the middle of epochs": {"filepath": "kept/{epoch}-{batch}.weights.h5", "save_weights_only": True, "save_freq": 4},
    "in the middle, written over": {"filepath": "kept/w.weights.h5", "save_weights_only": True, "save_freq": 4},
}


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("name", KEEPERS)
def test_a_checkpoint_holds_the_weights_of_the_epoch_that_it_is_said_to(name: str, is_first: bool) -> None:
    callback, weighing, model = tracked(), Weighing(), new_model()
    others = [weighing, keras.callbacks.ModelCheckpoint(**KEEPERS[name])]
    fit(model, *([callback, *others] if is_first else [*others, callback]))

    weights, twin = weights_after(callback), new_model()
    of_files: dict[str, int | None] = {}
    for file in Path("kept").iterdir():
        twin.load_weights(file)
        of_files[file.name] = weighing.epoch_of(twin.get_weights())
    may_be_kept = {weights.best_epoch, *weights.within_noise}
    assert all(of_files[Path(path).name] == epoch for epoch, path in weights.checkpoints.items())
    assert weights.checkpoints.keys() == may_be_kept & {*of_files.values()}
    assert weights.left_with == weighing.epoch_of(model.get_weights()) == N_EPOCHS - 1


@pytest.mark.parametrize("is_first", [True, False])
def test_weights_that_early_stopping_restores_are_those_the_model_is_left_with(is_first: bool) -> None:
    stopping = keras.callbacks.EarlyStopping("noise", patience=3, mode="max", restore_best_weights=True)
    callback, weighing, model = tracked(), Weighing(), new_model()
    fit(model, weighing, *([callback, stopping] if is_first else [stopping, callback]))

    weights = weights_after(callback)
    assert weights.left_with == weighing.epoch_of(model.get_weights()) == stopping.best_epoch == 2
    assert weights.is_settled == (weights.best_epoch == 2)


def test_early_stopping_that_restores_nothing_leaves_the_last() -> None:
    stopping = keras.callbacks.EarlyStopping("noise", patience=1, mode="max")
    callback, weighing = tracked(), Weighing()
    fit(new_model(), weighing, callback, stopping)

    weights = weights_after(callback)
    assert weights.left_with == weights.last_epoch


@pytest.mark.parametrize("is_validated", [True, False])
def test_averaged_weights_are_those_of_an_epoch_only_if_they_were_validated(is_validated: bool) -> None:
    swapping = [keras.callbacks.SwapEMAWeights()] if is_validated else []
    callback = BiasVarianceCallback()
    fit(new_model(use_ema=True, ema_momentum=0.5), *swapping, callback)

    weights = weights_after(callback)
    assert weights.left_with == (N_EPOCHS - 1 if is_validated else None)
    assert weights.is_left_with_none == (not is_validated)


def test_from_logged_metrics_alone_epochs_are_compared_by_their_intervals() -> None:
    callback = tracked(error=None)
    fit(new_model(), callback)

    assert weights_after(callback).compared == "unpaired"


def test_the_worst_examples_are_rows_of_the_dev_data() -> None:
    callback, model = tracked(), new_model()
    fit(model, callback, epochs=1)

    assert callback.tracker is not None
    examples = callback.tracker._logbook.ledger._examples_judged
    is_wrong = wrong(model.predict(DEV[0], verbose=0), DEV[1])
    assert examples is not None
    assert examples["wrong"] == is_wrong.sum()
    assert all(is_wrong[one["index"]] for one in examples["worst"])


def test_a_resumed_training_goes_on_comparing(tmp_path: Path) -> None:
    class Crash(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise RuntimeError("power cut")

    def parts() -> list[Any]:
        callback = tracked(backup_dir=tmp_path / "backup")
        keeper = keras.callbacks.ModelCheckpoint("kept/{epoch}.weights.h5", save_weights_only=True)
        return [callback, keras.callbacks.BackupAndRestore(str(tmp_path / "backup")), keeper]

    with pytest.raises(RuntimeError, match="power cut"):
        fit(new_model(), *parts(), Crash())
    callback, *others = parts()
    fit(new_model(), callback, *others)

    weights = weights_after(callback)
    assert weights.last_epoch == N_EPOCHS - 1
    assert {*weights.within_noise, weights.best_epoch} & {0, 1, 2} <= weights.checkpoints.keys() | {2}
