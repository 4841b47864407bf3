"""One training, from its first hook to its last: measures each epoch's errors and logs them to a Tracker."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from bvtrack.adapters.budget import MOST_OF_AN_EPOCH, TimeBudget
from bvtrack.adapters.error_reader import ErrorReader
from bvtrack.adapters.options import CallbackOptions
from bvtrack.adapters.training import Pass, SetName, Training
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.journal.records import EndState
from bvtrack.log import WarnOnce
from bvtrack.measures.measure import Measure, has_diverged
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.comparing.outputs import held_out
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.tracking.environment import is_disabled
from bvtrack.tracking.tracker import Tracker

logger = logging.getLogger("bvtrack")

TrainingT = TypeVar("TrainingT", bound=Training)


class Session(Generic[TrainingT]):
    """Measures the errors of each epoch of a `training`, and keeps its run diagnosed by `options`.

    A callback calls `begin`, then `begin_epoch` and `end_epoch` in each epoch, and `end`; where the weights that the dev error
    is of are gone by the epoch's end, `measure_sets` before. In several processes each has a session, and all take part.

    Args:
        tracker: what writes; by default the one that `options` make.
        warnings: what has been said already, where one callback sees several trainings.
    """

    def __init__(
        self,
        training: TrainingT,
        options: CallbackOptions,
        tracker: Tracker | None = None,
        *,
        warnings: WarnOnce | None = None,
    ) -> None:
        self.training = training
        """The framework's side of the session."""
        self._options = options
        self.tracker = tracker or options.new_tracker()
        self.say = (warnings or WarnOnce()).once
        """Warns of a trouble once."""
        self._errors = ErrorReader(training, self.tracker, options.error, self.say)
        self._facts = ModelFacts()
        self._is_split_checked = False
        self._passes: Mapping[SetName, Pass] | None = None
        self._outputs: Mapping[str, Any] = {}
        self._budget = TimeBudget(training.now)
        self._epoch_start = time.perf_counter()
        self.n_epochs = 0
        """Number of epochs logged."""
        self.is_open = True

    @property
    def measure(self) -> Measure | None:
        """The measure of the errors, once it is settled; before, the one that the user named."""
        return self._errors.measure or self.tracker.measure

    @property
    def has_measured(self) -> bool:
        """True if the sets have been measured in this epoch."""
        return self._passes is not None

    def begin(self) -> None:
        """Note what the model is and, where the data are known, check the split."""
        self._facts = self.training.model_facts()
        self.tracker.log_model(self._facts)
        if self.training.has_data:
            self._check_split()

    def begin_epoch(self) -> None:
        """Start the clock that limits what a pass may cost."""
        self._epoch_start = time.perf_counter()

    def measure_sets(self, turn: int | None = None) -> None:
        """Pass over all sets with the weights as they are now; over the test set in every `test_every`-th turn, from 0 on. By
        default the turns are the epochs that have been logged.
        """
        self._check_split()
        turn = self.n_epochs if turn is None else turn
        self._budget.begin(MOST_OF_AN_EPOCH * (time.perf_counter() - self._epoch_start))
        is_test_due = bool(self._options.test_every) and turn % self._options.test_every == 0
        due = [name for name in self.training.sets(self.measure) if name != "test" or is_test_due]
        self._passes = {name: self._pass_over(name) for name in due}

    def end_epoch(self, epoch: int) -> None:
        """Log the errors of an epoch, counted from 0: those that have been measured in it, or else are measured now."""
        self._check_split()
        logged = self.training.logged()
        self._errors.settle([*logged.dev, *logged.train])
        if self._passes is None and self._errors.measure and not has_diverged({**logged.train, **logged.dev}):
            self.measure_sets(epoch)
        passes, self._passes = self._passes, None
        if passes is not None:
            self._outputs = held_out({name: found.outputs for name, found in passes.items()}) or self._outputs
            passes = self.training.join(passes)
        self.tracker.log_epoch(epoch, **self._errors.of_epoch(logged, passes))
        self.n_epochs += 1
        if self._options.expose:
            self.training.expose(self.tracker.metrics_of(epoch))

    def log_test(self, logged: Mapping[str, Any], *, epoch: int, n_test: int | None = None) -> None:
        """Pass on the test error that was logged after the training, with the weights of `epoch`, over `n_test` examples."""
        if is_disabled():
            return
        self._errors.settle(logged)
        error = self._errors.logged(logged, "test")
        if error is not None:
            self.tracker.log_test(error, n_test=n_test, epoch=epoch)

    def end(self, state: EndState) -> None:
        """Compare what the model says of dev and of test, where it was asked for both, and close the run; once."""
        if not self.is_open:
            return
        self.is_open = False
        if self._outputs:
            self.tracker.log_outputs(**self._outputs)
        self.tracker.close(state)

    def _check_split(self) -> None:
        if self._is_split_checked:
            return
        self._is_split_checked = True
        with preserve_random_states():  # making and reading data may draw
            splits = {name: self._in_safety(name, split) for name, split in self.training.splits().items()}
            self.tracker.log_split(**splits, monitors=self.training.monitors())
            self._errors.is_augmented = self._is_augmented()
        facts = replace(self._facts, augmentation=bool(self._facts.augmentation) or self._errors.is_augmented)
        if facts != self._facts:
            self.tracker.log_model(facts)

    def _in_safety(self, name: str, split: SplitSource) -> SplitSource:
        """The same, known by its size alone where reading fails, for a dataset of the user's own may raise anything."""

        def read() -> SplitSample:
            try:
                with preserve_random_states():
                    return split.sample()
            except Exception as error:
                self.say(f"the {name} data could not be read to check the split ({error!r})")
                return SplitSample(split.n)

        return replace(split, read=read) if split.read else split

    def _is_augmented(self) -> bool:
        try:
            return self.training.is_augmented()
        except Exception as error:  # measuring the error will say so too
            logger.debug("bvtrack: the training data cannot be read (%r)", error)
            return False

    def _pass_over(self, name: SetName) -> Pass:
        try:
            return self.training.evaluate(name, self.measure, self._budget)
        except Exception as error:
            return Pass(problem=repr(error))
