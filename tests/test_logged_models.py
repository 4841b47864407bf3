"""Models that a run has logged carry its verdict, or say of which epochs verdict and weights are."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras_training
import mlflow
import pytest
import small_nets
from keras_training import DEV, TRAIN
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

import bvtrack
from bvtrack_keras import BiasVarianceCallback

Send = Callable[[], None]
ERRORS = {"train": "bvtrack/verdict/train_error", "dev": "bvtrack/verdict/dev_error"}


@contextmanager
def autologged(module: Any, store: str, **options: Any) -> Iterator[None]:
    """In a run of one of MLflow's autologgers, which logs the model at the end of `fit`."""
    mlflow.set_tracking_uri(store)
    module.autolog(silent=True, log_models=True, **options)
    try:
        with warnings.catch_warnings(), mlflow.start_run():
            warnings.simplefilter("ignore")  # what the frameworks say to each other is not ours to mend
            yield
    finally:
        module.autolog(disable=True, silent=True)


def models(store: str) -> list[LoggedModel]:
    """All models, the oldest first."""
    client = MlflowClient(store)
    found = [client.get_logged_model(one.model_id) for one in client.search_logged_models(["0"])]
    return sorted(found, key=lambda model: int(model.creation_timestamp))


def errors_of(model: LoggedModel) -> dict[str, tuple[str | None, float]]:
    """The dataset and the value of each of our metrics that the model has."""
    return {one.key: (one.dataset_name, one.value) for one in model.metrics or () if one.key in ERRORS.values()}


@pytest.fixture(params=["lightning", "keras"])
def trained(request: pytest.FixtureRequest, store: str, send: Send) -> LoggedModel:
    """The model of a training that an autologger has logged beside our callback."""
    if request.param == "lightning":
        with autologged(mlflow.pytorch, store, checkpoint=False):
            small_nets.fit(small_nets.Net(), small_nets.tracked())
    else:
        with autologged(mlflow.keras, store):
            keras_training.fit(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV))
    send()
    (model,) = models(store)
    return model


def test_an_autologged_model_has_the_errors_of_the_verdict_and_says_of_which_epochs_both_are(
    trained: LoggedModel, store: str
) -> None:
    (run,) = MlflowClient(store).search_runs(["0"])
    last = max(point.step for point in MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error"))
    is_of_verdict = run.data.tags["bvtrack.epoch"] == str(last)

    assert errors_of(trained) == {metric: (name, run.data.metrics[metric]) for name, metric in ERRORS.items()}
    assert trained.tags["bvtrack.epoch"] == run.data.tags["bvtrack.epoch"]
    assert trained.tags["bvtrack.weights"] == f"last epoch ({last})"
    assert trained.tags.get("bvtrack.diagnosis") == (run.data.tags["bvtrack.diagnosis"] if is_of_verdict else None)


def a_training(store: str, dev_errors: tuple[float, ...], **options: Any) -> bvtrack.Tracker:
    tracker = bvtrack.Tracker(tracking_uri=store, **options)
    first = len(tracker.state()["epochs"])
    for epoch, dev_error in enumerate(dev_errors, start=first):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=dev_error)
    return tracker


@pytest.mark.parametrize(("dev_errors", "diagnosis"), [((0.2, 0.11), "high_variance"), ((0.11, 0.2), None)])
def test_the_diagnosis_is_that_of_a_model_of_its_epoch_alone(
    store: str, send: Send, dev_errors: tuple[float, ...], diagnosis: str | None
) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    tracker = a_training(store, dev_errors, run_id=run_id)
    client.create_logged_model("0", "of the end", source_run_id=run_id)
    tracker.close()
    send()
    (model,) = models(store)

    assert model.tags.get("bvtrack.diagnosis") == diagnosis
    assert model.tags["bvtrack.weights"] == "last epoch (1)"


def test_of_several_models_each_is_tagged_and_the_newest_has_the_errors(store: str, send: Send) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    given = client.create_logged_model("0", "given", source_run_id=run_id)
    client.finalize_logged_model(given.model_id, "READY")
    tracker = a_training(store, (0.2, 0.11), run_id=run_id)
    client.create_logged_model("0", "of the end", source_run_id=run_id)
    tracker.close()
    send()
    before, after = models(store)

    assert (before.tags["bvtrack.weights"], before.tags.get("bvtrack.diagnosis")) == ("unknown", None)
    assert after.tags["bvtrack.diagnosis"] == "high_variance"
    assert (set(errors_of(before)), set(errors_of(after))) == (set(), set(ERRORS.values()))


def test_a_model_is_no_longer_that_of_the_verdict_when_its_training_has_gone_on(store: str, send: Send) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    tracker = a_training(store, (0.2, 0.11), run_id=run_id)
    model = client.create_logged_model("0", "of the end", source_run_id=run_id)
    tracker.close()
    client.finalize_logged_model(model.model_id, "READY")
    send()
    before = models(store)[0].tags
    a_training(store, (0.1,), run_id=run_id, resume=tracker.state()).close()
    send()
    after = models(store)[0].tags

    assert before["bvtrack.diagnosis"] == "high_variance"
    assert ("bvtrack.diagnosis" in after, after["bvtrack.epoch"], after["bvtrack.weights"]) == (False, "2", "unknown")


def test_the_table_is_the_same_with_a_model_as_without(store: str, send: Send) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    client.create_logged_model("0", "of the end", source_run_id=run_id)
    a_training(store, (0.2, 0.11, 0.3), run_id=run_id).close()
    send()
    points = client.get_metric_history(run_id, ERRORS["dev"])

    assert [(point.step, point.value) for point in points] == [(0, 0.11)]
    assert not any(math.isnan(value) for value in client.get_run(run_id).data.metrics.values())


def test_a_model_that_is_logged_after_the_training_is_found_with_the_test_error(store: str, send: Send) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    tracker = a_training(store, (0.2, 0.11), run_id=run_id)
    tracker.close()
    send()
    client.create_logged_model("0", "afterwards", source_run_id=run_id)
    tracker.log_test(0.12)
    send()
    (model,) = models(store)

    assert model.tags["bvtrack.diagnosis"] == "high_variance"
    assert {one.key for one in model.metrics or ()} >= {"bvtrack/verdict/test_error"}


def test_a_store_without_models_takes_all_the_rest(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(MlflowClient, "search_logged_models", refuse)  # as the file store and servers before MLflow 3 do
    a_training(store, (0.2, 0.11)).close()
    send()
    (run,) = MlflowClient(store).search_runs(["0"])

    assert (run.info.status, run.data.tags["bvtrack.diagnosis"]) == ("FINISHED", "high_variance")
