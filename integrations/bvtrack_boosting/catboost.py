"""The callback for CatBoost, on the CPU: a model's `fit(callbacks=[...])`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

import catboost
import numpy as np

from bvtrack import ModelFacts, Tracker, find_measure
from bvtrack.adapters import (
    EndState,
    GivenData,
    InRounds,
    Predicted,
    Round,
    SetName,
    SplitSource,
    end_state,
    named_sets,
    never_raise,
)
from bvtrack_boosting.training import BoostingArguments, chosen_names, given_data, session_of

__all__ = ["BiasVarianceCallback"]

LOSS_ALONE = (
    "CatBoost shows a callback nothing but its metrics, and {} says little of errors: pass custom_metric=['Accuracy'] to the "
    "model, or for a regression ['RMSE']"
)


class BiasVarianceCallback:
    """Logs the errors of rounds of boosting to MLflow and keeps the run tagged with its diagnosis and next step.

    Errors are the metrics that CatBoost evaluates, which is all that it shows a callback: give the model
    `custom_metric=["Accuracy"]`. It neither says when a training ends: use this as a context manager around `fit`, or pass the
    model, else the run is marked as interrupted when the process ends.

    Args:
        model: the model that is trained: tells the last round, the trees that are kept of them, and their test error.
        options: those of `bvtrack.adapters.CallbackOptions`, but `expose` and, as CatBoost shows no predictions, `error`; and
        train_data, dev_data: `(features, targets)`, a `Pool` or a number of rows, to check the split and to count by.
        test_data: the same, measured with the model at the end of the `with`.
        train_set, dev_set, test_set: the names of evaluated sets, where CatBoost's own, `validation_0`, do not tell.
        resume_file: a file of yours for the state of the run, by which a training with `init_model=` goes on with it.

    Raises:
        ValueError: as `CallbackOptions` does, for `expose` and `error`, and for data of no such kind.
    """

    def __init__(self, model: Any = None, **options: Unpack[BoostingArguments]) -> None:
        if options.get("error") is not None:
            raise ValueError(
                "error= needs predictions, and CatBoost shows a callback none: name one of its metrics with measure="
            )
        self._model = model
        self._boosting = session_of("CatBoost", options)
        self._names = chosen_names(options)
        self._given = {name: _given(name, data) for name, data in given_data(options).items()}
        self._sets: Mapping[str, SetName] = {}
        self._last = -1

    @property
    def tracker(self) -> Tracker | None:
        """The Tracker of the present or the last training, with its `diagnosis` and `run_id`."""
        return self._boosting.tracker

    def after_iteration(self, info: Any) -> bool:
        self._take(info)
        return not self._boosting.is_stopping

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._finish(end_state(kind))

    @never_raise
    def _take(self, info: Any) -> None:
        is_first = not self._boosting.is_open or info.iteration <= self._last
        if is_first:
            self._boosting.end("complete")
            told = list(info.metrics)
            self._sets, problems = named_sets(told, self._names, {"learn": "train", "validation": "dev"})
            for problem in problems:
                self._boosting.say(problem)
        self._last = info.iteration
        values: dict[SetName, dict[str, float]] = {
            name: {_plain(metric): log[-1] for metric, log in info.metrics[told].items() if log}
            for told, name in self._sets.items()
        }
        one = Round(info.iteration - 1, values)  # CatBoost counts from 1
        if is_first:
            self._boosting.begin(CatBooster(self._model, self._given), one)
            if not any(_is_told(metric) for metric in values.get("dev", {})):
                self._boosting.say(LOSS_ALONE.format(", ".join(values.get("dev", {})) or "none"))
        dev = values.get("dev", {}).items()
        self._boosting.take(one, {metric: -value if _is_higher_better(metric) else value for metric, value in dev})
        if self._model is not None and info.iteration == _rounds_of(self._model) and "test" not in self._given:
            self._boosting.end("complete")

    @never_raise
    def _finish(self, state: EndState) -> None:
        """Measure the test error with the trees that the model has kept, and end."""
        is_fitted = self._model is not None and self._model.is_fitted() and state == "complete"
        given = self._given.get("test") if is_fitted else None
        test = _predicted(self._model, given) if given is not None and given.can_be_predicted else None
        self._boosting.end(state, self._model.tree_count_ - 1 if is_fitted else None, test)


class CatBooster(InRounds):
    """A model that is trained, of which there is nothing to see until it is."""

    model = None
    is_kept = is_classifier = False
    n_folds = 1

    def __init__(self, model: Any, given: Mapping[SetName, GivenData]) -> None:
        self._rate = None if model is None else model.get_param("learning_rate")
        self._given = given
        self.counts: Mapping[SetName, int] = {name: one.n for name, one in given.items()}

    def facts(self) -> ModelFacts:
        return ModelFacts(kind="trees", learning_rate=self._rate)

    def splits(self) -> Mapping[SetName, SplitSource]:
        return {name: one.split for name, one in self._given.items()}

    def predictable(self) -> Sequence[SetName]:
        return []

    def predict(self, name: SetName, n_rounds: int | None) -> Sequence[Predicted] | None:
        return None


def _given(name: SetName, data: Any) -> GivenData:
    if not isinstance(data, catboost.Pool):
        return GivenData.of(name, data, "a Pool")
    return GivenData(SplitSource(data.num_row()), data, np.asarray(data.get_label()), data.get_weight())


def _predicted(model: Any, given: GivenData) -> Predicted:
    """By the trees of the model, the classes as their places among its own."""
    assert given.targets is not None
    if not hasattr(model, "predict_proba"):
        return Predicted(np.asarray(model.predict(given.x)), given.targets, given.weights)
    found = np.asarray(model.predict_proba(given.x))
    classes = np.searchsorted(model.classes_, given.targets)
    return Predicted(found[:, 1] if found.shape[1] == 2 else found, classes, given.weights)


def _rounds_of(model: Any) -> int:
    return int(model.get_all_params().get("iterations", 0)) if model.is_fitted() else int(model.get_param("iterations") or 1000)


def _plain(metric: str) -> str:
    """A metric's name without the options behind it."""
    return metric.partition(":")[0]


def _is_told(metric: str) -> bool:
    measure = find_measure([metric])
    return measure is not None and measure.kind != "loss"


def _is_higher_better(metric: str) -> bool:
    return bool(catboost.core.is_maximizable_metric(metric))
