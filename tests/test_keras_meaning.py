"""Which compiled metric is the error, by what the model says of its metrics, its losses and its targets."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_training import DEV, TRAIN

from bvtrack_keras import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")

SIZES = (len(TRAIN[0]), len(DEV[0]))
X = np.concatenate([TRAIN[0], DEV[0]])
LENGTHS = (45 + 12 * X[:, 0] + 3 * X[:, 1]).astype("float32")
AGES = LENGTHS.astype("int64")
CLASSES = X[:, :4].argmax(1)
ONE_HOT = np.eye(4, dtype="float32")[CLASSES]


def own(targets: Any, predictions: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(targets - predictions) ** 1.5)


def top3() -> Any:
    return keras.metrics.SparseTopKCategoricalAccuracy(3, name="acc")


def followed(targets: Any, loss: Any, metrics: Any, *, has_data: bool = True, **options: Any) -> BiasVarianceCallback:
    """The callback of a short `fit` with one layer."""
    n, _ = SIZES
    keras.utils.set_random_seed(0)
    is_one = targets.ndim == 1 and targets is not CLASSES
    layer = keras.layers.Dense(1) if is_one else keras.layers.Dense(4, "softmax")
    model = keras.Sequential([keras.Input((8,)), layer])
    model.compile(keras.optimizers.Adam(0.5), loss, metrics=metrics)
    data: Any = {"train_data": (X[:n], targets[:n]), "dev_data": (X[n:], targets[n:])} if has_data else {}
    callback = BiasVarianceCallback(**data, **options)
    model.fit(
        X[:n], targets[:n], validation_data=(X[n:], targets[n:]), epochs=3, verbose=0, callbacks=[callback], batch_size=50
    )
    return callback


def name_of(callback: BiasVarianceCallback) -> str | None:
    assert callback.tracker is not None
    return callback.tracker.measure.name if callback.tracker.measure else None


@pytest.mark.parametrize(
    ("targets", "loss", "metrics", "taken"),
    [
        (LENGTHS, "huber", ["accuracy"], "val_loss"),
        (AGES, "mse", ["accuracy", "mae"], "val_mae"),
        (AGES, own, ["accuracy"], "val_loss"),
        (LENGTHS, "mse", ["accuracy", keras.metrics.R2Score()], "val_r2_score"),
    ],
)
def test_an_accuracy_of_quantities_is_no_error_and_that_is_said(
    targets: Any, loss: Any, metrics: Any, taken: str, said: list[str]
) -> None:
    callback = followed(targets, loss, metrics)

    assert name_of(callback) == taken
    assert said[0].startswith("bvtrack: accuracy is no error beside")
    said.clear()


def test_whole_numbers_that_are_quantities_scale_the_loss(said: list[str]) -> None:
    callback = followed(AGES, "mse", [])

    assert callback.tracker is not None
    assert callback.tracker.measure is not None
    assert callback.tracker.measure.scale == pytest.approx(AGES[: SIZES[0]].var(), rel=1e-4)
    said.clear()


def test_the_validation_data_of_fit_tell_where_no_others_are_given(said: list[str]) -> None:
    assert name_of(followed(LENGTHS, own, ["accuracy"], has_data=False)) == "val_loss"
    said.clear()


@pytest.mark.parametrize(
    ("targets", "loss"),
    [(ONE_HOT, "mse"), (0.9 * ONE_HOT + 0.025, "mse")],
)
def test_an_accuracy_of_labels_is_the_error_whatever_is_minimised(targets: Any, loss: Any) -> None:
    assert name_of(followed(targets, loss, ["accuracy"])) == "val_accuracy"


def test_a_metrics_class_tells_that_it_is_a_relaxation() -> None:
    accuracy = keras.metrics.SparseCategoricalAccuracy(name="top")

    assert name_of(followed(CLASSES, "sparse_categorical_crossentropy", [top3(), accuracy])) == "val_top"


def test_the_metric_that_is_named_is_taken_whatever_its_class(said: list[str]) -> None:
    assert name_of(followed(LENGTHS, "mse", ["accuracy"], measure="val_accuracy")) == "val_accuracy"
    assert not said


@pytest.mark.parametrize("is_by_name", [True, False])
def test_of_several_outputs_that_of_classes_is_taken_and_the_other_named(is_by_name: bool, said: list[str]) -> None:
    n, _ = SIZES
    given = keras.Input((8,))
    outputs = [keras.layers.Dense(4, "softmax", name="cls")(given), keras.layers.Dense(1, name="size")(given)]
    losses, metrics = ["sparse_categorical_crossentropy", "mse"], [["accuracy"], ["accuracy", "mae"]]
    targets = [CLASSES, LENGTHS]

    def form(values: list[Any]) -> Any:
        return dict(zip(("cls", "size"), values, strict=True)) if is_by_name else values

    model = keras.Model(given, form(outputs))
    model.compile("adam", form(losses), metrics=form(metrics))
    callback = BiasVarianceCallback()
    train, dev = ((X[part], form([each[part] for each in targets])) for part in (slice(n), slice(n, None)))
    model.fit(*train, validation_data=dev, epochs=1, verbose=0, callbacks=[callback])

    assert name_of(callback) == "val_cls_accuracy"
    assert said[0].startswith("bvtrack: size_accuracy is no error beside the loss mse")
    assert "where val_size_mae may be meant as well" in said[1]
    said.clear()


@pytest.mark.parametrize("metrics", [["accuracy"], []])
def test_a_cross_entropy_of_shades_is_no_error_nor_is_their_accuracy(metrics: list[str], said: list[str]) -> None:
    shades = 1 / (1 + np.exp(-X[:, :4].astype("float32")))

    callback = followed(shades, "binary_crossentropy", metrics)

    assert name_of(callback) == "val_loss"
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert callback.tracker.diagnosis.tag == "undetermined"
    assert any("accuracy is no error" in line for line in said) == bool(metrics)
    said.clear()


def test_a_loss_of_squared_logarithms_is_no_cross_entropy(said: list[str]) -> None:
    callback = followed(LENGTHS.clip(1), "mean_squared_logarithmic_error", ["accuracy"])

    assert callback.tracker is not None
    assert callback.tracker.measure is not None
    assert callback.tracker.measure.is_cross_entropy is False
    said.clear()
