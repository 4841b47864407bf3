"""A loop of the user's own around `partial_fit`, or around `fit` with `warm_start`."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, Unpack

from bvtrack import Tracker
from bvtrack.adapters import (
    ErrorFunction,
    OptionArguments,
    Pair,
    Session,
    WarnOnce,
    end_state,
    is_disabled,
    never_raise,
)
from bvtrack_sklearn.training import EstimatorTraining, checked_options, new_session


class PartialFits:
    """Logs the errors of an estimator after each pass of a loop of one's own, and keeps the run diagnosed; a context manager.

    Args:
        train, dev, test: pairs `(x, y)`: what the loop fits on, and what it does not, as the estimator's `predict` takes it.
        error: as for `bvtrack.diagnose_estimator`.
        **options: as for `bvtrack.adapters.CallbackOptions`, but for `measure`.

    Raises:
        ValueError: for what is no pair of equal lengths, and as `CallbackOptions` does.

    >>> with PartialFits(train, dev) as fits:  # doctest: +SKIP
    ...     for _ in range(10):
    ...         model.partial_fit(*train, classes=[0, 1])
    ...         fits.log_epoch(model)
    """

    def __init__(
        self,
        train: tuple[Any, Any],
        dev: tuple[Any, Any] | None = None,
        test: tuple[Any, Any] | None = None,
        *,
        error: ErrorFunction | str | Any = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        self._pairs = Pair.named(train=train, dev=dev, test=test)
        self._options = checked_options(options)
        self._error = error
        self._session: Session[EstimatorTraining] | None = None

    @property
    def tracker(self) -> Tracker | None:
        """The Tracker, with its `diagnosis` and `run_id`; `None` before the first epoch."""
        return self._session.tracker if self._session else None

    @property
    def is_stopped(self) -> bool:
        """True once the options' `stop_when` holds, for the loop to end by."""
        return self._session is not None and self._session.training.is_stopped

    @never_raise
    def log_epoch(self, estimator: Any) -> None:
        """Measure the estimator as it is now, and log that as the next epoch."""
        if is_disabled():
            return
        if self._session is None:
            self._session = new_session(estimator, self._pairs, self._error, self._options, WarnOnce())
        self._session.training.model = estimator
        self._session.end_epoch(self._session.n_epochs)
        self._session.begin_epoch()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session:
            self._session.end(end_state(kind))
