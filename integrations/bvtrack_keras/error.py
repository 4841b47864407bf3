"""The error that a user defines: a function of predictions and targets, or a Keras metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from bvtrack import Measure, find_measure
from bvtrack.adapters import ErrorFunction, Pass, Predictions, error_measure
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.framework import keras


def measure_of(error: ErrorFunction | Any) -> Measure:
    """What a user passed as `error=`. Raises `ValueError` for what is none, or a metric that may be either way up."""
    if isinstance(error, keras.metrics.Metric):
        return _metric_measure(error)
    return error_measure(error, _in_order, "keras.metrics.Metric")


def compiled_loss(model: Any) -> ErrorFunction | None:
    """The loss that a model of one output is compiled with, by which a constant predictor is judged too."""
    loss = model.loss
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    return _in_order(loss) if callable(loss) else None


def predict(model: Any, data: EvaluationData, measure: Measure) -> Pass:
    """Predict in eval mode, batch by batch, and apply the function of `measure` to what was predicted."""
    assert measure.function is not None
    kept = Predictions(measure.function, data.n)
    for x, y in data.batches():
        kept.add(_one_array("predictions", model.predict_on_batch(x)), _one_array("targets", y))
    return kept.found()


def _metric_measure(metric: Any) -> Measure:
    found = find_measure([metric.name]) or find_measure([type(metric).__name__])
    if found is None:
        raise ValueError(
            f"expected a metric whose name says whether higher is better, got {type(metric).__name__}: "
            "pass error= as a function of (predictions, targets) that gives an error instead"
        )

    def error(predictions: Any, targets: Any) -> float:
        return found.error(_value(metric, predictions, targets))

    return Measure(found.name, found.higher_is_better, found.kind, function=error)


def _value(metric: Any, predictions: Any, targets: Any) -> float:
    """The metric on its own; what it has counted so far, maybe in the training, is put back."""
    variables = list(metric.variables)
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    try:
        metric.reset_state()
        metric.update_state(targets, predictions)
        return float(keras.ops.convert_to_numpy(metric.result()))
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


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
