"""Every way of training in Keras: each point is the error of its epoch's weights, by a record that is kept independently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras_training import DEV, TEST, TRAIN, Batches, fit, loader, net, on_backend, read_run

from bvtrack_keras import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")

WEIGHTS = np.linspace(0.1, 2.0, len(TRAIN[0]), dtype="float32")
SETS = {"train": TRAIN, "dev": DEV, "test": TEST}


class Record(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """The weights of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: dict[int, list[Any]] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.weights[epoch] = self.model.get_weights()


class Evaluating(keras.callbacks.Callback):  # type: ignore[misc]
    """Evaluates within `fit` for purposes of its own, with the callback that is being tested."""

    def __init__(self, *callbacks: Any) -> None:
        super().__init__()
        self.callbacks = list(callbacks)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.evaluate(*DEV, verbose=0, callbacks=self.callbacks)


class Subclassed(keras.Model):  # type: ignore[misc]
    """Written as people write them, and with a `train_step` of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = keras.layers.Dense(16, activation="relu")
        self.dropout = keras.layers.Dropout(0.5, seed=1)
        self.answer = keras.layers.Dense(3, activation="softmax")
        self.steps_made = 0

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.answer(self.dropout(self.hidden(inputs), training=training))

    def train_step(self, *arguments: Any) -> Any:
        self.steps_made += 1
        return super().train_step(*arguments)


def subclassed() -> Any:
    keras.utils.set_random_seed(0)
    model = Subclassed()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.build((None, 8))
    return model


def compiled(**options: Any) -> Callable[[], Any]:
    def build() -> Any:
        model = net()
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", **{"metrics": ["accuracy"]} | options)
        return model

    return build


def endless() -> Iterator[Any]:
    while True:
        yield from Batches(*TRAIN)


def pipeline(data: Any) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(data).shuffle(300).batch(50)


def errors_by(model: Any, record: Record, sets: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """Of each set and epoch, the share of wrong answers that the epoch's weights give."""
    errors: dict[str, dict[int, Any]] = {name: {} for name in sets}
    for epoch, weights in record.weights.items():
        model.set_weights(weights)
        for name, (x, y) in sets.items():
            wrong = np.argmax(model.predict(x, verbose=0), axis=1) != y
            errors[name][epoch] = pytest.approx(float(np.mean(wrong)), abs=1e-6)
    return errors


def curves(journals: Path) -> dict[str, dict[int, float]]:
    run = read_run(journals)
    return {name: run.curve(f"bvtrack/{name}_error") for name in SETS}


def assert_right_at_each_epoch(journals: Path, options: dict[str, Any]) -> None:
    model, record = options.pop("build", net)(), Record()
    fit(BiasVarianceCallback(**DATA), record, model=model, **options)

    assert curves(journals) == errors_by(model, record, SETS)


DATA: dict[str, Any] = {"train_data": TRAIN, "dev_data": DEV, "test_data": TEST}
WAYS: dict[str, dict[str, Any]] = {
    "as usual": {},
    "steps_per_epoch": {"steps_per_epoch": 2, "batch_size": 50},
    "a generator": {"data": endless(), "steps_per_epoch": 6},
    "a PyDataset": {"data": Batches(*TRAIN), "validation_data": Batches(*DEV)},
    "initial_epoch": {"initial_epoch": 4, "epochs": 6},
    "subclassed": {"build": subclassed},
    "not compiled to a graph": {"build": compiled(jit_compile=False)},
    "no validation in fit": {"validation_data": None},
    "class weights": {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    "sample weights": {"sample_weight": WEIGHTS},
    "weighted_metrics": {"build": compiled(weighted_metrics=["accuracy"])},
}
OWN_DATA: dict[str, Callable[[], dict[str, Any]]] = {
    "PyDatasets": lambda: {"train_data": Batches(*TRAIN), "dev_data": Batches(*DEV), "test_data": Batches(*TEST)},
    "torch loaders": lambda: {"train_data": loader(*TRAIN), "dev_data": loader(*DEV), "test_data": loader(*TEST)},
    "tf.data": lambda: {"train_data": pipeline(TRAIN), "dev_data": pipeline(DEV), "test_data": pipeline(TEST)},
}


BY_KERAS_ALONE = {"steps_per_epoch", "initial_epoch", "a PyDataset", "class weights", "sample weights", "weighted_metrics"}
"""What the backends have no part in."""


@pytest.mark.parametrize("way", [pytest.param(way, marks=on_backend("torch") if way in BY_KERAS_ALONE else []) for way in WAYS])
def test_each_error_is_that_of_its_epochs_weights(journals: Path, way: str) -> None:
    assert_right_at_each_epoch(journals, dict(WAYS[way]))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras runs one step at a time on the torch backend")
def test_each_error_is_that_of_its_epochs_weights_with_several_steps_at_once(journals: Path) -> None:
    assert_right_at_each_epoch(journals, {"build": compiled(steps_per_execution=2)})


@pytest.mark.parametrize("kind", ["PyDatasets", "torch loaders", pytest.param("tf.data", marks=on_backend("tensorflow"))])
def test_each_error_is_that_of_its_epochs_weights_on_any_data(journals: Path, kind: str) -> None:
    model, record, data = net(), Record(), OWN_DATA[kind]()
    fit(BiasVarianceCallback(**data), record, model=model, data=data["train_data"], validation_data=None)

    assert curves(journals) == errors_by(model, record, SETS)


@pytest.mark.parametrize("is_said", [True, False])
def test_the_end_of_the_data_that_fit_holds_out_is_dev_and_not_train(journals: Path, said: list[str], is_said: bool) -> None:
    model, record = net(), Record()
    callback = BiasVarianceCallback(train_data=TRAIN, test_data=TEST, validation_split=0.3 if is_said else 0.0)
    fit(callback, record, model=model, validation_data=None, validation_split=0.3)
    n_train = int(300 * (1 - 0.3))
    head, tail = (TRAIN[0][:n_train], TRAIN[1][:n_train]), (TRAIN[0][n_train:], TRAIN[1][n_train:])
    messages = [message for message in said if f"holds out the last {300 - n_train} examples" in message]
    said.clear()

    assert curves(journals) == errors_by(model, record, {"train": head, "dev": tail, "test": TEST})
    assert len(messages) == (0 if is_said else 1)
    assert f'"n":{{"train":{n_train},"dev":{300 - n_train},"test":90}}' in read_run(journals).tags["bvtrack.gaps"]


@on_backend("torch")
def test_validation_data_that_are_trained_on_are_not_taken_for_held_out(journals: Path, said: list[str]) -> None:
    tail = TRAIN[0][200:], TRAIN[1][200:]
    fit(BiasVarianceCallback(train_data=TRAIN), validation_data=tail)

    assert said == []
    assert '"train":300' in read_run(journals).tags["bvtrack.gaps"]


@on_backend("torch")
def test_an_evaluation_within_fit_is_no_test_error(journals: Path) -> None:
    model, record, callback = net(), Record(), BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)
    fit(callback, Evaluating(callback), record, model=model)
    errors = errors_by(model, record, SETS)

    assert curves(journals) == {"train": errors["train"], "dev": errors["dev"], "test": {}}


@on_backend("torch")
def test_each_fit_of_one_callback_has_its_own_epochs(journals: Path) -> None:
    model, callback, record = net(), BiasVarianceCallback(**DATA), Record()
    fit(callback, model=model, epochs=3)
    fit(callback, record, model=model, epochs=1)

    assert curves(journals) == errors_by(model, record, SETS)


@on_backend("torch")
def test_an_output_is_chosen_by_the_name_of_its_metric(journals: Path) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    outputs = {name: keras.layers.Dense(3, activation="softmax", name=name)(inputs) for name in ("a", "b")}
    model = keras.Model(inputs, outputs)
    loss = dict.fromkeys(outputs, "sparse_categorical_crossentropy")
    model.compile("adam", loss, metrics={name: ["accuracy"] for name in outputs})
    targets = {"a": TRAIN[1], "b": 2 - TRAIN[1]}
    callback = BiasVarianceCallback(measure="val_b_accuracy", at="last", train_data=(TRAIN[0], targets))
    fit(callback, model=model, data=(TRAIN[0], targets), validation_data=(DEV[0], {"a": DEV[1], "b": 2 - DEV[1]}))
    wrong = np.mean(model.predict(DEV[0], verbose=0)["b"].argmax(axis=1) != 2 - DEV[1])

    assert read_run(journals).metrics["bvtrack/dev_error"] == pytest.approx(wrong, abs=1e-6)
    assert read_run(journals).tags["bvtrack.measure"] == "1 - val_b_accuracy"


@on_backend("torch")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.integers(0, 3),
    n_epochs=st.integers(1, 4),
    validation_freq=st.integers(1, 3),
    test_every=st.integers(0, 3),
    steps=st.sampled_from([None, 2]),
)
def test_every_set_is_measured_in_its_epochs(
    journals: Path, said: list[str], first: int, n_epochs: int, validation_freq: int, test_every: int, steps: int | None
) -> None:
    record, epochs = Record(), range(first, first + n_epochs)
    callback = BiasVarianceCallback(train_data=TRAIN, test_data=TEST, test_every=test_every)
    options = {"initial_epoch": first, "epochs": first + n_epochs, "validation_freq": validation_freq, "steps_per_epoch": steps}
    fit(callback, record, **options)
    said.clear()
    measured = {name: list(curve) for name, curve in curves(journals).items()}

    assert list(record.weights) == list(epochs)
    assert measured == {
        "train": list(epochs),
        "dev": [epoch for epoch in epochs if (epoch + 1) % validation_freq == 0],
        "test": [epoch for epoch in epochs if test_every and epoch % test_every == 0],
    }
