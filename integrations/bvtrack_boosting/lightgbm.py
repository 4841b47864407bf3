"""The callback for LightGBM: `lgb.train`, `lgb.cv` and the estimators of its scikit-learn interface."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import lightgbm
import numpy as np

from bvtrack import ModelFacts, Tracker
from bvtrack.adapters import (
    EndState,
    GivenData,
    InRounds,
    Predicted,
    Round,
    SetName,
    SplitSample,
    SplitSource,
    TrainEval,
    end_state,
    named_sets,
    never_raise,
)
from bvtrack_boosting.training import BoostingArguments, chosen_names, given_data, session_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BiasVarianceCallback"]

BEFORE_EARLY_STOPPING = 25
"""The place among LightGBM's callbacks: behind those that log and record, 10 and 20, and before the one that stops, 30."""
KNOWN_AS = {"l2": "mse", "l1": "mae"}
"""LightGBM's names of errors that are those of norms elsewhere."""
CLASSIFICATIONS = ("binary", "multiclass", "multiclassova", "softmax", "multiclass_ova", "ova", "ovr")
NAMES = {
    "objective": ("objective", "objective_type", "app", "application", "loss"),
    "boosting": ("boosting", "boosting_type", "boost"),
    "learning_rate": ("learning_rate", "shrinkage_rate", "eta"),
}
"""The names that LightGBM takes for the parameters that are read here."""
WATCHED = (
    "early stopping watches all sets that are evaluated, the test set {!r} too, whose error is then one of a dev set: take it "
    "out of valid_sets, and pass it as test_data="
)


class BiasVarianceCallback:
    """Logs the errors of rounds of boosting to MLflow and keeps the run tagged with its diagnosis and next step.

    Errors are the values that LightGBM evaluates, by the trees as they are; it tells which set it trains on. Where nothing but
    a loss of classes is evaluated, the shares of wrong examples are measured, by the scores that LightGBM keeps of its sets.
    With `keep_training_booster=True`, use it as a context manager around the training: else nothing says that this is over
    until the booster is gone, or the process ends.

    Args:
        options: those of `bvtrack.adapters.CallbackOptions`, but `expose`; and
        error: a function of (predictions, targets), arrays `[n_rows, ...]`, to one error or one for each row; all errors are
            then measured with it.
        train_data, dev_data, test_data: `(features, targets)`, `(features, targets, weights)`, or a number of rows: the set to
            check the split by, where the `Dataset` has freed its raw data, and to measure where it is not evaluated. Targets
            are the numbers that LightGBM trains on: classes from 0 on.
        train_set, dev_set, test_set: the names of evaluated sets, where these do not tell.
        resume_file: a file of yours for the state of the run, by which a training with `init_model=` goes on with it.

    Raises:
        ValueError: as `CallbackOptions` does, for `expose`, and for data of no such kind.
    """

    def __init__(self, **options: Unpack[BoostingArguments]) -> None:
        self.order, self.before_iteration = BEFORE_EARLY_STOPPING, False
        self._boosting = session_of("LightGBM", options)
        self._names = chosen_names(options)
        self._given = {name: GivenData.of(name, data, "features with targets") for name, data in given_data(options).items()}
        self._sets: Mapping[str, SetName] = {}
        self._booster: weakref.ref[lightgbm.Booster] | None = None
        """The booster that is trained, or that of the first fold: not held, so that one whose training raised is let go of."""
        self._source: LightGBMBooster | None = None
        self._is_cv = self._is_at_end = False
        self._round = self._n_trainings = 0

    @property
    def tracker(self) -> Tracker | None:
        """The Tracker of the present or the last training, with its `diagnosis` and `run_id`."""
        return self._boosting.tracker

    def __call__(self, env: lightgbm.callback.CallbackEnv) -> None:
        self._take(env)
        if self._boosting.is_stopping:
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list or [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end(end_state(kind))

    @never_raise
    def _take(self, env: lightgbm.callback.CallbackEnv) -> None:
        if env.iteration == env.begin_iteration:
            self._trained(self._n_trainings)  # a training that raised has called no hook
            self._begin(env)
        values: dict[SetName, dict[str, float | tuple[float, float]]] = {}
        errors: dict[str, float] = {}
        for told, metric, value, is_higher, *spread in env.evaluation_result_list or []:
            if (name := self._sets.get(told)) is not None:
                deviation = spread[0] if spread else None
                told_as = KNOWN_AS.get(metric, metric)
                values.setdefault(name, {})[told_as] = value if deviation is None else (value, deviation)
                errors |= {metric: -value if is_higher else value} if name == "dev" else {}
        one = Round(env.iteration, values)
        if env.iteration == env.begin_iteration:
            self._source = LightGBMBooster(env, self._sets, self._given, self._boosting.options.train_eval)
            self._boosting.begin(self._source, one)
        self._round, self._is_at_end = env.iteration, env.iteration == env.end_iteration - 1
        self._boosting.take(one, errors, is_last=self._is_at_end)

    def _begin(self, env: lightgbm.callback.CallbackEnv) -> None:
        told = list(dict.fromkeys(result[0] for result in env.evaluation_result_list or []))
        known: dict[str, SetName] = {"train": "train", "valid": "dev"}
        model: Any = env.model
        self._is_cv = not isinstance(model, lightgbm.Booster)
        self._booster = weakref.ref(model.boosters[0] if self._is_cv else model)
        if not self._is_cv:
            known = dict.fromkeys(_names_of_train(model, told), "train")
        self._n_trainings += 1
        weakref.finalize(model if self._is_cv else model._handle, self._trained, self._n_trainings)
        self._sets, problems = named_sets(told, self._names, known)
        for problem in problems:
            self._boosting.say(problem)

    @never_raise
    def _trained(self, number: int) -> None:
        """End with the training, of which LightGBM calls no hook: it lets go of what it has trained in, once that is over; of a
        training that raised as late as a next one may have begun.
        """
        if number != self._n_trainings:
            return
        self._end("complete" if self._is_at_end or self._best_iteration() > 0 else "failed")

    def _best_iteration(self) -> int:
        """That of early stopping, counted from 1, as far as the booster is there to tell; else 0 or less."""
        booster = None if self._booster is None else self._booster()
        return 0 if booster is None else int(booster.best_iteration)

    def _end(self, state: EndState) -> None:
        if self._booster is None:
            return
        best, self._booster = self._best_iteration(), None
        if self._source is not None:
            self._source.is_over = True
            self._source = None
        self._boosting.end(state, None if self._is_cv else best - 1 if best > 0 else self._round)
        for told, name in self._sets.items():
            if name == "test" and best > 0:
                self._boosting.say(WATCHED.format(told))


class LightGBMBooster(InRounds):
    """A booster that is trained, or one for each fold."""

    is_kept = False
    is_over = False
    """True from the training's end on, when LightGBM has let go of the model in its library: to ask it kills the process."""

    def __init__(
        self,
        env: lightgbm.callback.CallbackEnv,
        sets: Mapping[str, SetName],
        given: Mapping[SetName, GivenData],
        train_eval: TrainEval,
    ) -> None:
        self._params = env.params
        model: Any = env.model
        is_trained = isinstance(model, lightgbm.Booster)
        boosters = [model] if is_trained else list(model.boosters)
        self._boosters = [weakref.ref(booster) for booster in boosters]
        self.n_folds = len(boosters)
        self._objective = str(_parameter(env.params, "objective", "none"))
        self._boosting = str(_parameter(env.params, "boosting", "gbdt"))
        self.is_classifier = self._objective in CLASSIFICATIONS
        self._names = {name: told for told, name in sets.items()}
        self._datasets = [self._datasets_of(booster) for booster in boosters]
        self._given = given if is_trained else {}
        n_dev = self._datasets[0]["dev"].num_data() if "dev" in self._datasets[0] else None
        self._parts = {n: one.some(n_dev, train_eval) if n == "train" else one for n, one in self._given.items()}
        self.counts: Mapping[SetName, int] = {n: one.n for n, one in self._given.items()} | self._counts()

    @property
    def model(self) -> Any:
        """The booster that is trained, or that of the first fold; `None` once it is gone."""
        return self._boosters[0]()

    def _datasets_of(self, booster: Any) -> dict[SetName, Any]:
        by_name = dict(zip(booster.name_valid_sets, booster.valid_sets, strict=True))
        found: dict[SetName, Any] = {"train": booster.train_set}
        return found | {name: by_name[told] for name, told in self._names.items() if told in by_name}

    def _counts(self) -> dict[SetName, int]:
        first = {name: dataset.num_data() for name, dataset in self._datasets[0].items()}
        if self.n_folds > 1 and "dev" in first:
            first["dev"] = sum(sets["dev"].num_data() for sets in self._datasets)
        return first

    def facts(self) -> ModelFacts:
        return ModelFacts(kind="trees", learning_rate=float(_parameter(self._params, "learning_rate", 0.1)))

    def splits(self) -> Mapping[SetName, SplitSource]:
        if self.n_folds > 1:
            return {name: SplitSource(n) for name, n in self.counts.items()}
        own = {name: _split_of(dataset) for name, dataset in self._datasets[0].items()}
        return {**own, **{name: one.split for name, one in self._given.items() if name not in own or one.can_be_predicted}}

    def predictable(self) -> Sequence[SetName]:
        evaluated: list[SetName] = ["train", *self._names]
        return list(dict.fromkeys([*evaluated, *(name for name, one in self._parts.items() if one.can_be_predicted)]))

    def predict(self, name: SetName, n_rounds: int | None) -> Sequence[Predicted] | None:
        given = self._parts.get(name)
        boosters = [booster() for booster in self._boosters]
        if self.is_over or None in boosters:
            return None
        if n_rounds is None and (name in self._names or name == "train"):
            return [self._kept(booster, name, sets) for booster, sets in zip(boosters, self._datasets, strict=True)]
        if given is None or not given.can_be_predicted or self._boosting in ("dart", "rf"):
            return None
        found = self.model.predict(given.x, num_iteration=n_rounds or self.model.current_iteration())
        assert given.targets is not None
        return [Predicted(np.asarray(found), given.targets, given.weights)]

    def _kept(self, booster: Any, name: SetName, datasets: Mapping[SetName, Any]) -> Predicted:
        """What LightGBM has predicted of a set in this round, by which it trains and evaluates."""
        found: list[Predicted] = []
        told = self._names.get(name, name)

        def keep(predictions: NDArray[Any], data: Any) -> tuple[str, float, bool]:
            if data is datasets[name]:
                found.append(Predicted(predictions.copy(), data.get_label(), data.get_weight()))
            return "bvtrack", 0.0, False

        if datasets[name] is booster.train_set:
            booster.eval_train(keep)
        else:
            booster.eval_valid(keep)
        if not found:
            raise ValueError(f"LightGBM has no set {told!r} any more")
        return found[0]


def _names_of_train(booster: Any, told: Sequence[str]) -> Sequence[str]:
    """The names under which the training set is evaluated: one is no validation set, others are copies of its labels."""
    labels = booster.train_set.get_label()
    copies = [
        name
        for name, one in zip(booster.name_valid_sets, booster.valid_sets, strict=True)
        if one.num_data() == booster.train_set.num_data() and np.array_equal(one.get_label(), labels)
    ]
    return [*(name for name in told if name not in booster.name_valid_sets), *copies]


def _split_of(dataset: Any) -> SplitSource:
    """The set with its raw data, where they are still there, else with its targets alone."""
    n, targets = dataset.num_data(), dataset.get_label()
    if dataset.data is not None and not isinstance(dataset.data, (str, list)) and targets is not None:
        return SplitSource.of((dataset.data, targets))
    return SplitSource(n, lambda: SplitSample(n, all_targets=targets), key=None) if targets is not None else SplitSource(n)


def _parameter(params: Mapping[str, Any], name: str, default: Any) -> Any:
    return next((params[other] for other in NAMES[name] if params.get(other) is not None), default)
