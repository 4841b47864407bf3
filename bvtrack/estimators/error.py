"""The error of an estimator on a set: of classifiers and regressors by what they predict, or the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from bvtrack.estimators.kinds import task_of
from bvtrack.estimators.pairs import Pair, length_of
from bvtrack.measures.example_error import ExampleError, measure_examples
from bvtrack.measures.measure import Measure
from bvtrack.measures.own_error import error_measure, metric_measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 10_000
"""Examples that are predicted at once: what `predict` makes of them in passing, such as a kernel's matrix, is freed between."""
NEGATED = "neg_"


@dataclass(frozen=True)
class EstimatorError:
    """How errors are measured: by `measure.function` of predictions and targets, or by a `value` of estimator and set."""

    measure: Measure
    value: Callable[[Any, Any, Any], float] | None = None

    def of(self, estimator: Any, pair: Pair) -> ExampleError:
        """The error on a set, in the measure's own units, with the number of its examples. Raises what `predict` raises."""
        if self.value is not None:
            return ExampleError(self.measure.error(self.value(estimator, pair.x, pair.y)), pair.n, is_rate=False)
        assert self.measure.function is not None
        predicted, true = predictions(estimator, pair)
        found = measure_examples(self.measure.function, predicted, true)
        return replace(found, interval=None) if self.measure.is_rate else found


def estimator_error(estimator: Any, targets: Any, error: Any = None) -> EstimatorError:
    """The share of wrong examples for a classifier (of several outputs: with any wrong), the RMSE for a regressor (of several
    outputs: their mean), or the user's `error`, a function of (predictions, targets), a scorer or a scorer's name. A function
    of `sklearn.metrics` is its scorer: it takes the targets first, and may be a score.

    Raises `ValueError` for an `error` that is none of these, `NotJudgedError` for an estimator of which none can be measured.
    """
    task = task_of(estimator, targets)
    if error is None and task == "regressor":
        return EstimatorError(Measure("rmse", higher_is_better=False, function=root_mean_squared))
    if error is None:
        return EstimatorError(Measure("accuracy", higher_is_better=True, function=is_wrong))
    if isinstance(error, str) or hasattr(error, "_score_func"):
        return _of_scorer(error)
    if isfunction(error) and error.__module__.startswith("sklearn.metrics."):
        return _of_scorer(_scorer_of(error))
    return EstimatorError(error_measure(error, lambda function: function, "scikit-learn scorer"))


def predictions(estimator: Any, pair: Pair) -> tuple[NDArray[Any], NDArray[Any]]:
    """What it predicts for a set, in parts of 10,000 examples, and the targets, in the same shape.

    Raises `ValueError` for predictions of another shape, and whatever `predict` raises.
    """
    import numpy as np

    true = np.asarray(pair.y)
    predicted = np.concatenate([np.asarray(estimator.predict(part)) for part in _parts(pair.x)])
    if predicted.size != true.size:
        raise ValueError(f"expected predictions of the targets' shape {true.shape}, got {predicted.shape}")
    return predicted.reshape(true.shape), true


def is_wrong(predicted: NDArray[Any], true: NDArray[Any]) -> NDArray[Any]:
    """Whether an example is wrong `[n]`; one of several outputs is if any output is. Raises `ValueError` as `_require_all`."""
    import numpy as np

    _require_all(true)
    wrong: Any = np.asarray(np.not_equal(predicted, true))
    any_wrong: NDArray[Any] = wrong.reshape(len(wrong), -1).any(axis=1)
    return any_wrong


def root_mean_squared(predicted: NDArray[Any], true: NDArray[Any]) -> float:
    """The RMSE in the targets' unit; of several outputs the mean of theirs, as scikit-learn's. Raises `ValueError` as
    `_require_all`.
    """
    import numpy as np

    _require_all(true)
    return float(np.sqrt(np.mean((true - predicted) ** 2, axis=0)).mean())


def _require_all(true: NDArray[Any]) -> None:
    """Raise `ValueError` for targets that are missing, which a prediction is neither right nor wrong about."""
    import numpy as np

    n_none = sum(one is None for one in true.flat) if true.dtype == object else 0
    n_missing = n_none + int(np.sum(true != true))
    if n_missing:
        raise ValueError(f"{n_missing:,} of {true.size:,} targets are missing (NaN): leave these examples out")


def _scorer_of(metric: Callable[..., Any]) -> Any:
    """scikit-learn's own scorer of a function of `sklearn.metrics`, by its name; else one by its convention: a function that is
    called a score is the better the larger it is.
    """
    from sklearn.metrics import get_scorer, get_scorer_names, make_scorer

    names = (name for name in get_scorer_names() if get_scorer(name)._score_func is metric)
    return next(names, None) or make_scorer(metric, greater_is_better=metric.__name__.endswith("_score"))


def _of_scorer(error: Any) -> EstimatorError:
    """Of scikit-learn's scorers, a loss is the negative of its score."""
    from sklearn.metrics import get_scorer

    scorer = get_scorer(error)  # raises ValueError for a name that it does not know
    sign, function, settings = scorer._sign, scorer._score_func, scorer._kwargs
    name = error.removeprefix(NEGATED) if isinstance(error, str) else function.__name__
    measure = metric_measure(
        name,
        function.__name__,
        value=lambda predicted, true: function(true, predicted, **settings),
        higher_is_better=sign > 0,
    )
    measure = replace(measure, kind="score") if measure.is_rate and function.__name__ != "accuracy_score" else measure
    if scorer._response_method == "predict" and measure.unit.kind != "variance":  # R² has its scale within
        return EstimatorError(measure)
    return EstimatorError(replace(measure, function=None), lambda *given: sign * float(scorer(*given)))


def _parts(x: Any) -> Iterator[Any]:
    from sklearn.utils import _safe_indexing

    n = length_of(x)
    if n <= ROWS:
        yield x
        return
    for start in range(0, n, ROWS):
        yield _safe_indexing(x, slice(start, start + ROWS))
