"""What a user passes as `error=`: how errors are computed where no step logs them."""

from __future__ import annotations

from typing import Any

import torch
from torchmetrics import Metric

from bvtrack import ErrorFunction, Measure, find_measure


def measure_of(error: ErrorFunction | Metric) -> Measure:
    """The measure of a function of predictions and targets that gives an error, or of a torchmetrics object.

    Raises `ValueError` for anything else, and for a metric that does not say whether higher is better.
    """
    if isinstance(error, Metric):
        return _of_metric(error)
    if not callable(error):
        raise ValueError(f"error= must be a function of (predictions, targets) or a torchmetrics.Metric; got {error!r}")
    name = getattr(error, "__name__", type(error).__name__).replace("<lambda>", "error function")
    has_units = Measure(name, higher_is_better=False).kind == "units"

    def function(predictions: Any, targets: Any) -> Any:
        return error(torch.as_tensor(predictions), torch.as_tensor(targets))

    return Measure(name, higher_is_better=False, kind="units" if has_units else "score", function=function)


def _of_metric(metric: Metric) -> Measure:
    name = type(metric).__name__
    known = find_measure([name])
    is_score = metric.higher_is_better if metric.higher_is_better is not None else known and known.higher_is_better
    if is_score is None:
        raise ValueError(f"{name} does not say whether higher is better; pass error= a function that gives an error instead")
    own = metric.clone().cpu()
    own.sync_on_compute = False  # it gets what all processes have found

    def function(predictions: Any, targets: Any) -> Any:
        own.reset()
        own.update(torch.as_tensor(predictions), torch.as_tensor(targets))
        value = own.compute()
        return 1 - value if is_score else value

    kind = known.kind if known else "score"
    if kind == "rate" and getattr(metric, "average", "micro") != "micro":  # a mean over classes, not over examples
        kind = "score"
    return Measure(f"1 - {name}" if is_score else name, higher_is_better=False, kind=kind, function=function)
