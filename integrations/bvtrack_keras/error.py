"""The error that a user defines: a function of predictions and targets, or a Keras metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bvtrack import ErrorFunction, Measure, OutputSample, find_measure, measure_examples
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.framework import keras

MOST_KEPT = 64 * 2**20
"""Bytes of predictions that are kept. An error of more is the mean over parts of this size, without a bootstrap."""


@dataclass(frozen=True, slots=True)
class SetError:
    """An error over a set of `n` examples, where that is known, and its 95 % interval, where it was bootstrapped; `outputs`
    are some of the model's predictions `[n_kept, ...]`.
    """

    value: float
    n: int | None
    interval: tuple[float, float] | None = None
    is_rate: bool = False
    outputs: Any = field(default=None, compare=False)


def error_measure(error: ErrorFunction | Any) -> Measure:
    """What a user passed as `error=`. Raises `ValueError` for what is none, or a metric that may be either way up."""
    if isinstance(error, keras.metrics.Metric):
        return _metric_measure(error)
    if not callable(error) or isinstance(error, type):
        raise ValueError(f"error must be a function of (predictions, targets) or a keras.metrics.Metric; got {error!r}")
    name = getattr(error, "__name__", type(error).__name__)
    name = name if name.isidentifier() else "error function"
    measure = Measure(name, higher_is_better=False, function=_in_order(error))
    return replace(measure, kind="score") if measure.is_rate else measure  # what it is, its values will say


def compiled_loss(model: Any) -> ErrorFunction | None:
    """The loss that a model of one output is compiled with, by which a constant predictor is judged too."""
    loss = model.loss
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    return _in_order(loss) if callable(loss) else None


def measure_error(model: Any, data: EvaluationData, measure: Measure) -> SetError:
    """Predict in eval mode, batch by batch, and apply the function of `measure` to what was predicted."""
    assert measure.function is not None
    parts: list[SetError] = []
    kept: list[tuple[Any, Any]] = []
    size = 0
    outputs = OutputSample(data.n)
    for x, y in data.batches():
        kept.append((_one_array("predictions", model.predict_on_batch(x)), _one_array("targets", y)))
        outputs.add(kept[-1][0])
        size += kept[-1][0].nbytes
        if size > MOST_KEPT:
            parts.append(_plain_error(measure.function, *_joined(kept)))
            kept, size = [], 0
    if not parts:
        found = (_plain_error if measure.is_rate else _sure_error)(measure.function, *_joined(kept))
    else:
        found = _mean([*parts, _plain_error(measure.function, *_joined(kept))] if kept else parts)
    return replace(found, outputs=outputs.rows)


def settled(measure: Measure, measured: SetError) -> Measure:
    """`measure`, a rate where a function gave a 0 or a 1 for each example; a metric is what its name says."""
    if measure.higher_is_better:
        return measure
    return replace(measure, kind="rate") if measured.is_rate else measure


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


def _sure_error(error: ErrorFunction, predictions: Any, targets: Any) -> SetError:
    measured = measure_examples(error, predictions, targets)
    return SetError(measured.value, measured.n, measured.interval, measured.is_rate)


def _plain_error(error: ErrorFunction, predictions: Any, targets: Any) -> SetError:
    values = np.asarray(error(predictions, targets), dtype=float)
    return SetError(float(values.mean()), len(targets), is_rate=values.size > 1 and bool(np.isin(values, (0.0, 1.0)).all()))


def _mean(parts: list[SetError]) -> SetError:
    counts = [part.n or 0 for part in parts]
    value = float(np.average([part.value for part in parts], weights=counts))
    return SetError(value, sum(counts), is_rate=all(part.is_rate for part in parts))


def _joined(batches: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    predictions, targets = zip(*batches, strict=True)
    return np.concatenate(predictions), np.concatenate(targets)


def _one_array(name: str, values: Any) -> Any:
    if hasattr(values, "shape"):
        return values
    raise ValueError(f"error= needs {name} that are one array; got {type(values).__name__}: the model has several outputs")
