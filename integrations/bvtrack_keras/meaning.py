"""What a compiled model says of its metrics and its losses, where names may not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from bvtrack import find_measure
from bvtrack.adapters import is_of_quantities
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.framework import keras

VALIDATION = "val_"
MOST_READ = 10_000
"""Targets that are looked at to tell labels from quantities."""
DROPPED = (
    "{names} is no error beside {loss}, for a regression's targets are hardly ever met exactly: "
    "it is not taken for one; where it is, pass measure={first!r}"
)
CLASSES_OF_ONE_OUTPUT = 2
SHAPE_OF_ONE = 2
RECONSTRUCTION = "reconstruction"
FEWEST_SHADES = 20
"""Targets of fewer values may be labels that were smoothed."""
WRAPPERS = {"Mean", "MeanMetricWrapper", "Sum"}
"""Classes of metrics that say nothing of what they average."""


def meaningful(
    logs: Mapping[str, Any],
    model: Any,
    targets: Callable[[], EvaluationData | None],
    named: Any,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The logs without the accuracies of a regression, which are said once. Beside a regression's loss, too, the accuracy of
    labels (targets that are all 0 or 1) is one, as is the metric that the user `named`.
    """
    losses, classes = dict(_losses(model)), metric_classes(model)
    known = tuple(classes.items())
    if named is not None or not (of_classes := [name for name in logs if _is_of_classes(name, known)]):
        return dict(logs)
    dropped = {name: f"the loss {loss}" for name in of_classes if (loss := _regression_of(name, losses))}
    is_of_one = not isinstance(model.loss, (Mapping, list, tuple))
    if is_of_one and dropped and _are_labels(_values(targets())):
        return dict(logs)
    if is_of_one and not dropped and _exceed_one_output(model, targets):
        dropped = dict.fromkeys(of_classes, "targets of many values, of which one output tells two")
    if is_of_one and not dropped and _are_shades(_values(targets())):
        dropped = dict.fromkeys(of_classes, "targets of many values that are no labels, such as an autoencoder's")
    if not dropped:
        return dict(logs)
    names = sorted({name.removeprefix(VALIDATION) for name in dropped})
    say(DROPPED.format(names=", ".join(names), loss=next(iter(dropped.values())), first=f"{VALIDATION}{names[0]}"))
    return {name: value for name, value in logs.items() if name not in dropped}


def minimised(model: Any, targets: Callable[[], EvaluationData | None]) -> str | None:
    """The name of the loss that a model of one output is compiled with, if it has one; `regression` for one of the user's own
    where targets are of more values than one number tells, and `reconstruction` for a cross-entropy of targets that are no
    labels: it costs something if it is met exactly.
    """
    name = _name_of(model.loss)
    if name is not None and "crossentropy" in name and _are_shades(_values(targets())):
        return RECONSTRUCTION
    is_own = not (isinstance(model.loss, (str, keras.losses.Loss)) or _is_of_keras(model.loss))
    return "regression" if is_own and _exceed_one_output(model, targets) else name


def _is_of_keras(loss: Any) -> bool:
    return getattr(loss, "__module__", "").startswith("keras.")


def metric_classes(model: Any) -> dict[str, str]:
    """The classes of the compiled metrics of a model of one output, by the names in its logs."""
    metrics = [part for metric in model.metrics for part in (metric, *getattr(metric, "metrics", ()))]
    known = {metric.name: _class_of(metric) for metric in metrics if type(metric).__name__ not in WRAPPERS}
    return known | {f"{VALIDATION}{name}": kind for name, kind in known.items()}


def _class_of(metric: Any) -> str:
    k = getattr(metric, "k", None)
    return f"{type(metric).__name__}_{k}" if isinstance(k, int) else type(metric).__name__


def _losses(model: Any) -> Iterator[tuple[str, str]]:
    """The losses by output, as far as they have names; that of a model of one output under no name."""
    loss = model.loss
    if isinstance(loss, Mapping):
        outputs: Iterable[tuple[str, Any]] = loss.items()
    elif isinstance(loss, (list, tuple)):
        outputs = zip(getattr(model, "output_names", ()), loss, strict=False)
    else:
        outputs = [("", loss)]
    yield from ((output, name) for output, each in outputs if (name := _name_of(each)) is not None)


def _name_of(loss: Any) -> str | None:
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return name if isinstance(name, str) else None


def _regression_of(name: str, losses: Mapping[str, str]) -> str:
    """The loss of the output that a metric is of, if it is a regression's; else nothing."""
    plain = name.removeprefix(VALIDATION)
    output = max((each for each in losses if not each or plain.startswith(f"{each}_")), key=len, default=None)
    return losses[output] if output is not None and is_of_quantities(losses[output]) else ""


@lru_cache(256)  # each epoch asks the same of its logs, several times
def _is_of_classes(name: str, known: tuple[tuple[str, str], ...]) -> bool:
    classes = dict(known)
    measure = find_measure([name], known_as=classes)
    return measure is not None and find_measure([name], loss="mse", known_as=classes) is None


def _exceed_one_output(model: Any, targets: Callable[[], EvaluationData | None]) -> bool:
    """True if a model is known to predict one number, which tells no more than two classes, of targets of more values."""
    shape = getattr(model, "output_shape", None)
    if not (isinstance(shape, tuple) and len(shape) == SHAPE_OF_ONE and shape[-1] == 1):
        return False
    values = _values(targets())
    return values is not None and len(np.unique(values)) > CLASSES_OF_ONE_OUTPUT


def _values(data: EvaluationData | None) -> Any:
    """The first targets, where they are one array; else `None`."""
    if data is None or not data.is_arrays or not hasattr(data.y, "shape"):
        return None
    targets = data.y[:MOST_READ]
    return targets.detach().cpu().numpy() if hasattr(targets, "detach") else np.asarray(targets)


def _are_shades(values: Any) -> bool:
    """True for targets of many values that are no labels, smoothed or mixed: pixels, or a quantity in units of its range."""
    is_told = values is not None and values.dtype.kind == "f" and not _are_labels(values)
    return bool(is_told and len(np.unique(values)) > FEWEST_SHADES)


def _are_labels(values: Any) -> bool:
    """True if the targets are 0 and 1 alone, or shares that add up to 1, as smoothed labels do."""
    if values is None:
        return False
    is_shared = values.ndim == 2 and values.shape[1] > 1 and np.allclose(values.sum(axis=1), 1, atol=1e-3)
    return bool(np.isin(values, (0, 1)).all() or is_shared)
