"""An estimator while it is fitted, as a session sees it: its sets, and the errors that it makes on them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bvtrack import Measure, ModelFacts
from bvtrack.adapters import (
    CallbackOptions,
    EstimatorError,
    Logged,
    Pair,
    Pass,
    Session,
    SetName,
    SplitSource,
    TimeBudget,
    Training,
    WarnOnce,
    estimator_error,
    estimator_facts,
    measure_pair,
    train_eval_size,
    transformed,
)

NO_WEIGHTS = {"n_iter_", "n_features_in_", "feature_names_in_"}
"""Fitted attributes that say nothing of what is predicted."""


class EstimatorTraining(Training):
    """`estimator` is the outermost one, `pairs` its sets as it takes them; `model` is what predicts now, and takes them as
    `prepare` leaves them.
    """

    def __init__(self, estimator: Any, pairs: Mapping[SetName, Pair], error: EstimatorError, options: CallbackOptions) -> None:
        self.model = self._estimator = estimator
        self._pairs = pairs
        self._error = error
        n_dev = pairs["dev"].n if "dev" in pairs else None
        n_train = train_eval_size(pairs["train"].n, n_dev, options.train_eval)
        self._measured = {name: pair.some(n_train) if name == "train" else pair for name, pair in pairs.items()}
        self._is_prepared = False
        self.is_stopped = False

    def prepare(self) -> None:
        """Bring the sets through the steps in front of the one that predicts, which are fitted by now; once."""
        if not self._is_prepared:
            self._measured = {name: transformed(self._estimator, pair) for name, pair in self._measured.items()}
        self._is_prepared = True

    def model_facts(self) -> ModelFacts:
        return estimator_facts(self._estimator)

    def splits(self) -> Mapping[str, SplitSource]:
        return {name: SplitSource.of(tuple(pair)) for name, pair in self._pairs.items()}

    def logged(self) -> Logged:
        return Logged()

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        return [*self._measured]

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        return measure_pair(self._error, self.model, self._measured[name])

    def marks_of_weights(self) -> Sequence[str]:
        from joblib import hash as hash_of  # type: ignore[import-untyped]  # it has no type hints

        fitted = {name: value for name, value in vars(self.model).items() if name.endswith("_") and name not in NO_WEIGHTS}
        return [str(hash_of(fitted))] if fitted else ()

    def wording(self, name: SetName) -> tuple[str, str]:
        return "predict", f"the {name} data"

    def stop(self, reason: str) -> None:
        self.is_stopped = True


def checked_options(arguments: Mapping[str, Any]) -> CallbackOptions:
    """The options of a training whose error is known when it begins. Raises `ValueError` for those that it cannot have."""
    if arguments.get("measure") is not None or arguments.get("train_eval") == "running":
        raise ValueError("scikit-learn logs no metrics of its own: expected error= for measure=, and no train_eval='running'")
    return CallbackOptions(**arguments)


def new_session(
    estimator: Any, pairs: Mapping[SetName, Pair], error: Any, options: CallbackOptions, warnings: WarnOnce
) -> Session[EstimatorTraining]:
    """A session that has begun, of errors by the user's own `error`, or else the estimator's; `ValueError` without any."""
    measured = estimator_error(estimator, pairs["train"].y, error)
    options = replace(options, error=measured.measure)
    session = Session(EstimatorTraining(estimator, pairs, measured, options), options, warnings=warnings)
    session.begin()
    session.begin_epoch()
    return session
