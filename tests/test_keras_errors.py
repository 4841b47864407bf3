"""What the errors of a Keras training are: compiled metrics, functions, metric objects, and what goes wrong with them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_training import DEV, TEST, TRAIN, Batches, Run, error_of, fit, loader, on_backend, read_run, split

from bvtrack.adapters import TimeBudget, choose_examples
from bvtrack.schema.model_tags import read_model
from bvtrack_keras import BiasVarianceCallback
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.subset import affordable_part

pytestmark = pytest.mark.filterwarnings("ignore")

X, X_DEV = TRAIN[0], DEV[0]
LENGTHS, LENGTHS_DEV = ((3 * x[:, :1] + x[:, 1:2] + 10).astype("float32") for x in (X, X_DEV))
SETS: dict[str, Any] = {"train_data": TRAIN, "dev_data": DEV, "test_data": TEST}


class Augmenting(Batches):
    """Other inputs each time it is read."""

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x + np.random.normal(size=x.shape).astype("float32"), y


class Broken(Batches):
    """Raises at its second batch."""

    def __getitem__(self, index: int) -> Any:
        if index == 1:
            raise OSError("the disk is gone")
        return super().__getitem__(index)


class Adding(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Adds a metric to the logs, from the second epoch on."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch > 0:
            logs["val_f1"] = 0.5


def regression(loss: str = "mse", metrics: tuple[Any, ...] = ()) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=list(metrics))
    return model


def fit_lengths(callback: BiasVarianceCallback, model: Any) -> None:
    fit(callback, model=model, data=(X, LENGTHS), validation_data=(X_DEV, LENGTHS_DEV), epochs=8)


def is_wrong(predictions: Any, targets: Any) -> Any:
    return predictions.argmax(axis=1) != targets


def share_wrong(predictions: Any, targets: Any) -> float:
    return float(np.mean(is_wrong(predictions, targets)))


def y_true_first(y_true: Any, y_pred: Any) -> Any:
    return y_pred.argmax(axis=1) != y_true


def last_epoch(run: Run) -> dict[str, Any]:
    return dict([record for record in run.records if record["kind"] == "epoch"][-1])


@pytest.mark.parametrize("error", [is_wrong, y_true_first], ids=["predictions first", "targets first"])
def test_a_function_that_says_which_are_wrong_is_a_rate_with_counts(journals: Path, error: Any) -> None:
    callback = BiasVarianceCallback(error=error, at="last", **SETS)
    history = fit(callback, validation_data=None)
    run = read_run(journals)

    for name, data in {"train": TRAIN, "dev": DEV, "test": TEST}.items():
        assert run.metrics[f"bvtrack/{name}_error"] == error_of(history.model, data)
    assert last_epoch(run)["counts"] == {"train": 300, "dev": 130, "test": 90}
    assert run.tags["bvtrack.measure"] == error.__name__


@on_backend("torch")
def test_a_function_of_all_examples_has_bootstrap_intervals(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.measures.example_error.SECONDS", 60.0)  # which a busy machine may need
    callback = BiasVarianceCallback(error=share_wrong, train_data=loader(*TRAIN), dev_data=Batches(*DEV))
    history = fit(callback, validation_data=None, epochs=1)
    epoch = last_epoch(read_run(journals))
    low, high = epoch["intervals"]["dev"]

    assert epoch["errors"]["train"] == error_of(history.model, TRAIN)
    assert low < epoch["errors"]["dev"] < high
    assert epoch["counts"] == {}


@on_backend("torch")
def test_an_error_in_units_is_scaled_by_the_best_constant(journals: Path) -> None:
    def cubic(predictions: Any, targets: Any) -> Any:
        return np.mean(np.abs(predictions - targets) ** 3)

    model = regression()
    callback = BiasVarianceCallback(error=cubic, at="last", train_data=(X, LENGTHS), dev_data=(X_DEV, LENGTHS_DEV))
    fit_lengths(callback, model)
    run = read_run(journals)
    scale = min(cubic(middle(LENGTHS), LENGTHS) for middle in (np.mean, np.median))
    error = cubic(model.predict(X_DEV, verbose=0), LENGTHS_DEV)

    assert run.metrics["bvtrack/dev_error"] == pytest.approx(error / scale, abs=1e-6)
    assert "(best constant)" in run.tags["bvtrack.measure"]


@on_backend("torch")
def test_large_predictions_are_not_kept_but_measured(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.adapters.predictions.MOST_BYTES", 1000)
    callback = BiasVarianceCallback(error=share_wrong, train_data=TRAIN, dev_data=DEV)
    history = fit(callback, validation_data=None, epochs=1)
    epoch = last_epoch(read_run(journals))

    assert epoch["errors"]["dev"] == error_of(history.model, DEV)
    assert epoch["intervals"] == {}


def test_an_accuracy_object_is_one_minus_its_value_and_keeps_its_state(journals: Path) -> None:
    metric = keras.metrics.SparseCategoricalAccuracy()
    metric.update_state(np.array([0, 1]), np.eye(3)[[0, 2]])
    callback = BiasVarianceCallback(error=metric, at="last", train_data=TRAIN, dev_data=DEV)
    history = fit(callback, validation_data=None, epochs=1)
    run = read_run(journals)

    assert run.metrics["bvtrack/dev_error"] == error_of(history.model, DEV)
    assert last_epoch(run)["counts"] == {"train": 300, "dev": 130}
    assert run.tags["bvtrack.measure"] == "1 - sparse_categorical_accuracy"
    assert float(metric.result()) == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"error": keras.metrics.Precision()}, "pass error= as a function"),
        ({"error": 3}, "error= must be a function"),
        ({"error": is_wrong, "dev_data": None}, "no dev_data"),
        ({"error": is_wrong, "measure": "val_accuracy"}, "only one of the two"),
        ({"error": is_wrong, "train_eval": "running"}, "running"),
        ({"validation_split": 0.2}, "validation_split needs"),
        ({"validation_split": 1.5, "dev_data": None}, "between 0 and 1"),
    ],
)
def test_an_error_or_a_split_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BiasVarianceCallback(**{"train_data": TRAIN, "dev_data": DEV} | arguments)


@pytest.mark.parametrize(
    ("metric", "of"),
    [
        ("mse", lambda wrong: np.mean(wrong**2)),
        ("mae", lambda wrong: np.mean(np.abs(wrong))),
        (keras.metrics.RootMeanSquaredError(), lambda wrong: np.sqrt(np.mean(wrong**2))),
    ],
    ids=["mse", "mae", "rmse"],
)
def test_a_regression_is_measured_against_the_best_constant(journals: Path, metric: Any, of: Any) -> None:
    model = regression(metrics=(metric,))
    fit_lengths(BiasVarianceCallback(at="last", train_data=(X, LENGTHS)), model)
    run = read_run(journals)
    error = of(model.predict(X_DEV, verbose=0) - LENGTHS_DEV)
    scale = min(of(middle(LENGTHS) - LENGTHS) for middle in (np.mean, np.median))

    assert run.metrics["bvtrack/dev_error_unscaled"] == pytest.approx(error, rel=1e-5)
    assert run.metrics["bvtrack/dev_error"] == pytest.approx(error / scale, abs=1e-6)
    assert "(best constant)" in run.tags["bvtrack.measure"]


@on_backend("torch")
def test_a_bare_loss_is_measured_by_what_it_is(journals: Path) -> None:
    model = regression(loss="mae")
    fit_lengths(BiasVarianceCallback(at="last", train_data=(X, LENGTHS)), model)
    run = read_run(journals)
    error = np.mean(np.abs(model.predict(X_DEV, verbose=0) - LENGTHS_DEV))
    scale = np.mean(np.abs(np.median(LENGTHS) - LENGTHS))

    assert run.metrics["bvtrack/dev_error"] == pytest.approx(error / scale, abs=1e-6)
    assert run.tags["bvtrack.certainty"] != "certain"


@on_backend("torch")
def test_a_regression_without_training_data_says_what_is_missing(journals: Path, said: list[str]) -> None:
    fit_lengths(BiasVarianceCallback(), regression(metrics=("mae",)))

    assert said.pop().startswith("bvtrack: expected the training targets to bring val_mae to a fraction, got none")
    assert said == []


@on_backend("torch")
def test_several_labels_are_measured_as_their_metric_says(journals: Path) -> None:
    labels, labels_dev = ((x[:, :3] > 0).astype("float32") for x in (X, X_DEV))
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
    callback = BiasVarianceCallback(at="last", train_data=(X, labels))
    fit(callback, model=model, data=(X, labels), validation_data=(X_DEV, labels_dev))
    wrong = np.mean((model.predict(X_DEV, verbose=0) > 0.5) != labels_dev)

    assert read_run(journals).metrics["bvtrack/dev_error"] == pytest.approx(wrong, abs=1e-6)


@on_backend("torch")
def test_the_subset_is_as_small_as_an_epoch_is_short_but_of_1000_examples_at_least() -> None:
    train = EvaluationData.of("train_data", split(5000, 3)).part(4000)
    seen: list[int | None] = []

    def measure(data: EvaluationData) -> None:
        seen.append(data.n)

    def budget(seconds: float) -> TimeBudget:
        one = TimeBudget(time.perf_counter)
        one.begin(seconds)
        return one

    few = affordable_part(train, budget(0.0), measure)
    drawn = choose_examples(5000, 1000)

    assert seen == [32, 992]
    assert few.n == 1000
    np.testing.assert_array_equal(few.x, split(5000, 3)[0][drawn])
    assert affordable_part(train, budget(1e6), measure).n == 4000


def test_augmented_training_data_are_said_in_the_measure(journals: Path) -> None:
    fit(BiasVarianceCallback(train_data=Augmenting(*TRAIN)), epochs=1)

    tags = read_run(journals).tags
    assert tags["bvtrack.measure"] == "1 - val_accuracy (train: on augmented examples)"
    assert read_model(tags).augmentation is True


@pytest.mark.parametrize("data", [Batches(*TRAIN), loader(*TRAIN)], ids=["PyDataset", "shuffled loader"])
def test_training_data_that_are_not_augmented_are_not_said_to_be(journals: Path, data: Any) -> None:
    fit(BiasVarianceCallback(train_data=data), epochs=1)

    assert read_run(journals).tags["bvtrack.measure"] == "1 - val_accuracy"


@on_backend("tensorflow")
def test_a_pipeline_that_augments_by_layers_is_refused() -> None:
    import tensorflow as tf

    noise = keras.layers.GaussianNoise(0.1, seed=1)
    pipeline = tf.data.Dataset.from_tensor_slices(TRAIN).batch(50).map(lambda x, y: (noise(x, training=True), y))

    with pytest.raises(ValueError, match="would change the training"):
        BiasVarianceCallback(train_data=pipeline)


def test_gaps_are_among_the_logs_on_request(journals: Path) -> None:
    stopping = keras.callbacks.EarlyStopping("bvtrack_variance", mode="min", patience=0)
    history = fit(BiasVarianceCallback(train_data=TRAIN, expose=True), stopping, epochs=3).history
    curve = read_run(journals).curve("bvtrack/variance")

    assert history["bvtrack_variance"] == pytest.approx(list(curve.values()), abs=1e-6)
    assert history["bvtrack_dev_error"] == pytest.approx([1 - value for value in history["val_accuracy"]], abs=1e-6)
    assert {"bvtrack_train_error", "bvtrack_avoidable_bias"} <= history.keys()


@on_backend("torch")
@pytest.mark.parametrize("train_dev", [None, TEST], ids=["no train-dev set", "a train-dev set"])
def test_the_logs_name_the_gaps_that_the_run_does_where_dev_is_of_another_source(journals: Path, train_dev: Any) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, train_dev_data=train_dev, same_distribution=False, expose=True)
    history = fit(callback, epochs=1).history
    logged = {name.replace("/", "_") for name in read_run(journals).metrics}

    assert {"bvtrack_variance"} & logged == ({"bvtrack_variance"} if train_dev else set())
    assert {"bvtrack_variance", "bvtrack_avoidable_bias"} & history.keys() == logged & {
        "bvtrack_variance",
        "bvtrack_avoidable_bias",
    }


@on_backend("torch")
def test_gaps_are_not_among_the_logs_unless_requested(journals: Path) -> None:
    history = fit(BiasVarianceCallback(train_data=TRAIN), epochs=1).history

    assert [name for name in history if "bvtrack" in name] == []


@pytest.mark.parametrize("error", [None, is_wrong], ids=["metrics", "function"])
def test_data_that_raise_midway_cost_only_their_error(journals: Path, said: list[str], error: Any) -> None:
    history = fit(BiasVarianceCallback(at="last", error=error, train_data=TRAIN, dev_data=DEV, test_data=Broken(*TEST)))
    run = read_run(journals)

    assert history.epoch == [0, 1]
    assert said.pop().startswith("bvtrack: the test error is missing, for evaluate failed on test_data (")
    assert said == []
    assert run.metrics["bvtrack/train_error"] == error_of(history.model, TRAIN)
    assert "bvtrack/test_error" not in run.metrics


def test_data_of_another_shape_leave_a_training_as_it_is(journals: Path, said: list[str]) -> None:
    history = fit(BiasVarianceCallback(train_data=TRAIN, test_data=(np.zeros((90, 5), "float32"), TEST[1])))

    assert history.history == fit().history
    assert said.pop().startswith("bvtrack: the test error is missing, for evaluate failed on test_data (")


@on_backend("torch")
def test_a_metric_that_comes_later_leaves_the_error_what_it_was(journals: Path) -> None:
    history = fit(Adding(), BiasVarianceCallback(train_data=TRAIN), epochs=3).history

    assert read_run(journals).tags["bvtrack.measure"] == "1 - val_accuracy"
    assert list(read_run(journals).curve("bvtrack/dev_error").values()) == pytest.approx(
        [1 - value for value in history["val_accuracy"]], abs=1e-6
    )


def test_a_loss_that_is_no_number_is_said_once(journals: Path, said: list[str]) -> None:
    def distance(predictions: Any, targets: Any) -> Any:
        return np.abs(predictions - targets).mean(axis=1)

    callback = BiasVarianceCallback(error=distance, train_data=(X, LENGTHS), dev_data=(X_DEV, LENGTHS_DEV))
    fit(callback, model=regression(), data=(X, LENGTHS * np.nan), validation_data=None)

    assert said.pop() == "bvtrack: train_error must be a finite number; got nan: the run is tagged as diverged"
    assert said == []
    assert read_run(journals).tags["bvtrack.diagnosis"] == "diverged"


@pytest.mark.parametrize(("by", "codes"), [(0.0, set()), (1.0, {"outputs_differ"})])
def test_what_the_model_says_of_dev_and_test_is_compared(by: float, codes: set[str], journals: Path, said: list[str]) -> None:
    (x_dev, y_dev), (x_test, y_test) = split(1000, 1), split(1000, 2)
    sets: dict[str, Any] = {**SETS, "dev_data": (x_dev, y_dev), "test_data": (x_test + np.float32(by), y_test)}
    fit(BiasVarianceCallback(error=is_wrong, **sets), validation_data=None)
    outputs = [record for record in read_run(journals).records if record["kind"] == "outputs"]

    assert len(outputs) == 1
    assert {finding["code"] for finding in outputs[0]["findings"]} == codes
    assert bool(said) is bool(codes)
    said.clear()
