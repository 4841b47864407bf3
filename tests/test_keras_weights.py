"""Sample weights, sparse matrices and vector metrics: what `fit` takes, the callback measures as `fit` does."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.sparse
import torch
from keras_training import DEV, TEST, TRAIN, Batches, fit, net, on_backend, read_run
from mlflow import MlflowClient
from torch.utils.data import DataLoader, TensorDataset

from bvtrack_keras import BiasVarianceCallback
from bvtrack_keras.data import EvaluationData

pytestmark = [pytest.mark.filterwarnings("ignore"), on_backend("torch")]


def weighted(data: Any) -> Any:
    x, y = data
    return x, y, np.where(y == 1, 0.05, 1.0).astype("float32")


class Triples(Batches):
    def __init__(self, x: Any, y: Any, weights: Any) -> None:
        super().__init__(x, y)
        self.weights = weights

    def __getitem__(self, index: int) -> Any:
        return *super().__getitem__(index), self.weights[50 * index : 50 * (index + 1)]


def arrays(x: Any, y: Any, weights: Any) -> Any:
    return x, y, weights


def loader(x: Any, y: Any, weights: Any) -> Any:
    return DataLoader(TensorDataset(*map(torch.from_numpy, (x, y, weights))), batch_size=50)


def weighting_net() -> Any:
    model = net()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    return model


def weighted_error(model: Any, data: Any) -> Any:
    x, y, weights = weighted(data)
    wrong = model.predict(x, verbose=0).argmax(axis=1) != y
    return pytest.approx(float(np.average(wrong, weights=weights)), abs=1e-6)


@pytest.mark.parametrize("as_set", [arrays, Triples, loader])
def test_errors_are_weighted_as_fit_weights_them(journals: Path, as_set: Any) -> None:
    train, dev, test = (as_set(*weighted(data)) for data in (TRAIN, DEV, TEST))
    callback = BiasVarianceCallback(train_data=train, dev_data=dev, test_data=test, at="last")
    model = fit(callback, model=weighting_net(), data=Triples(*weighted(TRAIN)), validation_data=weighted(DEV)).model
    metrics = read_run(journals).metrics

    for name, data in {"train": TRAIN, "dev": DEV, "test": TEST}.items():
        assert metrics[f"bvtrack/{name}_error"] == weighted_error(model, data)


def test_a_subset_and_a_tail_keep_each_example_with_its_weight() -> None:
    n = 1200
    data = EvaluationData.of("train_data", (np.arange(n), np.arange(n), {"a": np.arange(n)}))

    for some in (data.part(1000), data.first(7), *data.split(1000)):
        np.testing.assert_array_equal(some.x, some.y)
        np.testing.assert_array_equal(some.x, some.weights["a"])
        assert some.n == len(some.x)


def test_data_without_the_weights_of_fits_validation_are_not_measured(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, dev_data=weighted(DEV))
    fit(callback, model=weighting_net(), validation_data=weighted(DEV))

    assert "train error is missing" in said.pop(0)
    assert said == []
    assert "train: missing" in read_run(journals).tags["bvtrack.measure"]


def test_weights_that_the_metric_does_not_count_are_no_difference(journals: Path) -> None:
    fit(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV), validation_data=weighted(DEV))

    assert "missing" not in read_run(journals).tags["bvtrack.measure"]


@pytest.mark.parametrize("kind", ["csr", "coo", "csc", "lil", "dok", "bsr"])
def test_sparse_matrices_are_data(journals: Path, kind: str) -> None:
    sets = [(getattr(scipy.sparse, f"{kind}_matrix")(np.where(x > 0, x, 0)), y) for x, y in (TRAIN, DEV)]
    model = fit(
        BiasVarianceCallback(train_data=sets[0], dev_data=sets[1], at="last"),
        model=net(),
        data=sets[0],
        validation_data=sets[1],
        epochs=1,
    ).model
    wrong = model.predict(sets[0][0], verbose=0).argmax(axis=1) != TRAIN[1]

    assert read_run(journals).metrics["bvtrack/train_error"] == pytest.approx(wrong.mean(), abs=1e-6)


def test_a_tensor_whose_rows_cannot_be_taken_is_refused_in_a_sentence() -> None:
    class Opaque:
        shape = (300, 8)

    with pytest.raises(ValueError, match="train_data must hold arrays whose rows"):
        BiasVarianceCallback(train_data=(Opaque(), TRAIN[1]))


def test_a_metric_of_several_values_costs_no_epoch_and_is_said_once(journals: Path, said: list[str]) -> None:
    train, dev = ((x, np.eye(3, dtype="float32")[y]) for x, y in (TRAIN, DEV))
    model = net()
    model.compile("adam", "categorical_crossentropy", metrics=[keras.metrics.F1Score(), "accuracy"])
    history = fit(BiasVarianceCallback(train_data=train, dev_data=dev), model=model, data=train, validation_data=dev).history

    assert "f1_score has 3 values" in said.pop()
    assert said == []
    assert list(read_run(journals).curve("bvtrack/dev_error").values()) == pytest.approx(
        [1 - value for value in history["val_accuracy"]], abs=1e-6
    )


@pytest.mark.parametrize(
    ("given", "of_fit", "message"),
    [
        ({"train_data": DEV, "dev_data": TRAIN}, {}, "seem to be swapped"),
        ({"train_data": TRAIN, "dev_data": TEST}, {}, "validates on 130 examples, dev_data hold 90"),
        ({"train_data": (TRAIN[0][:210], TRAIN[1][:210]), "dev_data": DEV}, {}, "trains on 300 examples an epoch"),
        ({"train_data": TRAIN, "dev_data": (DEV[0] + 3, DEV[1])}, {}, "dev_data give"),
        ({"train_data": TRAIN}, {"validation_data": TRAIN}, "fit validates on train_data"),
    ],
    ids=["swapped", "another dev", "another train", "another preparation", "dev is train"],
)
def test_data_that_fit_does_not_use_are_said(
    journals: Path, said: list[str], given: Any, of_fit: dict[str, Any], message: str
) -> None:
    fit(BiasVarianceCallback(**given), **of_fit)
    messages = [one for one in said if message in one]
    said.clear()

    assert len(messages) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"validation_data": Batches(*DEV)},
        {"validation_steps": 2, "batch_size": 50},
        {"validation_freq": 2},
        {"validation_batch_size": 7},
        {"steps_per_epoch": 2, "batch_size": 50},
        {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    ],
    ids=lambda options: " and ".join(options),
)
def test_a_fit_on_the_very_data_is_not_doubted(journals: Path, said: list[str], options: dict[str, Any]) -> None:
    fit(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV), **options)

    assert said == []


def test_a_model_that_draws_in_eval_mode_is_not_doubted(journals: Path) -> None:
    class Always(keras.layers.Dropout):  # type: ignore[misc]
        def call(self, inputs: Any, training: bool = True) -> Any:
            return super().call(inputs, training=True)

    model = net(Always(0.5, seed=1))
    fit(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV), model=model, validation_data=Batches(*DEV))


def test_a_test_of_other_weights_is_said_and_no_point_of_the_run(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN)
    model = fit(callback).model
    model.layers[0].kernel.assign(model.layers[0].kernel * 1.5)  # whose bias, and all other variables, are those of the epoch
    model.evaluate(*TEST, verbose=0, callbacks=[callback])

    assert "weights of no epoch" in said.pop()
    assert "bvtrack/test_error" not in read_run(journals).metrics


def test_a_test_is_of_the_epoch_whose_weights_it_has_though_it_has_no_small_variables(store: str) -> None:
    class Keeping(keras.callbacks.Callback):  # type: ignore[misc]
        kept: Any = None

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.kept = self.kept or self.model.get_weights()

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), *(keras.layers.Dense(n, use_bias=False) for n in (200, 3))])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["sparse_categorical_accuracy"])
    callback, keeping = BiasVarianceCallback(train_data=TRAIN, tracking_uri=store), Keeping()
    fit(callback, keeping, model=model, epochs=3)
    model.set_weights(keeping.kept)
    model.evaluate(*TEST, verbose=0, callbacks=[callback])

    assert callback.tracker is not None
    points = MlflowClient(store).get_metric_history(str(callback.tracker.run_id), "bvtrack/test_error")
    assert [point.step for point in points] == [0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["deepcopy", "pickle"])
def test_a_copy_of_a_callback_follows_a_fit_of_its_own(journals: Path, copied: Any) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)
    fit(copied(callback), epochs=1)
    fit(callback, epochs=1)
    again = copied(callback)
    fit(again, epochs=1)

    assert callback.tracker is not None
    assert again.tracker is not None
    assert again.tracker is not callback.tracker


def test_what_the_users_own_classes_keep_is_as_without_the_callback(journals: Path) -> None:
    class Collecting(keras.metrics.Metric):  # type: ignore[misc]
        """Keeps its state beside Keras' variables."""

        def __init__(self) -> None:
            super().__init__(name="collected")
            self.seen: list[int] = []

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.seen.append(len(y_true))

        def reset_state(self) -> None:
            self.seen.clear()

        def result(self) -> Any:
            return float(sum(self.seen))

    class Counting(keras.Sequential):  # type: ignore[misc]
        n_tests = 0

        def __init__(self, layers: Any) -> None:
            super().__init__(layers)
            self.tested: dict[str, int] = {"batches": 0}
            self.calls = 0

        def test_step(self, data: Any) -> Any:
            self.calls += 1
            self.tested["batches"] += 1
            return super().test_step(data)

    class Peeking(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Any] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seen.append((self.model.calls, dict(self.model.tested), list(metric.seen)))

    seen = []
    for is_tracked in (False, True):
        keras.utils.set_random_seed(0)
        model, metric, peeking = (
            Counting([keras.Input((8,)), keras.layers.Dense(3, activation="softmax")]),
            Collecting(),
            Peeking(),
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", metric])
        ours = [BiasVarianceCallback(train_data=TRAIN, dev_data=DEV, test_data=TEST)] if is_tracked else []
        fit(*ours, peeking, model=model, epochs=3, validation_freq=2)
        seen.append(peeking.seen)

    assert seen[0] == seen[1]


@pytest.mark.parametrize("frequency", [1, 2, 3])
def test_fits_own_validation_reads_its_own_data_after_our_evaluations(journals: Path, frequency: int, said: list[str]) -> None:
    options: dict[str, Any] = {"epochs": 4, "validation_freq": frequency, "validation_data": (DEV[0] - 1, DEV[1])}
    bare = fit(**options).history
    tracked = fit(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV, test_data=TEST), **options).history
    said.clear()

    assert tracked == bare


def test_a_training_with_weights_and_triples_is_the_same_with_the_callback(journals: Path) -> None:
    sets = {"data": Triples(*weighted(TRAIN)), "validation_data": weighted(DEV)}
    bare = fit(model=weighting_net(), **sets)
    ours = BiasVarianceCallback(train_data=sets["data"], dev_data=weighted(DEV), test_data=weighted(TEST))
    tracked = fit(ours, model=weighting_net(), **sets)

    assert tracked.history == bare.history
    for one, other in zip(tracked.model.get_weights(), bare.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class Codebook(keras.layers.Layer):  # type: ignore[misc]
    """Moves a large variable in each call."""

    def build(self, shape: Any) -> None:
        self.codes = self.add_weight(shape=(1024, 80), initializer="zeros", trainable=False)

    def call(self, x: Any) -> Any:
        self.codes.assign_add(keras.ops.ones_like(self.codes) * 0.01)
        return x + keras.ops.mean(self.codes)


def test_a_large_state_that_a_layer_moves_is_put_back(journals: Path) -> None:
    histories = [fit(*callbacks, model=net(Codebook())).history for callbacks in ([], [BiasVarianceCallback(train_data=TRAIN)])]

    assert histories[0] == histories[1]


def test_errors_of_weights_that_fit_does_not_validate_are_not_measured(journals: Path, said: list[str]) -> None:
    model = net()
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit(keras.callbacks.SwapEMAWeights(), BiasVarianceCallback(train_data=TRAIN, test_data=TEST), model=model)

    assert all("averaged weights" in message for message in said)
    assert len(said) == 2
    said.clear()
    assert not {"bvtrack/train_error", "bvtrack/test_error"} & {*read_run(journals).metrics} - {"bvtrack/train_error"}
    assert "train: missing" in read_run(journals).tags["bvtrack.measure"]


def test_a_model_is_known_when_it_is_frozen_and_not_when_its_averages_have_moved(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, at="last")
    model = fit(callback, model=net()).model
    model.layers[0].trainable = False
    model.evaluate(*TEST, verbose=0, callbacks=[callback])
    assert "Tracker.log_test" in said.pop()  # it is known; without a server the point cannot be added
    averages = model.layers[1].moving_mean
    averages.assign(averages + 1)
    model.evaluate(*TEST, verbose=0, callbacks=[callback])

    (message,) = said
    assert "the weights of no epoch" in message
    said.clear()


def test_an_interval_is_of_as_many_examples_as_fit_has_validated(journals: Path, said: list[str]) -> None:
    dev = Triples(*weighted(DEV))
    fit(BiasVarianceCallback(train_data=weighted(TRAIN), dev_data=dev, at="last"), validation_data=dev, validation_steps=1)

    said.clear()  # of the part of dev_data
    assert json.loads(read_run(journals).tags["bvtrack.gaps"])["n"]["dev"] == 50
