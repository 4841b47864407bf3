from __future__ import annotations

import contextlib
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from keras_training import (
    DEV,
    TEST,
    TRAIN,
    Batches,
    Failing,
    Peeking,
    assert_same_training,
    error_of,
    fit,
    loader,
    net,
    read_run,
    seeds_of,
    split,
    steps_of,
)
from mlflow import MlflowClient
from mlflow.entities import Run as StoredRun

from bvtrack.adapters import choose_examples
from bvtrack.schema.model_tags import read_model
from bvtrack_keras import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras warns of its backends and of data that run out


def read_stored_run(store: str, callback: BiasVarianceCallback) -> StoredRun:
    assert callback.tracker is not None
    assert callback.tracker.run_id is not None
    return MlflowClient(store).get_run(callback.tracker.run_id)


def stored_steps(store: str, callback: BiasVarianceCallback, metric: str) -> list[int]:
    run_id = read_stored_run(store, callback).info.run_id
    return [point.step for point in MlflowClient(store).get_metric_history(run_id, metric)]


def test_train_dev_and_test_error_are_those_of_the_final_weights(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, at="last", train_data=TRAIN, dev_data=DEV, test_data=TEST)
    history = fit(callback)
    run = read_stored_run(store, callback)
    metrics, tags = run.data.metrics, run.data.tags

    assert metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)
    assert metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert metrics["bvtrack/test_error"] == error_of(history.model, TEST)
    assert metrics["bvtrack/train_error_running"] == pytest.approx(1 - history.history["accuracy"][-1])
    assert metrics["bvtrack/train_error_running"] != pytest.approx(metrics["bvtrack/train_error"], abs=0.05)
    assert '"n":{"train":300,"dev":130,"test":90}' in tags["bvtrack.gaps"]
    assert (tags["bvtrack.state"], tags["bvtrack.source"], run.info.status) == ("complete", "callback", "FINISHED")
    assert (read_model(tags).dropout, read_model(tags).optimizer) == (0.5, "Adam")
    assert "unchecked" not in {tags["bvtrack.split"], tags["bvtrack.distribution"]}


def test_a_training_is_the_same_with_and_without_the_callback(journals: Path) -> None:
    data: dict[str, Any] = {"train_data": loader(*TRAIN), "dev_data": DEV, "test_data": loader(*TEST)}
    trainings, draws, seeds = [], [], []
    keras.src.random.seed_generator.global_seed_generator()  # made on first use, from Python's random state
    for callbacks in ([], [BiasVarianceCallback(**data)]):
        trainings.append(fit(*callbacks, validation_data=None))
        seeds.append(seeds_of(trainings[-1].model))
        draws.append((random.random(), np.random.rand(), torch.rand(1)))

    assert_same_training(*trainings)
    assert draws[0] == draws[1]
    assert seeds[0] == seeds[1]


def test_seeds_and_metrics_of_a_model_that_draws_in_eval_mode_too_are_left_alone(journals: Path) -> None:
    class AlwaysDropout(keras.layers.Dropout):  # type: ignore[misc]
        def call(self, inputs: Any, training: bool = True) -> Any:
            return super().call(inputs, training=True)

    peeks = Peeking(), Peeking()
    trainings: list[Any] = []
    seeds = []
    for callbacks in ([], [BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)]):
        peek = peeks[len(trainings)]
        trainings.append(fit(*callbacks, peek, model=net(AlwaysDropout(0.5, seed=1)), validation_data=None))
        seeds.append(seeds_of(trainings[-1].model))

    assert seeds[0] == seeds[1]
    assert_same_training(*trainings)
    assert peeks[0].seen == peeks[1].seen


def test_a_dataset_that_is_trained_on_too_is_told_of_no_epoch_more(journals: Path) -> None:
    bare, tracked = Batches(*TRAIN), Batches(*TRAIN)
    fit(data=bare)
    fit(BiasVarianceCallback(train_data=tracked), data=tracked)

    assert bare.ends == tracked.ends


def test_no_validation_data_is_said_once_and_the_training_goes_on(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(human_error=0.7, train_data=TRAIN)  # no bias; variance unknown
    history = fit(callback, validation_data=None)
    run = read_run(journals)

    assert history.epoch == [0, 1]
    assert said.pop().startswith("bvtrack: expected validation data to measure the dev error on, got none")
    assert said == []
    assert run.tags["bvtrack.diagnosis"] == "undetermined"
    assert run.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)


def test_dev_data_stand_in_for_the_validation_data_of_fit(journals: Path) -> None:
    callback = BiasVarianceCallback(at="last", dev_data=DEV)
    history = fit(callback, validation_data=None)

    assert read_run(journals).metrics["bvtrack/dev_error"] == error_of(history.model, DEV)


def test_without_data_the_logs_of_fit_are_diagnosed_and_the_split_is_unchecked(journals: Path) -> None:
    callback = BiasVarianceCallback()
    history = fit(callback)
    run = read_run(journals)
    metrics, tags = run.metrics, run.tags

    assert metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert metrics["bvtrack/train_error"] == pytest.approx(1 - history.history["accuracy"][-1])
    assert (tags["bvtrack.split"], tags["bvtrack.distribution"]) == ("unchecked", "unchecked")
    assert tags["bvtrack.measure"] == "1 - val_accuracy (train: running average, not in eval mode)"


def test_a_metric_that_is_not_logged_is_said_with_what_is(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(measure="val_f1", train_data=TRAIN)
    fit(callback)

    assert said.pop() == (
        "bvtrack: no metric named 'val_f1' was logged; logged: accuracy, loss, val_accuracy, val_loss; "
        "taking 1 - val_accuracy instead"
    )
    assert said == []
    assert read_run(journals).tags["bvtrack.measure"] == "1 - val_accuracy"


def test_a_model_compiled_without_an_accuracy_is_diagnosed_by_its_bare_loss(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(at="last", train_data=TRAIN, test_data=TEST)
    history = fit(callback, model=net(metrics=()))
    run = read_run(journals)
    loss = history.model.evaluate(*TRAIN, verbose=0)

    assert said == []
    assert run.tags["bvtrack.measure"] == "1 - exp(-val_loss) (a bare loss)"
    assert run.metrics["bvtrack/train_error"] == pytest.approx(1 - math.exp(-loss), abs=1e-6)


def test_test_data_that_cannot_be_evaluated_cost_only_the_test_error(journals: Path, said: list[str]) -> None:
    misshapen = np.zeros((90, 5), "float32"), TEST[1]
    callback = BiasVarianceCallback(test_data=misshapen)
    history = fit(callback)
    metrics = read_run(journals).metrics

    assert history.epoch == [0, 1]
    assert said.pop().startswith("bvtrack: the test error is missing, for evaluate failed on test_data (ValueError(")
    assert said == []
    assert metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert "bvtrack/test_error" not in metrics


def test_a_loss_that_is_no_number_is_tagged_as_diverged(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN)
    fit(callback, data=(TRAIN[0] * np.nan, TRAIN[1]))
    tags = read_run(journals).tags

    assert said.pop() == "bvtrack: train_error must be a finite number; got nan: the run is tagged as diverged"
    assert said == []
    assert (tags["bvtrack.diagnosis"], tags["bvtrack.state"]) == ("diverged", "complete")


@pytest.mark.parametrize(
    ("error", "state", "status"),
    [(RuntimeError("out of memory"), "failed", "FAILED"), (KeyboardInterrupt(), "interrupted", "KILLED")],
)
def test_a_training_that_raises_in_the_context_ends_its_run(store: str, error: BaseException, state: str, status: str) -> None:
    with pytest.raises(type(error)), BiasVarianceCallback(tracking_uri=store) as callback:
        fit(callback, Failing(error))
    run = read_stored_run(store, callback)

    assert (run.data.tags["bvtrack.state"], run.info.status) == (state, status)
    assert stored_steps(store, callback, "bvtrack/dev_error") == [0]


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
    assert stored_steps(store, callback, "bvtrack/dev_error") == [0, 1]


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
        ("test_data", (*TEST, TEST[1], TEST[1]), r"test_data must be \(x, y\), \(x, y, sample_weight\) or .*got a tuple of 4"),
        ("train_data", ({"one": TRAIN[0], "two": DEV[0]}, TRAIN[1]), r"train_data must hold .*got \[130, 300\]"),
    ],
    ids=["unequal", "empty", "four", "unequal inputs"],
)
def test_data_that_are_no_pair_or_triple_are_refused_when_the_callback_is_made(argument: str, data: Any, message: str) -> None:
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
        {"measure": "perplexity"},
        {"at": "first"},
        {"tracking_uri": "./mlruns"},
    ],
)
def test_a_bad_argument_is_refused_when_the_callback_is_made(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"got|does not say"):
        BiasVarianceCallback(**arguments)


def test_an_environment_without_a_store_costs_a_warning_and_no_training(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    history = fit(BiasVarianceCallback())

    assert history.epoch
    assert "MLflow has given up the ./mlruns file store" in said.pop()


def test_the_test_error_is_never_measured_with_test_every_0(journals: Path) -> None:
    callback = BiasVarianceCallback(test_data=TEST, test_every=0)
    fit(callback)

    assert {"bvtrack/dev_error", "bvtrack/test_error"} & read_run(journals).metrics.keys() == {"bvtrack/dev_error"}


def test_the_active_mlflow_run_is_used_and_left_open(store: str) -> None:
    mlflow.set_tracking_uri(store)
    with mlflow.start_run() as active:
        callback = BiasVarianceCallback()
        fit(callback, epochs=1)
        run = read_stored_run(store, callback)
    runs = MlflowClient(store).search_runs(["0"])

    assert [run.info.run_id for run in runs] == [active.info.run_id]
    assert (run.info.run_id, run.info.status) == (active.info.run_id, "RUNNING")
    assert run.data.tags["bvtrack.state"] == "complete"
    assert "bvtrack/dev_error" in run.data.metrics


def test_loaders_and_datasets_are_data_too(journals: Path) -> None:
    train, dev = loader(*TRAIN), Batches(*DEV)
    callback = BiasVarianceCallback(at="last", train_data=train, dev_data=dev, test_data=loader(*TEST))
    history = fit(callback, data=train, validation_data=None)
    run = read_run(journals)

    assert run.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)
    assert run.metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert run.metrics["bvtrack/test_error"] == error_of(history.model, TEST)
    assert json.loads(run.tags["bvtrack.gaps"])["n"] == {"train": 300, "dev": 130, "test": 90}
    assert run.tags["bvtrack.split"] == "ok"


def test_the_part_that_is_measured_keeps_each_example_with_its_target(journals: Path) -> None:
    x, y = split(1200, 3)
    train = x, pd.Series(y, index=np.arange(1200)[::-1])  # an index as a shuffled split leaves it
    callback = BiasVarianceCallback(at="last", train_data=train, dev_data=DEV)
    history = fit(callback, data=(x, y), validation_data=None)
    metrics = read_run(journals).metrics
    drawn = choose_examples(1200, 1000)

    assert metrics["bvtrack/train_error"] == error_of(history.model, (x[drawn], y[drawn]))


def test_a_binary_classifier_is_diagnosed_by_its_binary_accuracy(journals: Path) -> None:
    (x, y), (x_dev, y_dev) = ((data[0], (data[1] > 0).astype("float32")[:, None]) for data in (TRAIN, DEV))
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy", "auc"])
    callback = BiasVarianceCallback(at="last", train_data=(x, y), dev_data=(x_dev, y_dev))
    fit(callback, model=model, data=(x, y), validation_data=(x_dev, y_dev))
    run = read_run(journals)
    wrong = {
        name: (model.predict(of[0], verbose=0) > 0.5) != of[1] for name, of in [("train", (x, y)), ("dev", (x_dev, y_dev))]
    }

    assert run.tags["bvtrack.measure"] == "1 - val_binary_accuracy"
    assert run.metrics["bvtrack/train_error"] == pytest.approx(wrong["train"].mean(), abs=1e-6)
    assert run.metrics["bvtrack/dev_error"] == pytest.approx(wrong["dev"].mean(), abs=1e-6)


def test_dev_and_test_errors_are_those_of_the_epochs_that_measure_them(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, test_data=TEST, test_every=2)
    fit(callback, epochs=4, validation_freq=2)

    assert ["got none in this epoch" in message for message in said] == [True]
    said.clear()
    assert steps_of(journals, "bvtrack/train_error") == [0, 1, 2, 3]
    assert steps_of(journals, "bvtrack/dev_error") == [1, 3]
    assert steps_of(journals, "bvtrack/test_error") == [0, 2]


def test_an_endless_training_is_measured_at_the_end_of_its_steps(journals: Path) -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield TRAIN

    callback = BiasVarianceCallback(at="last", train_data=TRAIN)
    history = fit(callback, data=endless(), steps_per_epoch=3, validation_data=endless(), validation_steps=2)

    assert steps_of(journals, "bvtrack/dev_error") == [0, 1]
    assert read_run(journals).metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)


def test_a_layer_that_is_only_called_dropout_costs_nothing(journals: Path, said: list[str]) -> None:
    class DropoutBlock(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    callback = BiasVarianceCallback(at="last", train_data=TRAIN, dev_data=DEV)
    history = fit(callback, model=net(DropoutBlock(), keras.layers.Dropout(0.5)))
    run = read_run(journals)

    assert run.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)
    assert run.tags["bvtrack.split"] != "unchecked"


def test_an_evaluation_after_the_training_is_a_test_error_of_its_last_epoch(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_data=TRAIN)
    history = fit(callback, epochs=2)
    history.model.evaluate(*TEST, verbose=0, callbacks=[callback])

    assert stored_steps(store, callback, "bvtrack/test_error") == [1]
    assert read_stored_run(store, callback).data.metrics["bvtrack/test_error"] == error_of(history.model, TEST)


def test_the_train_error_is_measured_on_what_was_asked_for(journals: Path) -> None:
    plain, train_dev = (TRAIN[0][:40], TRAIN[1][:40]), (TRAIN[0][40:90], TRAIN[1][40:90])
    callback = BiasVarianceCallback(
        at="last", train_data=TRAIN, train_eval="full", train_eval_data=plain, train_dev_data=train_dev
    )
    history = fit(callback, epochs=1)
    run = read_run(journals)

    assert run.metrics["bvtrack/train_error"] == error_of(history.model, plain)
    assert run.metrics["bvtrack/train_dev_error"] == error_of(history.model, train_dev)
    assert '"train":40,"train_dev":50' in run.tags["bvtrack.gaps"]


def test_a_running_train_error_is_what_fit_logs(journals: Path) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, train_eval="running")
    fit(callback, epochs=1)
    run = read_run(journals)

    assert run.metrics["bvtrack/train_error"] == run.metrics["bvtrack/train_error_running"]
    assert "running average" in run.tags["bvtrack.measure"]
