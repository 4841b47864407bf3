"""The callback for the estimators of scikit-learn 1.9 that take one: translates their hooks into those of a session."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, Unpack

from bvtrack import Tracker
from bvtrack.adapters import (
    ErrorFunction,
    OptionArguments,
    Pair,
    Session,
    WarnOnce,
    end_state,
    estimator_facts,
    is_disabled,
    never_raise,
    within,
)
from bvtrack_sklearn.training import EstimatorTraining, checked_options, new_session

MOST_OF_A_FIT = 0.05
ALWAYS_SECONDS = 0.5
"""Steps are measured as long as that takes at most such a share of the fit, or so little; the last one always is."""
ADDED_TWICE = "this {} has {} BiasVarianceCallbacks: the first tracks the fit, the others do nothing"
BESIDE = "a fit of this {} goes on in another thread, which its BiasVarianceCallback tracks: this one is not tracked"
BEGINNING = threading.Lock()
TOO_OLD = (
    "expected scikit-learn 1.9 or later, whose estimators take callbacks, got {}: use bvtrack.diagnose_estimator(estimator, "
    "train, dev), or bvtrack_sklearn.PartialFits for a loop of your own"
)
NO_TARGETS = "{} is fitted without targets, so it has no errors: nothing is tracked"


class BiasVarianceCallback:
    """Logs train, dev and test error of each step of a fit to MLflow and keeps the run diagnosed.

    For `estimator.set_callbacks(...)`, on the outermost estimator: a pipeline, a search, or an estimator by itself. The train
    set is the one that `fit` is given. The steps are those that the estimator tells of, such as the iterations of
    `LogisticRegression`, also as the last step of a pipeline, and of the refit of a search; of one that tells of none, and of a
    search without refit, the errors are those after the fit. The candidates of a search are not tracked. The fit is left as it
    was. Copies of the callback, in other processes and pickled estimators, do nothing; of fits in threads one at a time counts.

    Args:
        dev: the pair `(x, y)` to measure the dev error on, as the estimator's `predict` takes it.
        test: another such pair, by which nothing is chosen.
        error: as for `bvtrack.diagnose_estimator`.
        **options: as for `bvtrack.adapters.CallbackOptions`, but for `measure`.

    Raises:
        ModuleNotFoundError: before scikit-learn 1.9, whose estimators take no callbacks.
        ValueError: for what is no pair of equal lengths, and as `CallbackOptions` does.
    """

    max_propagation_depth = None
    """scikit-learn hands it on to the parts of a pipeline or a search."""

    def __init__(
        self,
        dev: tuple[Any, Any],
        test: tuple[Any, Any] | None = None,
        *,
        error: ErrorFunction | str | Any = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        _require_callbacks()
        self._held_out = Pair.named(dev=dev, test=test)
        self._options = checked_options(options)
        self._error = error
        self._warnings = WarnOnce()
        self._is_copy = False
        self._session: Session[EstimatorTraining] | None = None
        self.tracker: Tracker | None = None
        """The Tracker of the present or the last fit, with its `diagnosis` and `run_id`."""
        self._outermost: Any = None
        self._thread: threading.Thread | None = None

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin a fit, of which nothing is known yet but its estimator."""
        beside = [one for one in getattr(estimator, "_skl_callbacks", [self]) if isinstance(one, BiasVarianceCallback)]
        if len(beside) > 1:
            self._warnings.once(ADDED_TWICE.format(type(estimator).__name__, len(beside)))
        is_used = beside[0] is self and not self._is_copy and not is_disabled()
        with BEGINNING:
            if self._outermost is not None and self._thread is not threading.current_thread():
                self._warnings.once(BESIDE.format(type(estimator).__name__))
                return
            self._outermost, self._session, self._thread = estimator if is_used else None, None, threading.current_thread()
        self._error_before = sys.exc_info()[1]
        self._start, self._seconds, self._last_step, self._last_measured = time.perf_counter(), 0.0, -1, -1

    @never_raise
    def on_fit_task_begin(self, estimator: Any, context: Any, *, X: Any = None, y: Any = None) -> None:  # noqa: N803  # its name there
        if estimator is not self._outermost or context.parent is not None or self._session is not None:
            return
        if y is None:
            self._outermost = None
            self._warnings.once(NO_TARGETS.format(type(estimator).__name__))
            return
        pairs = {**Pair.named(train=(X, y)), **self._held_out}
        self._session = new_session(estimator, pairs, self._error, self._options, self._warnings)
        self.tracker = self._session.tracker

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any = None) -> bool:
        """Measure a step; True asks the estimator to take no further one."""
        self._end_step(estimator, context, fitted_estimator)
        return self._session is not None and self._session.training.is_stopped

    @never_raise
    def teardown(self, estimator: Any, context: Any) -> None:
        """End the run, whether the fit has ended or raised; measure the last step, if it has not been measured."""
        session, error = self._session, sys.exc_info()[1]
        if session is None or estimator is not self._outermost:
            return
        state = end_state(type(error)) if error is not None and error is not self._error_before else "complete"
        try:
            fitted, step = (estimator, 0) if self._last_step < 0 else (self._predicting(), self._last_step)
            if state == "complete" and self._last_measured < step:
                self._measure(fitted, step)
            session.training.model = fitted
            session.tracker.log_model(estimator_facts(estimator))
        finally:
            self._session = self._outermost = None
            session.end(state)

    @never_raise
    def _end_step(self, estimator: Any, context: Any, fitted: Any) -> None:
        """Steps are the tasks of the part that predicts, but for its whole fit, at whose end it is ready to predict."""
        is_step = context.parent is not None and context.source_task_name is None and fitted is not None
        if self._session is None or not is_step or estimator is not self._predicting() or context.task_id <= self._last_step:
            return
        self._last_step = context.task_id
        self._session.training.prepare()
        if self._seconds <= max(ALWAYS_SECONDS, MOST_OF_A_FIT * (time.perf_counter() - self._start)):
            self._measure(fitted, context.task_id)

    def _measure(self, fitted: Any, step: int) -> None:
        assert self._session is not None
        start = time.perf_counter()
        self._session.training.model = fitted
        self._session.end_epoch(step)
        self._session.begin_epoch()
        self._last_measured = step
        self._seconds += time.perf_counter() - start

    def _predicting(self) -> Any:
        """The part of the outermost estimator that predicts: the last step of a pipeline, of a search's best estimator."""
        return [*within(self._outermost)][-1]

    def __getstate__(self) -> dict[str, Any]:
        """A copy, in a process that fits a search's candidates or in a pickled estimator, has no data, and does nothing."""
        nothing = dict.fromkeys(("_session", "_outermost", "_thread", "_error_before", "tracker"))
        return {**vars(self), **nothing, "_held_out": {}, "_is_copy": True, "_warnings": WarnOnce(is_enabled=False)}


def _require_callbacks() -> None:
    try:
        import sklearn.callback  # whether it is there
    except ModuleNotFoundError as error:
        if error.name != "sklearn.callback":
            raise
        import sklearn

        raise ModuleNotFoundError(TOO_OLD.format(sklearn.__version__), name=error.name) from None
