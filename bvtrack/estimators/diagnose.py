"""Bias or variance of an estimator of scikit-learn, or of a library that follows it, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.estimators.error import estimator_error
from bvtrack.estimators.facts import estimator_facts
from bvtrack.estimators.kinds import NotJudgedError, is_fitted, unfitted
from bvtrack.estimators.learning_curve import Size, check_sizes, learning_curve_of
from bvtrack.estimators.pairs import Pair
from bvtrack.estimators.quiet import autologged_run, without_autologging
from bvtrack.estimators.result import DiagnosedEstimator
from bvtrack.estimators.search import search_of
from bvtrack.log import is_for_the_program, warn
from bvtrack.measures.example_error import ExampleError
from bvtrack.measures.measure import ErrorFunction, Measure
from bvtrack.measures.train_subset import TrainEval, train_eval_size
from bvtrack.random_states import preserve_random_states
from bvtrack.shipping.unfinished import ARRIVAL_SECONDS
from bvtrack.tracking.environment import is_disabled, wait_from_environment
from bvtrack.tracking.tracker import Tracker, is_making_its_store


class RunArguments(TypedDict, total=False):
    """Which run, and where: as for `Tracker`."""

    run_id: str | None
    experiment: str | None
    run_name: str | None
    tracking_uri: str | None
    journal_dir: str | Path | None
    saved_view: bool
    summary: bool


def diagnose_estimator(
    estimator: Any,
    train: tuple[Any, Any],
    dev: tuple[Any, Any],
    test: tuple[Any, Any] | None = None,
    *,
    human_error: float | None = None,
    error: ErrorFunction | str | Any = None,
    learning_curve: bool | Sequence[float] | None = None,
    train_eval: TrainEval = "subset",
    same_distribution: bool = True,
    dry_run: bool = False,
    tracker: Tracker | None = None,
    **run: Unpack[RunArguments],
) -> DiagnosedEstimator:
    """Diagnose an estimator by its errors on the sets, pairs `(x, y)` of arrays, DataFrames, sparse matrices or lists, and log
    that to an MLflow run.

    One that is fitted is used as it is; of one that is not, a clone is fitted on `train`, and the object that was given stays
    unfitted. Pipelines and searches are judged as a whole. The error of a classifier is the share of wrong examples, that of a
    regressor the RMSE.

    The run is the `tracker`'s, where one is given, which stays open, else that of `run_id`, MLflow's active one, the one that
    MLflow autologged this object's `fit` to, or one of its own, which is ended. Nothing of what is fitted or predicted here is
    autologged.

    Args:
        estimator: a classifier or a regressor, or what wraps one.
        train: what it was fitted on, or is to be.
        dev: examples that took no part in that, nor in a search.
        test: a second set of such examples, by which nothing was chosen.
        human_error: as for `Tracker`, a fraction in [0, 1].
        error: a function of (predictions, targets) to one error or one for each example, a scorer, or a scorer's name.
        learning_curve: True to fit clones on scikit-learn's five sizes of nested parts of `train`, or the sizes, as shares or
            numbers of examples. The recipe then says what more data bring by this estimator's own curve.
        train_eval: the train error is measured on a `"subset"` (as large as dev, 1,000 examples at least), the `"full"` set, or
            so many examples.
        same_distribution: False where train and dev are known to come from different sources.
        tracker: writes in the place of one of our own; `human_error` and the run are then its.
        dry_run: log nothing; so does `BVTRACK_DISABLED=1`.
        **run: `run_id`, `experiment`, `run_name`, `tracking_uri`, `journal_dir`, `saved_view`, `summary`: as for `Tracker`.

    Raises:
        ValueError: for what is no pair of equal lengths, a human error outside [0, 1], an `error`, `learning_curve` or
            `train_eval` of another kind. What the estimator's own `fit` raises is passed on. What cannot be judged (a
            clusterer, an outlier detector, one whose `predict` fails) is said, is `undetermined`, and logs nothing.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]] * 25, [0, 1, 0, 1] * 25
    >>> diagnose_estimator(DecisionTreeClassifier(max_depth=1), (x, y), (x, y), dry_run=True).errors["train"]
    0.25
    """
    pairs = Pair.named(train=train, dev=dev, test=test)
    sizes = check_sizes(learning_curve, pairs["train"].n)
    n_train = train_eval_size(pairs["train"].n, pairs["dev"].n, train_eval)
    if not n_train:
        raise ValueError("train_eval must be 'subset', 'full' or a number of examples; got 'running', of trainings in epochs")
    if tracker is not None and (dry_run or human_error is not None or run):
        raise ValueError("a tracker has its own run and human error; expected neither beside it: pass them to the Tracker")
    if human_error is not None and not is_fraction(human_error):
        raise ValueError(f"human_error must be a fraction in [0, 1]; got {human_error!r} (2 % is 0.02)")
    try:
        measured = estimator_error(estimator, pairs["train"].y, error)
    except NotJudgedError as problem:
        return _undetermined(estimator, str(problem))
    is_writing = not (dry_run or is_disabled())
    if "tracking_uri" not in run and "run_id" not in run:
        run["run_id"] = autologged_run(estimator)
    used = tracker or Tracker(human_error=human_error, same_distribution=same_distribution, enabled=is_writing, **run)
    with without_autologging():
        fitted = estimator if is_fitted(estimator) else unfitted(estimator).fit(*pairs["train"])
        with preserve_random_states():
            try:
                errors = {name: measured.of(fitted, pair) for name, pair in _measured(pairs, n_train).items()}
            except Exception as problem:  # an estimator, and an error of the user's own, may raise anything
                if is_for_the_program(problem):
                    raise
                return _undetermined(fitted, f"the errors of {type(fitted).__name__} cannot be measured ({problem!r})")
            curve = [*learning_curve_of(fitted, pairs, sizes, measured), _whole(pairs, errors)] if sizes else []
    _log(used, fitted, _as_rate(measured.measure, errors), pairs, errors, curve)
    if tracker is None:
        _close(used)
    return DiagnosedEstimator(
        diagnosis=used.diagnosis or Diagnosis.without_gaps("undetermined"),  # a tracker that is closed has said so
        estimator=fitted,
        steps=used.steps,
        split=tuple(used.findings),
        errors={name: one.value for name, one in errors.items()},
        learning_curve=curve,
        search=search_of(fitted, pairs["train"].n),
        tracker=used if is_writing else None,
    )


def _measured(pairs: Mapping[str, Pair], n_train: int) -> Mapping[str, Pair]:
    """The sets whose errors are measured: of the training set so many examples."""
    return {**pairs, "train": pairs["train"].some(n_train)}


def _whole(pairs: Mapping[str, Pair], errors: Mapping[str, ExampleError]) -> Size:
    return Size(pairs["train"].n, errors["train"].value, errors["dev"].value)


def _as_rate(measure: Measure, errors: Mapping[str, ExampleError]) -> Measure:
    """A measure of the user's own is a rate where each example is wrong or not, which its values tell."""
    return replace(measure, kind="rate") if all(one.is_rate for one in errors.values()) else measure


def _log(
    tracker: Tracker,
    fitted: Any,
    measure: Measure,
    pairs: Mapping[str, Pair],
    errors: Mapping[str, ExampleError],
    curve: Sequence[Size],
) -> None:
    tracker.log_model(estimator_facts(fitted))
    tracker.log_measure(measure)
    tracker.log_split(**{name: tuple(pair) for name, pair in pairs.items()})
    if len(curve) > 1:
        tracker.log_learning_curve([(one.n_train, one.dev_error) for one in curve])
    known: dict[str, Any] = {f"{name}_error": one.value for name, one in errors.items()}
    known |= {f"n_{name}": one.n for name, one in errors.items()}
    known["intervals"] = {name: one.interval for name, one in errors.items() if one.interval is not None}
    tracker.log_epoch(max(tracker.kept_epochs, default=-1) + 1, **known)


def _close(tracker: Tracker) -> None:
    """End the run, and wait as long as is asked for; the first of an SQLite store waits until that is set up."""
    tracker.close("complete", 0)
    chosen = wait_from_environment()
    tracker.wait((ARRIVAL_SECONDS if is_making_its_store(tracker) else 0.0) if chosen is None else chosen)


def _undetermined(estimator: Any, why_not: str) -> DiagnosedEstimator:
    """The result for what cannot be judged, which is said."""
    warn(why_not)
    return DiagnosedEstimator(Diagnosis("undetermined", "unclear", f"{why_not}."), estimator)
