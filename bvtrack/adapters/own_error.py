"""What a user passes as `error=`: how errors are computed where no metric of the training is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bvtrack.measures.measure import ErrorFunction, Measure


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
