"""A hyper-parameter search, by its `cv_results_`: the best candidate's errors over the folds, and how lucky it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bvtrack.error_rates.intervals import Rate
from bvtrack.error_rates.optimism import optimism_of_best
from bvtrack.measures.percent import in_points, percent


@dataclass(frozen=True)
class Search:
    """The best of `n_candidates` by cross-validation: its parameters, and its errors, means over `n_folds` folds, as fractions.

    `deviation` is the standard deviation of the dev error over folds, `optimism` by how much it is expected to be too low for
    being the lowest of so many. `train_error` is `None` without `return_train_score=True`.
    """

    n_candidates: int
    n_folds: int
    best: Mapping[str, Any]
    dev_error: float
    deviation: float
    optimism: float
    train_error: float | None = None

    def __str__(self) -> str:
        train = "" if self.train_error is None else f", train error {percent(self.train_error)}"
        points = in_points(self.optimism)
        lucky = f" As the lowest of so many it is about {points} points too low." if points != "0.0" else ""
        return (
            f"The best of {self.n_candidates} candidates: dev error {percent(self.dev_error)} over {self.n_folds} folds "
            f"(deviation {in_points(self.deviation)} points){train}.{lucky}"
        )


def search_of(estimator: Any, n_train: int) -> Search | None:
    """What a fitted search tells, where it chose by accuracy, the default of classifiers; `None` for any other estimator.

    Each training example is held out once, so that the dev error of the folds is one of `n_train` examples.
    """
    results, index = getattr(estimator, "cv_results_", None), getattr(estimator, "best_index_", None)
    if results is None or index is None or not _is_by_accuracy(estimator):
        return None
    rounds = results.get("iter", [0] * len(results["params"]))  # of a halving search, whose candidates get ever more data
    scores = [score for score, one in zip(results["mean_test_score"], rounds, strict=True) if one == rounds[index]]
    errors = [1 - float(score) for score in scores if score == score]
    dev_error = 1 - float(results["mean_test_score"][index])
    train = results.get("mean_train_score")
    return Search(
        n_candidates=len(errors),
        n_folds=int(estimator.n_splits_),
        best=dict(results["params"][index]),
        dev_error=dev_error,
        deviation=float(results["std_test_score"][index]),
        optimism=optimism_of_best(errors, Rate(dev_error, n_train)).expected,
        train_error=None if train is None else 1 - float(train[index]),
    )


def _is_by_accuracy(estimator: Any) -> bool:
    from sklearn.base import is_classifier

    return estimator.scoring == "accuracy" or (estimator.scoring is None and is_classifier(estimator))
