"""What a user passes as `error=`: how errors are computed where no step logs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torchmetrics import Metric

from bvtrack import Measure, find_measure
from bvtrack.adapters import ErrorFunction, error_measure


@dataclass(frozen=True)
class OfTensors:
    """A user's function, given tensors; what a process that trains takes along."""

    function: ErrorFunction

    def __call__(self, predictions: Any, targets: Any) -> Any:
        return self.function(torch.as_tensor(predictions), torch.as_tensor(targets))


@dataclass(frozen=True)
class OfMetric:
    """A torchmetrics object of our own as a function."""

    metric: Metric
    is_score: bool

    def __call__(self, predictions: Any, targets: Any) -> Any:
        self.metric.reset()
        self.metric.update(torch.as_tensor(predictions), torch.as_tensor(targets))
        value = self.metric.compute()
        return 1 - value if self.is_score else value


def measure_of(error: Callable[[Any, Any], Any] | Metric) -> Measure:
    """The measure of a function of predictions and targets that gives an error, or of a torchmetrics object.

    Raises `ValueError` for anything else, and for a metric that does not say whether higher is better.
    """
    if isinstance(error, Metric):
        return _of_metric(error)
    measure = error_measure(error, OfTensors, "torchmetrics.Metric")
    return replace(measure, kind="score") if measure.kind == "loss" else measure


def _of_metric(metric: Metric) -> Measure:
    name = type(metric).__name__
    known = find_measure([name])
    is_score = known.higher_is_better if metric.higher_is_better is None and known else metric.higher_is_better
    if is_score is None:
        raise ValueError(f"{name} does not say whether higher is better; pass error= a function that gives an error instead")
    own = metric.clone().cpu()
    own.sync_on_compute = False  # it gets what all processes have found
    kind = known.kind if known else "score"
    if kind == "rate" and not is_over_examples(metric):
        kind = "score"
    title = f"1 - {name}" if is_score else name
    return Measure(title, higher_is_better=False, kind=kind, function=OfMetric(own, is_score))


def is_over_examples(metric: Metric) -> bool:
    """Whether an accuracy is a mean over examples, and not one over classes."""
    return getattr(metric, "average", "micro") == "micro"
