"""What the callbacks of frameworks have in common: one session at a time, which they end where the framework does not."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self

from bvtrack.adapters.logged_values import numbers
from bvtrack.adapters.module_training import size_of
from bvtrack.adapters.options import CallbackOptions
from bvtrack.adapters.session import Session, TrainingT
from bvtrack.journal.records import EndState, end_state
from bvtrack.log import WarnOnce
from bvtrack.tracking.tracker import Tracker

ADDED_TWICE = "expected one {name} in a training, got {n}; the first one does the work"
OTHER_TRAINING = "expected a {name} of the trainer that it is added to, got one of another: nothing is tracked"


class SessionHolder(Generic[TrainingT]):
    """A callback with the session of its present or last training.

    As a context manager around a training it ends the run of one that raises, where the framework tells callbacks nothing.
    """

    def __init__(self, options: CallbackOptions) -> None:
        self.options = options
        self.session: Session[TrainingT] | None = None
        self.warnings = WarnOnce()

    @property
    def tracker(self) -> Tracker | None:
        """The Tracker of the present or the last training, with its `diagnosis` and `run_id`."""
        return self.session.tracker if self.session else None

    @property
    def open_session(self) -> Session[TrainingT] | None:
        """The session of a training that goes on."""
        return self.session if self.session and self.session.is_open else None

    def begin(self, training: TrainingT, *, resume: Mapping[str, Any] | None = None, is_first: bool = True) -> None:
        """Begin a session, and its first epoch; `resume` is the state of that which it goes on with. Of several processes the
        first one writes.
        """
        tracker = self.options.new_tracker(resume=resume, enabled=is_first)
        self.session = Session(training, self.options, tracker, warnings=self.warnings)
        if resume is not None:
            self.session.recall(resume)
        self.session.begin()
        self.session.begin_epoch()

    def leads(self, callbacks: Sequence[object], *, is_first: bool = True) -> bool:
        """True if this is the first of its class among the `callbacks` of a training that begins; where it is not alone, or
        not among them, that is said. Of several processes the first one speaks.
        """
        say = self.warnings = WarnOnce(is_enabled=is_first)
        ours = [one for one in callbacks if isinstance(one, type(self))]
        if not any(one is self for one in ours):
            say.once(OTHER_TRAINING.format(name=type(self).__name__))
            return False
        if ours[0] is not self or ours.count(self) > 1:
            say.once(ADDED_TWICE.format(name=type(self).__name__, n=len(ours)))
        return ours[0] is self

    def log_test(self, metrics: Mapping[str, Any], loader: Any) -> None:
        """Add the test error among metrics over a `loader`, measured after the training, to the epoch whose weights the
        training is left with; not that of data that it has used.
        """
        session = self.session
        if session and not session.is_open and not session.training.has_used(loader):
            epoch = session.epoch_of(session.training.weights_left())
            session.log_test(numbers(metrics, self.warnings.once), epoch=epoch, n_test=size_of(loader))

    def end_left(self) -> None:
        """End the session of a training that raised, where the framework tells callbacks nothing, when the next one begins: a
        notebook's was interrupted where the last that was raised to it was a `KeyboardInterrupt`.
        """
        was_stopped = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
        self.end("interrupted" if was_stopped else "failed")

    def end(self, state: EndState) -> None:
        """End the present training's session, if there is one."""
        if self.session:
            self.session.end(state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the run of a training that raised, in here or, where that was caught in here, before."""
        self.end("interrupted" if kind is None else end_state(kind))

    def __getstate__(self) -> dict[str, Any]:
        """A copy, as searches make one for each trial, shares no run with this one."""
        return vars(self) | {"session": None}
