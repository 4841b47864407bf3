"""The user's `error=`: a function or a metric object that computes errors, instead of a logged metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bvtrack.measures.measure import ErrorFunction, Measure, find_measure


def error_measure(error: Callable[..., Any] | Any, as_function: Callable[[Any], ErrorFunction], metric: str) -> Measure:
    """The measure of a user's function of predictions and targets; what it is, its values will say.

    `as_function` gives the function the arrays `[n, ...]` of NumPy in the form that it takes. `metric` is the framework's class
    of metric objects, for the message. Raises `ValueError` for what is no function.

    >>> str(error_measure(lambda predicted, true: predicted != true, lambda error: error, "a.Metric"))
    'error function'
    """
    if not callable(error) or isinstance(error, type):
        raise ValueError(f"error= must be a function of (predictions, targets) or a {metric}; got {error!r}")
    name = getattr(error, "__name__", type(error).__name__)
    name = name if name.isidentifier() else "error function"
    measure = Measure(name, higher_is_better=False, function=as_function(error))
    return replace(measure, kind="score") if measure.is_rate else measure


def metric_measure(*names: str, value: ErrorFunction, higher_is_better: bool | None = None) -> Measure:
    """The measure of a framework's metric object: its value, or 1 minus it where higher is better.

    `value` is the metric as a function of predictions and targets, `higher_is_better` what the object says itself. Raises
    `ValueError` where neither that nor one of its `names` says which way is up.

    >>> str(metric_measure("Accuracy", value=lambda predicted, true: (predicted == true).mean()))
    '1 - Accuracy'
    """
    known = next((found for name in names if (found := find_measure([name]))), None)
    if higher_is_better is None and known is not None:
        higher_is_better = known.higher_is_better
    if higher_is_better is None:
        raise ValueError(
            f"expected a metric whose name says whether higher is better, got {names[-1]}: "
            "pass error= as a function of (predictions, targets) that gives an error instead"
        )
    measure = Measure(known.name if known else names[0], higher_is_better)
    return replace(measure, function=MetricError(measure, value))


@dataclass(frozen=True)
class MetricError:
    """The error that a metric's `value` is, as a function that a process that trains can take along."""

    measure: Measure
    value: ErrorFunction

    def __call__(self, predictions: Any, targets: Any) -> float:
        return self.measure.error(float(self.value(predictions, targets)))
