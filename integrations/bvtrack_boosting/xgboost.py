"""The callback for XGBoost: `xgb.train`, `xgb.cv` and the estimators of its scikit-learn interface."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, Unpack

import numpy as np
import xgboost

from bvtrack import ModelFacts, Tracker
from bvtrack.adapters import (
    UNNAMED,
    GivenData,
    InRounds,
    Predicted,
    Round,
    SetName,
    SplitSample,
    SplitSource,
    TrainEval,
    Values,
    choose_examples,
    end_state,
    named_sets,
    never_raise,
)
from bvtrack_boosting.training import BoostingArguments, chosen_names, given_data, session_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BiasVarianceCallback"]

HIGHER_IS_BETTER = ("auc", "pre", "map", "ndcg")
"""How the names of XGBoost's metrics begin of which higher values are better, as its early stopping has it; `mape` is none."""
MOST_COMPARED, MOST_VALUES = 10_000, 4_000_000
"""Rows, and values in them, of a DMatrix that are read to check the split."""
WATCHED = (
    "early stopping watches the test set {!r}, whose error is then one of a dev set: put dev last among evals, or pass "
    "EarlyStopping(data_name=...)"
)


class BiasVarianceCallback(xgboost.callback.TrainingCallback):
    """Logs the errors of rounds of boosting to MLflow and keeps the run tagged with its diagnosis and next step.

    Errors are the values that XGBoost evaluates, by the trees as they are. Where nothing but a loss of classes is evaluated,
    the shares of wrong examples are measured on the data given here, by trees that are new since the last time alone. Put it
    behind an `EarlyStopping(save_best=True)`, to see which trees are kept. XGBoost tells callbacks nothing when a training
    raises: the run ends as failed once its booster is let go of, or at once as a context manager around the training.

    Args:
        options: those of `bvtrack.adapters.CallbackOptions`, but `expose`; and
        error: a function of (predictions, targets), arrays `[n_rows, ...]`, to one error or one for each row; all errors are
            then measured with it, on the data given here.
        train_data, dev_data, test_data: a `DMatrix`, `(features, targets)`, `(features, targets, weights)`, or a number of
            rows. By these the split is checked, the evaluated sets are told apart, and sets are measured that are not
            evaluated. A `DMatrix` that is trained on or evaluated costs least. In several processes, the first of which logs
            the errors of all, only their numbers of rows count.
        train_set, dev_set, test_set: the names of evaluated sets, where neither these nor the data tell.
        resume_file: a file of yours for the state of the run, by which a training with `xgb_model=` goes on with it.

    Raises:
        ValueError: as `CallbackOptions` does, for `expose`, and for data of no such kind.
    """

    def __init__(self, **options: Unpack[BoostingArguments]) -> None:
        super().__init__()
        self._boosting = session_of("XGBoost", options)
        self._names = chosen_names(options)
        self._given = {name: _given(name, data) for name, data in given_data(options).items()}
        self._start = self._n_taken = self._n_trainings = 0
        self._sets: Mapping[str, SetName] = {}
        self._evals: Mapping[str, Any] = {}
        self._is_first = self._is_behind_stopping = False

    @property
    def tracker(self) -> Tracker | None:
        """The Tracker of the present or the last training, with its `diagnosis` and `run_id`."""
        return self._boosting.tracker

    def before_training(self, model: Any) -> Any:
        self._begin(model)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._take(model, epoch, evals_log)
        return self._boosting.is_stopping

    def after_training(self, model: Any) -> Any:
        self._finish(model)
        return model

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._boosting.end(end_state(kind))

    @never_raise
    def _begin(self, model: Any) -> None:
        self._boosting.end("failed")  # a training that raised has called no hook
        self._start, self._n_taken, self._evals, self._is_first = model.num_boosted_rounds(), 0, {}, True
        self._n_trainings += 1
        weakref.finalize(model, self._let_go, self._n_trainings).atexit = False

    @never_raise
    def _let_go(self, number: int) -> None:
        """End with the booster of a training that raised, which is let go of then; one that was not has ended before."""
        if number == self._n_trainings:
            self._boosting.end("failed")

    @never_raise
    def _take(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> None:
        if xgboost.collective.get_rank():  # one process writes
            return
        is_first, self._is_first, self._evals = self._is_first, False, evals_log
        if is_first:
            self._is_behind_stopping = model.attr("best_iteration") == str(self._start)
            self._sets = self._told(model)
        one = self._round(self._start + epoch)
        if is_first:
            self._boosting.begin(XGBooster(model, self._given, self._boosting.options.train_eval), one)
        self._boosting.take(one, _errors(one.values.get("dev", {})))
        self._n_taken = epoch + 1

    def _round(self, number: int) -> Round:
        """The round that was evaluated last."""
        return Round(
            number, {name: {metric: log[-1] for metric, log in self._evals[told].items()} for told, name in self._sets.items()}
        )

    @never_raise
    def _finish(self, model: Any) -> None:
        n_evaluated = max((len(log) for logs in self._evals.values() for log in logs.values()), default=0)
        if n_evaluated > self._n_taken and self._boosting.is_open:  # a callback in front of this one has stopped the training
            one = self._round(self._start + n_evaluated - 1)
            self._boosting.take(one, _errors(one.values.get("dev", {})))
        best = model.attr("best_iteration")
        self._boosting.end("complete", self._left(model, best) if isinstance(model, xgboost.Booster) else None)
        for told, name in self._sets.items() if best is not None else ():
            logs = self._evals[told].values() if name == "test" else ()
            if any(str(log[int(best) - self._start]) == model.attr("best_score") for log in logs):
                self._boosting.say(WATCHED.format(told))

    def _left(self, model: Any, best: str | None) -> int | None:
        """The last round of the model that is returned, or that an estimator predicts by, where that can be told: an early
        stopping behind this callback may yet cut the model.
        """
        if best is not None and self._evals and all(UNNAMED.fullmatch(told) for told in self._evals):
            return int(best)
        return int(model.num_boosted_rounds()) - 1 if best is None or self._is_behind_stopping else None

    def _told(self, model: Any) -> Mapping[str, SetName]:
        """The set that each evaluated one is, by its name."""
        is_cv, is_alone = not isinstance(model, xgboost.Booster), xgboost.collective.get_world_size() == 1
        known: dict[str, SetName] = {"train": "train", "test": "dev"} if is_cv else {}
        for name, given in self._given.items():
            with suppress(Exception):  # that it cannot be read is said where its error is measured
                for told in (
                    _evaluated_alike(model, given, self._evals) if given.can_be_predicted and is_alone and not is_cv else ()
                ):
                    known.setdefault(told, name)
        sets, problems = named_sets([*self._evals], self._names, known)
        for problem in problems:
            self._boosting.say(problem)
        return sets


class _Part(NamedTuple):
    """A set and the booster that predicts on it; its targets are kept, for XGBoost takes a millisecond to give them."""

    booster: Callable[[], Any]
    matrix: Any
    targets: NDArray[Any]
    weights: NDArray[Any] | None

    @classmethod
    def of(cls, model: Any, matrix: Any) -> Self:
        weights = matrix.get_weight()
        return cls(weakref.ref(model), matrix, matrix.get_label(), weights if len(weights) else None)


class XGBooster(InRounds):
    """A booster that is trained, or one for each fold."""

    def __init__(self, model: Any, given: Mapping[SetName, GivenData], train_eval: TrainEval) -> None:
        self._model = weakref.ref(model)  # not held, so that one whose training raised is let go of
        folds = [] if isinstance(model, xgboost.Booster) else model.cvfolds
        self.n_folds = max(len(folds), 1)
        first = folds[0].bst if folds else model
        config = json.loads(first.save_config())["learner"]
        self._objective, self._trees = config["objective"]["name"], config["gradient_booster"]
        self.is_classifier = self._objective.startswith(("binary:", "multi:"))
        self.is_kept = self._trees["name"] == "gbtree"  # dart goes on to change the weights of earlier trees
        is_alone = xgboost.collective.get_world_size() == 1
        self._given = {} if folds else given if is_alone else {name: _counted(one) for name, one in given.items()}
        n_dev = given["dev"].n if "dev" in given else None
        some = {name: one.some(n_dev, train_eval) if name == "train" else one for name, one in self._given.items()}
        self._measured = {name: one for name, one in some.items() if one.can_be_predicted}
        self._parts: dict[SetName, list[_Part]] = {}
        self.counts: Mapping[SetName, int] = {name: one.n for name, one in self._given.items()}
        if folds:
            self._parts["train"] = [_Part.of(fold.bst, fold.dtrain) for fold in folds]
            self._parts["dev"] = [_Part.of(fold.bst, fold.dtest) for fold in folds]
            n_dev = sum(fold.dtest.num_row() for fold in folds)
            self.counts = {"train": folds[0].dtrain.num_row(), "dev": n_dev}

    @property
    def model(self) -> Any:
        """The booster that is trained, or what holds those of the folds; `None` once it is gone."""
        return self._model()

    def facts(self) -> ModelFacts:
        train = self._trees.get("tree_train_param")
        if train is None:  # dart holds its trees one level down
            train = self._trees.get("gbtree", {}).get("tree_train_param")
        return ModelFacts() if train is None else ModelFacts(kind="trees", learning_rate=float(train["learning_rate"]))

    def splits(self) -> Mapping[SetName, SplitSource]:
        given = {name: one.split for name, one in self._given.items()}
        return given or {name: SplitSource(n) for name, n in self.counts.items()}

    def predictable(self) -> Sequence[SetName]:
        return list(dict.fromkeys([*self._parts, *self._measured]))

    def predict(self, name: SetName, n_rounds: int | None) -> Sequence[Predicted] | None:
        if n_rounds is not None and not self.is_kept:
            return None
        if name not in self._parts:
            self._parts[name] = [_Part.of(self.model, _matrix(self.model, self._measured[name]))]
        return [self._predicted(part, n_rounds or 0) for part in self._parts[name]]

    def _predicted(self, part: _Part, n_rounds: int) -> Predicted:
        """Of all rounds those are added up that are new since the last time, for the booster keeps what it has predicted."""
        is_of_scores = self._objective == "multi:softmax"
        found = part.booster().predict(part.matrix, output_margin=is_of_scores, iteration_range=(0, n_rounds))
        if self._objective == "binary:logitraw":
            found = (found > 0).astype(float)
        return Predicted(found, part.targets, part.weights)


def _given(name: SetName, data: Any) -> GivenData:
    if not isinstance(data, xgboost.DMatrix):
        return GivenData.of(name, data, "a DMatrix")
    n, targets = data.num_row(), data.get_label()
    is_kept_whole = not isinstance(data, (xgboost.QuantileDMatrix, xgboost.ExtMemQuantileDMatrix))
    split = SplitSource(n, (lambda: _sample(data, targets)) if is_kept_whole else None)
    return GivenData(split, data, targets if len(targets) else None)


def _counted(given: GivenData) -> GivenData:
    """The set by its size alone: where several processes train one model, all would have to make and read matrices together."""
    return GivenData(SplitSource(given.n))


def _sample(matrix: Any, targets: NDArray[Any]) -> SplitSample:
    """Some rows of a DMatrix, whose missing values are no numbers."""
    n, n_columns = matrix.num_row(), matrix.num_col()
    rows = np.sort(choose_examples(n, max(1, min(MOST_COMPARED, MOST_VALUES // max(n_columns, 1)))))
    found = matrix.slice(rows).get_data().tocoo()
    values = np.full((len(rows), n_columns), np.nan, dtype=np.float32)
    values[found.row, found.col] = found.data
    labels = targets if len(targets) else None
    return SplitSample(n, values, None if labels is None else labels[rows], labels, rows=rows.tolist())


def _matrix(model: Any, given: GivenData) -> Any:
    """The data as the booster takes them. Raises `ValueError` for other columns, which XGBoost would take for missing ones."""
    n_columns = given.x.num_col() if isinstance(given.x, xgboost.DMatrix) else given.x.shape[1]
    if n_columns != model.num_features():
        raise ValueError(f"expected {model.num_features()} features, got {n_columns}")
    if isinstance(given.x, xgboost.DMatrix):
        return given.x
    named = {} if hasattr(given.x, "columns") else {"feature_names": model.feature_names, "feature_types": model.feature_types}
    return xgboost.DMatrix(given.x, given.targets, weight=given.weights, enable_categorical=True, **named)


def _evaluated_alike(model: Any, given: GivenData, evals: Mapping[str, Any]) -> Sequence[str]:
    """The evaluated sets whose values are those of this one: it is the same data."""
    text = str(model.eval(_matrix(model, given), "x"))
    own = {metric: float(value) for metric, _, value in (part[2:].rpartition(":") for part in text.split("\t")[1:])}
    shared = {told: own.keys() & logs.keys() for told, logs in evals.items()}
    return [
        told
        for told, logs in evals.items()
        if shared[told] and all(np.isclose(logs[metric][-1], own[metric], rtol=1e-6, atol=0) for metric in shared[told])
    ]


def _errors(values: Values) -> Mapping[str, float]:
    """The values such that lower ones are better."""
    means = {metric: value[0] if isinstance(value, tuple) else value for metric, value in values.items()}
    is_higher = {metric: metric.startswith(HIGHER_IS_BETTER) and metric != "mape" for metric in means}
    return {metric: -value if is_higher[metric] else value for metric, value in means.items()}
