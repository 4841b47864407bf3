"""The user's `error=`, a function or a torchmetrics object: computes errors that no step logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torchmetrics import Metric

from bvtrack import Measure
from bvtrack.adapters import ErrorFunction, error_measure, metric_measure


def measure_of(error: Callable[[Any, Any], Any] | Metric) -> Measure:
    """The measure of a function of predictions and targets that gives an error, or of a torchmetrics object.

    Raises `ValueError` for anything else, and for a metric that does not say whether higher is better.
    """
    if isinstance(error, Metric):
        return _of_metric(error)
    measure = error_measure(error, _on_tensors, "torchmetrics.Metric")
    return replace(measure, kind="score") if measure.kind == "loss" else measure


def is_over_examples(metric: Metric) -> bool:
    """True if an accuracy is a mean over examples, not over classes."""
    return getattr(metric, "average", "micro") == "micro"


def _of_metric(metric: Metric) -> Measure:
    own = metric.clone().cpu()
    own.sync_on_compute = False  # it gets what all processes have found
    value = _on_tensors(partial(_value, own))
    measure = metric_measure(type(metric).__name__, value=value, higher_is_better=metric.higher_is_better)
    return replace(measure, kind="score") if measure.is_rate and not is_over_examples(metric) else measure


def _value(metric: Metric, predictions: torch.Tensor, targets: torch.Tensor) -> Any:
    metric.reset()
    metric.update(predictions, targets)
    return metric.compute()


def _on_tensors(function: ErrorFunction) -> ErrorFunction:
    """The function, given tensors; a process that trains can take it along."""
    return partial(_call_on_tensors, function)


def _call_on_tensors(function: ErrorFunction, *arrays: Any) -> Any:
    return function(*map(torch.as_tensor, arrays))
