"""Which of the logged metrics mean nothing beside the loss that a model is compiled with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bvtrack import find_measure
from bvtrack_keras.data import EvaluationData

MOST_READ = 10_000
"""Targets that are looked at to tell labels from quantities."""
DROPPED = (
    "{names} is no error beside the loss {loss}, for a regression's targets are hardly ever met exactly: "
    "it is not taken for one; where it is, pass measure={first!r}"
)


def meaningful(
    logs: Mapping[str, Any], model: Any, train: EvaluationData | None, named: Any, say: Callable[[str], None]
) -> dict[str, Any]:
    """The logs without the accuracies of a regression, which are said once. Beside a regression's loss, too, the accuracy of
    labels (targets that are all 0 or 1) is one, as is the metric that the user `named`.
    """
    loss = loss_name(model)
    dropped = [name for name in logs if loss and _is_rate(name) and not find_measure([name], loss=loss)]
    if not dropped or named is not None or (train is not None and _are_labels(train)):
        return dict(logs)
    names = sorted({name.removeprefix("val_") for name in dropped})
    say(DROPPED.format(names=", ".join(names), loss=loss, first=f"val_{names[0]}"))
    return {name: value for name, value in logs.items() if name not in dropped}


def loss_name(model: Any) -> str | None:
    """The name of the loss that a model of one output is compiled with, if it has one."""
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return name if isinstance(name, str) else None


def _is_rate(name: str) -> bool:
    measure = find_measure([name])
    return measure is not None and measure.kind == "rate"


def _are_labels(train: EvaluationData) -> bool:
    """True if the targets are arrays of 0 and 1 alone."""
    if not train.is_arrays or not hasattr(train.y, "shape"):
        return False
    targets = train.y[:MOST_READ]
    values = targets.detach().cpu().numpy() if hasattr(targets, "detach") else np.asarray(targets)
    return bool(np.isin(values, (0, 1)).all())
