"""The error that a user defines: a function of predictions and targets, or a Keras metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bvtrack import Measure
from bvtrack.adapters import ErrorFunction, Pass, error_measure, measure_batches, metric_measure
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.framework import keras
from bvtrack_keras.state import resetter


def measure_of(error: ErrorFunction | Any) -> Measure:
    """The measure of a user's `error=`. Raises `ValueError` for anything but a function or a metric of known direction."""
    if isinstance(error, keras.metrics.Metric):
        return metric_measure(error.name, type(error).__name__, value=partial(_value, error))
    return error_measure(error, _in_order, "keras.metrics.Metric")


def compiled_loss(model: Any) -> ErrorFunction | None:
    """The loss that a model of one output is compiled with, by which a constant predictor is judged too."""
    loss = model.loss
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    return _in_order(loss) if callable(loss) else None


def predict(model: Any, data: EvaluationData, measure: Measure, most_batches: int | None = None) -> Pass:
    """Predict in eval mode, batch by batch, at most so many, and apply the function of `measure` to what was predicted."""
    found = measure_batches(_predicted(model, data, most_batches), measure, data.n)
    return replace(found, seen=replace(found.seen, is_by_index=data.is_arrays)) if found.seen else found


def _predicted(model: Any, data: EvaluationData, most_batches: int | None) -> Iterator[tuple[Any, Any]]:
    for x, y in data.batches(most_batches):
        yield _one_array("predictions", model.predict_on_batch(x)), _one_array("targets", y)


def _value(metric: Any, predictions: Any, targets: Any) -> Any:
    """The metric of these examples alone; its state, which the training may be using, is restored."""
    reset = resetter(metric.variables)
    try:
        metric.reset_state()
        metric.update_state(targets, predictions)
        return keras.ops.convert_to_numpy(metric.result())
    finally:
        reset()


def _in_order(error: Callable[[Any, Any], Any]) -> ErrorFunction:
    """A function of predictions and targets, in NumPy; those of Keras and scikit-learn take `y_true` first."""
    takes_targets_first = next(iter(inspect.signature(error).parameters), None) == "y_true"

    def ordered(predictions: Any, targets: Any) -> Any:
        value = error(targets, predictions) if takes_targets_first else error(predictions, targets)
        return np.asarray(keras.ops.convert_to_numpy(value))

    return ordered


def _one_array(name: str, values: Any) -> Any:
    if hasattr(values, "shape"):
        return values
    raise ValueError(f"error= needs {name} that are one array; got {type(values).__name__}: the model has several outputs")
