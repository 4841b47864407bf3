"""A training is the same with and without the callback: on the backend that these tests are run with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras_training import DEV, TEST, TRAIN, assert_same_training, fit, net, on_backend
from torch.utils.data import DataLoader, TensorDataset

from bvtrack_keras import BiasVarianceCallback

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("journals")]


def images(n: int, seed: int) -> tuple[Any, Any]:
    x = np.random.default_rng(seed).normal(size=(n, 8, 8, 1)).astype("float32")
    return x, (x.mean(axis=(1, 2, 3)) > 0).astype("int64")


class AlwaysDropout(keras.layers.Dropout):  # type: ignore[misc]  # Keras has no type hints
    """Draws in eval mode too."""

    def call(self, inputs: Any, training: bool = True) -> Any:
        return super().call(inputs, training=True)


class Drawing(keras.utils.PyDataset):  # type: ignore[misc]
    """Augments with a generator of its own."""

    def __init__(self, x: Any, y: Any) -> None:
        super().__init__()
        self.x, self.y = x, y
        self.generator = np.random.default_rng(0)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        x, y = self.x[index::4], self.y[index::4]
        return x + self.generator.normal(size=x.shape).astype("float32"), y


class Seen(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the logs that the callbacks behind ours are given."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.logs.append(dict(logs))


class Evaluating(keras.callbacks.Callback):  # type: ignore[misc]
    """What a callback would do that does not know better."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.evaluate(*TRAIN, verbose=0)


def convolutional() -> Any:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    middle = layers.RandomFlip(seed=1), layers.RandomTranslation(0.2, 0.2, seed=2), layers.Conv2D(4, 3, activation="relu")
    ends = layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.3, seed=3), layers.Dense(2, activation="softmax")
    model = keras.Sequential([keras.Input((8, 8, 1)), *middle, *ends])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def arrays() -> tuple[Any, Any]:
    return TRAIN


def own_generator() -> Any:
    data = TensorDataset(*map(torch.from_numpy, TRAIN))
    return DataLoader(data, batch_size=50, shuffle=True, generator=torch.Generator().manual_seed(0))


def two_workers() -> Any:
    return DataLoader(TensorDataset(*map(torch.from_numpy, TRAIN)), batch_size=50, shuffle=True, num_workers=2)


def drawing() -> Any:
    return Drawing(*TRAIN)


def reshuffled() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(TRAIN).shuffle(300).batch(50)


def train(folder: Path, data: Any, model: Any, *ours: Any, **options: Any) -> tuple[Any, ...]:
    """The History, and all that was decided beside it."""
    folder.mkdir()
    torch.manual_seed(0)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=0.05, restore_best_weights=True)
    checkpoint = keras.callbacks.ModelCheckpoint(folder / "{epoch}.weights.h5", "val_loss", True, True, True)
    seen = Seen()
    history = fit(*ours, seen, stopping, checkpoint, model=model, data=data, epochs=3, **options)
    saved = sorted(path.name for path in folder.iterdir())
    return history, seen.logs, stopping.stopped_epoch, stopping.best, checkpoint.best, saved


def assert_untouched(folder: Path, make_data: Any, make_model: Any, dev: Any = DEV, test: Any = TEST, **ours: Any) -> None:
    bare = train(folder / "bare", make_data(), make_model(), validation_data=dev)
    data = make_data()
    callback = BiasVarianceCallback(train_data=data, test_data=test, **ours)
    tracked = train(folder / "tracked", data, make_model(), callback, validation_data=dev)

    assert callback.tracker
    assert callback.tracker.diagnosis
    assert {"train", "dev", "test"} == callback.tracker.diagnosis.errors.keys()
    assert_same_training(bare[0], tracked[0])
    assert bare[1:] == tracked[1:]


@pytest.mark.parametrize(
    "make_data",
    [
        arrays,
        own_generator,
        drawing,
        pytest.param(two_workers, marks=on_backend("torch")),
        pytest.param(reshuffled, marks=on_backend("tensorflow")),
    ],
)
def test_a_training_on_any_data_is_the_same(tmp_path: Path, make_data: Any) -> None:
    assert_untouched(tmp_path, make_data, net)


def test_a_training_that_augments_in_the_model_is_the_same(tmp_path: Path) -> None:
    assert_untouched(tmp_path, lambda: images(96, 0), convolutional, dev=images(64, 1), test=images(64, 2))


def test_a_training_that_draws_in_eval_mode_too_is_the_same(tmp_path: Path) -> None:
    assert_untouched(tmp_path, arrays, lambda: net(AlwaysDropout(0.5, seed=1)))


def test_a_training_whose_error_is_measured_by_a_function_is_the_same(tmp_path: Path) -> None:
    def wrong(predictions: Any, targets: Any) -> Any:
        np.random.rand()  # people draw where they should not
        return predictions.argmax(axis=1) != targets

    assert_untouched(tmp_path, own_generator, lambda: net(AlwaysDropout(0.5, seed=1)), error=wrong, dev_data=DEV)


def test_a_callback_that_only_evaluates_does_change_a_training(tmp_path: Path) -> None:
    trainings = [
        train(tmp_path / name, TRAIN, net(AlwaysDropout(0.5, seed=1)), *callbacks)
        for name, callbacks in {"bare": [], "evaluating": [Evaluating()]}.items()
    ]

    with pytest.raises(AssertionError):
        assert_same_training(trainings[0][0], trainings[1][0])
