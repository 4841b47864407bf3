from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import mlflow
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run
from torch.utils.data import DataLoader, TensorDataset

from bvtrack import choose_examples
from bvtrack_keras import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras warns of its backends and of data that run out


def split(n: int, seed: int) -> tuple[Any, Any]:
    x = np.random.default_rng(seed).normal(size=(n, 8)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64") + (x[:, 1] > 0.5)


TRAIN, DEV, TEST = split(300, 0), split(130, 1), split(90, 2)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no type hints
    """An unshuffled dataset that counts how often it was told of an epoch's end."""

    def __init__(self, x: Any, y: Any) -> None:
        super().__init__()
        self.x, self.y = x, y
        self.ends = 0

    def __len__(self) -> int:
        return -(-len(self.x) // 50)

    def __getitem__(self, index: int) -> Any:
        part = slice(50 * index, 50 * (index + 1))
        return self.x[part], self.y[part]

    def on_epoch_end(self) -> None:
        self.ends += 1


class Failing(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises in the second epoch, once."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.errors = [error]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1 and self.errors:
            raise self.errors.pop()


class Peeking(keras.callbacks.Callback):  # type: ignore[misc]
    """Reads the compiled metrics at the end of each epoch, after the callbacks before it in the list."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append({name: float(value) for name, value in self.model.get_metrics_result().items()})


def loader(x: Any, y: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=50, shuffle=True)


def net(*middle: Any, metrics: tuple[str, ...] = ("accuracy",)) -> Any:
    """A small classifier with dropout and batch norm, or with other layers in their place; always the same weights."""
    keras.utils.set_random_seed(0)
    middle = middle or (keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=1))
    ends = keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((8,)), ends[0], *middle, ends[1]])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def fit(*callbacks: Any, model: Any = None, data: Any = TRAIN, **options: Any) -> Any:
    """The model's History of a training of two epochs, as a rule with validation data."""
    x, y = data if isinstance(data, tuple) else (data, None)
    options = {"epochs": 2, "validation_data": DEV} | options
    return (model or net()).fit(x, y, callbacks=list(callbacks), verbose=0, **options)


def read_run(store: str, callback: BiasVarianceCallback) -> Run:
    assert callback.tracker is not None
    assert callback.tracker.run_id is not None
    return MlflowClient(store).get_run(callback.tracker.run_id)


def steps_of(store: str, callback: BiasVarianceCallback, metric: str) -> list[int]:
    run_id = read_run(store, callback).info.run_id
    return [point.step for point in MlflowClient(store).get_metric_history(run_id, metric)]


def error_of(model: Any, data: tuple[Any, Any]) -> Any:
    """The share of wrong answers in eval mode, computed without Keras' metrics."""
    x, y = data
    return pytest.approx(float(np.mean(model.predict(x, verbose=0).argmax(axis=1) != y)), abs=1e-6)


def seeds_of(model: Any) -> list[list[int]]:
    """The states of the SeedGenerators of the model's layers, and of Keras' own."""
    generators = [generator for layer in model.layers for generator in getattr(layer, "_seed_generators", [])]
    states = [generator.state for generator in (*generators, keras.src.random.seed_generator.global_seed_generator())]
    return [[int(number) for number in keras.ops.convert_to_numpy(state)] for state in states]


def assert_same_training(one: Any, other: Any) -> None:
    """Two Histories with bit-equal logs, and models with bit-equal weights."""
    assert one.history == other.history
    for weight, other_weight in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other_weight)


def test_train_dev_and_test_error_are_those_of_the_final_weights(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, at="last", train_data=TRAIN, dev_data=DEV, test_data=TEST)
    history = fit(callback)
    run = read_run(store, callback)
    metrics, tags = run.data.metrics, run.data.tags

    assert metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)
    assert metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert metrics["bvtrack/test_error"] == error_of(history.model, TEST)
    assert metrics["bvtrack/train_error_running"] == pytest.approx(1 - history.history["accuracy"][-1])
    assert metrics["bvtrack/train_error_running"] != pytest.approx(metrics["bvtrack/train_error"], abs=0.05)
    assert '"n":{"train":300,"dev":130,"test":90}' in tags["bvtrack.gaps"]
    assert (tags["bvtrack.state"], tags["bvtrack.source"], run.info.status) == ("complete", "callback", "FINISHED")
    assert (tags["bvtrack.model.dropout"], tags["bvtrack.model.optimizer"]) == ("0.5", "Adam")
    assert "unchecked" not in {tags["bvtrack.split"], tags["bvtrack.distribution"]}


def test_a_training_is_the_same_with_and_without_the_callback(store: str) -> None:
    data: dict[str, Any] = {"train_data": loader(*TRAIN), "dev_data": DEV, "test_data": loader(*TEST)}
    trainings, draws, seeds = [], [], []
    keras.src.random.seed_generator.global_seed_generator()  # made on first use, from Python's random state
    for callbacks in ([], [BiasVarianceCallback(tracking_uri=store, **data)]):
        trainings.append(fit(*callbacks, validation_data=None))
        seeds.append(seeds_of(trainings[-1].model))
        draws.append((random.random(), np.random.rand(), torch.rand(1)))

    assert_same_training(*trainings)
    assert draws[0] == draws[1]
    assert seeds[0] == seeds[1]


def test_seeds_and_metrics_of_a_model_that_draws_in_eval_mode_too_are_left_alone(store: str) -> None:
    class AlwaysDropout(keras.layers.Dropout):  # type: ignore[misc]
        def call(self, inputs: Any, training: bool = True) -> Any:
            return super().call(inputs, training=True)

    peeks = Peeking(), Peeking()
    trainings: list[Any] = []
    seeds = []
    for callbacks in ([], [BiasVarianceCallback(tracking_uri=store, train_data=TRAIN, dev_data=DEV)]):
        peek = peeks[len(trainings)]
        trainings.append(fit(*callbacks, peek, model=net(AlwaysDropout(0.5, seed=1)), validation_data=None))
        seeds.append(seeds_of(trainings[-1].model))

    assert seeds[0] == seeds[1]
    assert_same_training(*trainings)
    assert peeks[0].seen == peeks[1].seen


def test_a_dataset_that_is_trained_on_too_is_told_of_no_epoch_more(store: str) -> None:
    bare, tracked = Batches(*TRAIN), Batches(*TRAIN)
    fit(data=bare)
    fit(BiasVarianceCallback(tracking_uri=store, train_data=tracked), data=tracked)

    assert bare.ends == tracked.ends


def test_no_validation_data_is_said_once_and_the_training_goes_on(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(human_error=0.7, tracking_uri=store, train_data=TRAIN)  # no bias; variance unknown
    history = fit(callback, validation_data=None)
    run = read_run(store, callback)

    assert history.epoch == [0, 1]
    assert said.pop().startswith("bvtrack: expected validation data to measure the dev error on, got none")
    assert said == []
    assert run.data.tags["bvtrack.diagnosis"] == "undetermined"
    assert run.data.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)


def test_dev_data_stand_in_for_the_validation_data_of_fit(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, at="last", dev_data=DEV)
    history = fit(callback, validation_data=None)

    assert read_run(store, callback).data.metrics["bvtrack/dev_error"] == error_of(history.model, DEV)


def test_without_data_the_logs_of_fit_are_diagnosed_and_the_split_is_unchecked(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    history = fit(callback)
    run = read_run(store, callback)
    metrics, tags = run.data.metrics, run.data.tags

    assert metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert metrics["bvtrack/train_error"] == pytest.approx(1 - history.history["accuracy"][-1])
    assert (tags["bvtrack.split"], tags["bvtrack.distribution"]) == ("unchecked", "unchecked")
    assert tags["bvtrack.measure"] == "1 - val_accuracy (train: running average, not in eval mode)"


def test_a_metric_that_is_not_logged_is_said_with_what_is(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(measure="val_f1", tracking_uri=store, train_data=TRAIN)
    fit(callback)

    assert said.pop() == (
        "bvtrack: no metric named 'val_f1' was logged; logged: accuracy, loss, val_accuracy, val_loss; "
        "taking 1 - val_accuracy instead"
    )
    assert said == []
    assert read_run(store, callback).data.tags["bvtrack.measure"] == "1 - val_accuracy"


def test_a_model_compiled_without_an_accuracy_is_undetermined(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_data=TRAIN, test_data=TEST)
    history = fit(callback, model=net(metrics=()))
    run = read_run(store, callback)

    assert history.epoch == [0, 1]
    assert said.pop().startswith("bvtrack: expected an error rate or an accuracy to diagnose, got loss, val_loss")
    assert said == []
    assert (run.data.tags["bvtrack.diagnosis"], run.data.metrics) == ("undetermined", {})


def test_test_data_that_cannot_be_evaluated_cost_only_the_test_error(store: str, said: list[str]) -> None:
    misshapen = np.zeros((90, 5), "float32"), TEST[1]
    callback = BiasVarianceCallback(tracking_uri=store, test_data=misshapen)
    history = fit(callback)
    metrics = read_run(store, callback).data.metrics

    assert history.epoch == [0, 1]
    assert said.pop().startswith("bvtrack: the test error is missing, for evaluate failed on test_data (ValueError(")
    assert said == []
    assert metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert "bvtrack/test_error" not in metrics


def test_a_loss_that_is_no_number_is_tagged_as_diverged(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_data=TRAIN)
    fit(callback, data=(TRAIN[0] * np.nan, TRAIN[1]))
    tags = read_run(store, callback).data.tags

    assert said.pop() == "bvtrack: train_error must be a number in [0, 1]; got nan: the run is tagged as diverged"
    assert said == []
    assert (tags["bvtrack.diagnosis"], tags["bvtrack.state"]) == ("diverged", "complete")


@pytest.mark.parametrize(
    ("error", "state", "status"),
    [(RuntimeError("out of memory"), "failed", "FAILED"), (KeyboardInterrupt(), "interrupted", "KILLED")],
)
def test_a_training_that_raises_in_the_context_ends_its_run(store: str, error: BaseException, state: str, status: str) -> None:
    with pytest.raises(type(error)), BiasVarianceCallback(tracking_uri=store) as callback:
        fit(callback, Failing(error))
    run = read_run(store, callback)

    assert (run.data.tags["bvtrack.state"], run.info.status) == (state, status)
    assert steps_of(store, callback, "bvtrack/dev_error") == [0]


def test_each_training_of_one_callback_is_a_run_of_its_own_and_ends_one_that_raised(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    trackers = []
    for others in ([], [Failing(RuntimeError("out of memory"))], []):
        with contextlib.suppress(RuntimeError):
            fit(callback, *others)
        trackers.append(callback.tracker)
    runs = [MlflowClient(store).get_run(tracker.run_id) for tracker in trackers if tracker and tracker.run_id]

    assert [run.data.tags["bvtrack.state"] for run in runs] == ["complete", "failed", "complete"]
    assert [run.info.status for run in runs] == ["FINISHED", "FAILED", "FINISHED"]
    assert len(MlflowClient(store).search_runs(["0"])) == 3
    assert steps_of(store, callback, "bvtrack/dev_error") == [0, 1]


def test_disabled_does_nothing(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_DISABLED", "1")
    before = set(tmp_path.rglob("*"))
    with BiasVarianceCallback(tracking_uri=store, train_data=TRAIN) as callback:
        fit(callback)

    assert callback.tracker is None
    assert set(tmp_path.rglob("*")) == before
    assert MlflowClient(store).search_runs(["0"]) == []


@pytest.mark.parametrize(
    ("argument", "data", "message"),
    [
        ("train_data", (TRAIN[0], DEV[1]), r"train_data must hold equally many examples in x and y.*got \[130, 300\]"),
        ("dev_data", (TRAIN[0][:0], TRAIN[1][:0]), r"dev_data must hold .*at least 1; got \[0\]"),
        ("test_data", (*TEST, TEST[1]), r"test_data must be a pair \(x, y\) or a dataset; got a tuple of 3"),
        ("train_data", ({"one": TRAIN[0], "two": DEV[0]}, TRAIN[1]), r"train_data must hold .*got \[130, 300\]"),
    ],
    ids=["unequal", "empty", "three", "unequal inputs"],
)
def test_data_that_are_no_pair_are_refused_when_the_callback_is_made(argument: str, data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BiasVarianceCallback(**{argument: data})


def test_a_generator_is_refused_for_it_can_be_read_only_once() -> None:
    def batches() -> Iterator[Any]:
        yield TRAIN

    with pytest.raises(ValueError, match="train_data must be"):
        BiasVarianceCallback(train_data=batches())


@pytest.mark.parametrize(
    "arguments",
    [
        {"human_error": 2.0},
        {"test_every": -1},
        {"train_eval": "half"},
        {"measure": "dice"},
        {"at": "first"},
        {"tracking_uri": "./mlruns"},
    ],
)
def test_a_bad_argument_is_refused_when_the_callback_is_made(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"got|does not say"):
        BiasVarianceCallback(**arguments)


def test_the_test_error_is_never_measured_with_test_every_0(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, test_data=TEST, test_every=0)
    fit(callback)

    assert {"bvtrack/dev_error", "bvtrack/test_error"} & read_run(store, callback).data.metrics.keys() == {"bvtrack/dev_error"}


def test_the_active_mlflow_run_is_used_and_left_open(store: str) -> None:
    mlflow.set_tracking_uri(store)
    with mlflow.start_run() as active:
        callback = BiasVarianceCallback()
        fit(callback, epochs=1)
        run = read_run(store, callback)
    runs = MlflowClient(store).search_runs(["0"])

    assert [run.info.run_id for run in runs] == [active.info.run_id]
    assert (run.info.run_id, run.info.status) == (active.info.run_id, "RUNNING")
    assert run.data.tags["bvtrack.state"] == "complete"
    assert "bvtrack/dev_error" in run.data.metrics


def test_loaders_and_datasets_are_data_too(store: str) -> None:
    train, dev = loader(*TRAIN), Batches(*DEV)
    callback = BiasVarianceCallback(tracking_uri=store, at="last", train_data=train, dev_data=dev, test_data=loader(*TEST))
    history = fit(callback, data=train, validation_data=None)
    run = read_run(store, callback)

    assert run.data.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)
    assert run.data.metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert run.data.metrics["bvtrack/test_error"] == error_of(history.model, TEST)
    assert '"n":{"train":300,"test":90}' in run.data.tags["bvtrack.gaps"]
    assert run.data.tags["bvtrack.split"] == "unchecked"


def test_the_part_that_is_measured_keeps_each_example_with_its_target(store: str) -> None:
    x, y = split(1200, 3)
    train = x, pd.Series(y, index=np.arange(1200)[::-1])  # an index as a shuffled split leaves it
    callback = BiasVarianceCallback(tracking_uri=store, at="last", train_data=train, dev_data=DEV)
    history = fit(callback, data=(x, y), validation_data=None)
    metrics = read_run(store, callback).data.metrics
    drawn = choose_examples(1200, 1000)

    assert metrics["bvtrack/train_error"] == error_of(history.model, (x[drawn], y[drawn]))


def test_a_binary_classifier_is_diagnosed_by_its_binary_accuracy(store: str) -> None:
    (x, y), (x_dev, y_dev) = ((data[0], (data[1] > 0).astype("float32")[:, None]) for data in (TRAIN, DEV))
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy", "auc"])
    callback = BiasVarianceCallback(tracking_uri=store, at="last", train_data=(x, y), dev_data=(x_dev, y_dev))
    fit(callback, model=model, data=(x, y), validation_data=(x_dev, y_dev))
    run = read_run(store, callback)
    wrong = {
        name: (model.predict(of[0], verbose=0) > 0.5) != of[1] for name, of in [("train", (x, y)), ("dev", (x_dev, y_dev))]
    }

    assert run.data.tags["bvtrack.measure"] == "1 - val_binary_accuracy"
    assert run.data.metrics["bvtrack/train_error"] == pytest.approx(wrong["train"].mean(), abs=1e-6)
    assert run.data.metrics["bvtrack/dev_error"] == pytest.approx(wrong["dev"].mean(), abs=1e-6)


def test_dev_and_test_errors_are_those_of_the_epochs_that_measure_them(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_data=TRAIN, test_data=TEST, test_every=2)
    fit(callback, epochs=4, validation_freq=2)

    assert ["got none in this epoch" in message for message in said] == [True]
    said.clear()
    assert steps_of(store, callback, "bvtrack/train_error") == [0, 1, 2, 3]
    assert steps_of(store, callback, "bvtrack/dev_error") == [1, 3]
    assert steps_of(store, callback, "bvtrack/test_error") == [0, 2]


def test_an_endless_training_is_measured_at_the_end_of_its_steps(store: str) -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield TRAIN

    callback = BiasVarianceCallback(tracking_uri=store, at="last", train_data=TRAIN)
    history = fit(callback, data=endless(), steps_per_epoch=3, validation_data=endless(), validation_steps=2)

    assert steps_of(store, callback, "bvtrack/dev_error") == [0, 1]
    assert read_run(store, callback).data.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)


def test_a_layer_that_is_only_called_dropout_costs_nothing(store: str, said: list[str]) -> None:
    class DropoutBlock(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    callback = BiasVarianceCallback(tracking_uri=store, at="last", train_data=TRAIN, dev_data=DEV)
    history = fit(callback, model=net(DropoutBlock(), keras.layers.Dropout(0.5)))
    run = read_run(store, callback)

    assert run.data.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)
    assert run.data.tags["bvtrack.split"] != "unchecked"


def test_an_evaluation_after_the_training_is_a_test_error_of_its_last_epoch(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_data=TRAIN)
    history = fit(callback, epochs=2)
    history.model.evaluate(*TEST, verbose=0, callbacks=[callback])

    assert steps_of(store, callback, "bvtrack/test_error") == [1]
    assert read_run(store, callback).data.metrics["bvtrack/test_error"] == error_of(history.model, TEST)


def test_the_train_error_is_measured_on_what_was_asked_for(store: str) -> None:
    plain, train_dev = (TRAIN[0][:40], TRAIN[1][:40]), (TRAIN[0][40:90], TRAIN[1][40:90])
    callback = BiasVarianceCallback(
        tracking_uri=store, at="last", train_data=TRAIN, train_eval="full", train_eval_data=plain, train_dev_data=train_dev
    )
    history = fit(callback, epochs=1)
    run = read_run(store, callback)

    assert run.data.metrics["bvtrack/train_error"] == error_of(history.model, plain)
    assert run.data.metrics["bvtrack/train_dev_error"] == error_of(history.model, train_dev)
    assert '"train":40,"train_dev":50' in run.data.tags["bvtrack.gaps"]


def test_a_running_train_error_is_what_fit_logs(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_data=TRAIN, train_eval="running")
    fit(callback, epochs=1)
    run = read_run(store, callback)

    assert run.data.metrics["bvtrack/train_error"] == run.data.metrics["bvtrack/train_error_running"]
    assert "running average" in run.data.tags["bvtrack.measure"]
