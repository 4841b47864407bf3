"""Errors of predictions, for sets and metrics that a training does not evaluate itself, and their spread over folds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bvtrack.adapters.predictions import measure_batches
from bvtrack.adapters.training import Pass
from bvtrack.error_rates.spread import Design
from bvtrack.measures.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Predicted(NamedTuple):
    """What a model predicts of a set: shares of the positive class or quantities `[n]`, or a score for each class `[n, k]`;
    the `targets` `[n]` are numbers, classes from 0 on, and the `weights` `[n]` those of the rows.
    """

    predictions: NDArray[Any]
    targets: NDArray[Any]
    weights: NDArray[Any] | None = None


def wrong(predictions: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    """True for the examples of which another class is predicted, as the error metrics of boosters count them.

    >>> import numpy as np
    >>> wrong(np.array([0.2, 0.9]), np.array([1, 1])).tolist()
    [True, False]
    """
    is_of_scores = predictions.ndim == 2 and targets.ndim == 1  # else each example has several labels
    found: NDArray[Any] = (predictions.argmax(axis=1) if is_of_scores else predictions > 0.5) != targets
    return found


def _log_loss(predictions: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if predictions.ndim == 1:
        predictions = np.stack([1 - predictions, predictions], axis=1)
    found: NDArray[Any] = -np.log(np.clip(predictions[np.arange(len(targets)), targets.astype(int)], 1e-15, 1))
    return found


def _squared(predictions: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = (predictions - targets) ** 2
    return found


OF_EXAMPLES: Mapping[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "error": wrong,
    "accuracy": lambda predictions, targets: ~wrong(predictions, targets),
    "logloss": _log_loss,
    "mse": _squared,
    "rmse": _squared,
    "mae": lambda predictions, targets: abs(predictions - targets),
}
"""The metrics that are means over examples, or a root of one, by their names."""
ERROR = Measure("error", higher_is_better=False, kind="rate", function=wrong)
"""The share of wrong examples, which classifiers are judged by where nothing but a loss is evaluated."""


def pass_over(parts: Sequence[Predicted], measure: Measure, n: int | None = None) -> Pass:
    """A pass over a set of `n` rows, or over that of each fold, by the function of the measure, or by the metric that it names;
    weighted where the rows are.

    Raises `ValueError` for a metric that is not known here, and what the function raises.
    """
    import numpy as np

    if measure.function is not None and len(parts) == 1 and parts[0].weights is None:
        return measure_batches([parts[0][:2]], measure)
    values = [_value(part, measure) for part in parts]
    if len(parts) > 1:
        return of_folds({measure.name: (float(np.mean(values)), float(np.std(values)))}, len(parts), n)
    return Pass(len(parts[0].targets), {measure.name: values[0]})


def _value(part: Predicted, measure: Measure) -> float:
    import numpy as np

    name = measure.find_in(OF_EXAMPLES) if measure.function is None else None
    function = OF_EXAMPLES[name] if name else measure.function
    if function is None:
        raise ValueError(f"{measure.name} is not known here: have the training evaluate the set, or pass error=")
    values = np.asarray(function(part.predictions, part.targets), dtype=float)
    mean = float(np.average(values, weights=part.weights if values.shape == part.targets.shape else None))
    return math.sqrt(mean) if name == "rmse" else mean


def of_folds(values: Mapping[str, tuple[float, float]], n_folds: int, n: int | None) -> Pass:
    """The pass over all folds by the mean and the standard deviation, with `n_folds` in its denominator, of each metric, and
    the intervals of means over folds (see `bvtrack.error_rates.spread`).

    >>> [round(end, 3) for end in of_folds({"error": (0.2, 0.02)}, 5, 1000).intervals["error"]]
    [0.158, 0.242]
    """
    means = {name: mean for name, (mean, _) in values.items()}
    if n_folds == 1:
        return Pass(n, means)
    design = Design(n_folds, n_folds, dev_to_train=1 / (n_folds - 1), over="folds")
    of_one = math.sqrt(n_folds / (n_folds - 1))  # the deviation of a single fold, with one less in its denominator
    widths = {name: design.half_width(of_one * spread) for name, (_, spread) in values.items()}
    return Pass(n, means, {name: (means[name] - width, means[name] + width) for name, width in widths.items()})
