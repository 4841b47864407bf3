"""One training, from its first hook to its last: measures each epoch's errors and logs them to a Tracker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from bvtrack.adapters.budget import MOST_OF_AN_EPOCH, TimeBudget
from bvtrack.adapters.epoch_choice import MOST_CARRIED, EpochChoice
from bvtrack.adapters.epoch_marks import EpochMarks
from bvtrack.adapters.error_reader import Arguments, ErrorReader
from bvtrack.adapters.options import CallbackOptions
from bvtrack.adapters.training import Logged, Pass, SetName, Training
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.journal.packing import packed, unpacked
from bvtrack.journal.records import EndState
from bvtrack.log import WarnOnce, is_for_the_program, never_raise
from bvtrack.measures.measure import Measure, has_diverged
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.comparing.outputs import held_out
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.tracking.environment import is_disabled
from bvtrack.tracking.tracker import Tracker, is_making_its_store

logger = logging.getLogger("bvtrack")

TrainingT = TypeVar("TrainingT", bound=Training)

UNKNOWN_WEIGHTS = (
    "the test error {error:.4g} is not logged: it was measured on weights of none of the epochs whose errors were measured; "
    "if you know their epoch, call callback.tracker.log_test({error:.4g}, epoch=...)"
)


@dataclass
class EndedEpoch:
    """An epoch that is measured, and whose metrics may still be logged; `passes` is `None` where a loss that is no number made
    them pointless. `logged` is what has been logged of it so far.
    """

    number: int
    passes: Mapping[SetName, Pass] | None
    measured: Arguments | None = None
    logged: Arguments | None = None


class Session(Generic[TrainingT]):
    """Measures the errors of each epoch of a `training`, and keeps its run diagnosed by `options`.

    A callback calls `begin`, then `begin_epoch` and `end_epoch` in each epoch, and `end`; where the weights that the dev error
    is of are gone by the epoch's end, or only what the passes find tells the measure, `measure_sets` before; where metrics of
    the epoch are still logged after its end, `close_epoch` at its end and `log_epoch` later. In several processes each has a
    session, and all take part.

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
        self._marks: Sequence[str] = ()
        self._marks_of_epochs = EpochMarks()
        self._choice = EpochChoice(training, self.tracker, options.at, self.epoch_of)
        self._ended: EndedEpoch | None = None
        self._outputs: Mapping[str, Any] = {}
        self._budget = TimeBudget(training.now)
        self._longest_wait = 0.0
        self._start = self._epoch_start = time.perf_counter()
        self.n_epochs = 0
        """Number of epochs logged."""
        self.is_open = True

    @property
    def measure(self) -> Measure | None:
        """The measure of the errors, once it is settled; before, the one that the user named."""
        return self._errors.measure or self._errors.named

    @property
    def has_measured(self) -> bool:
        """True if the sets have been measured in this epoch."""
        return self._passes is not None

    @property
    def has_ended_epoch(self) -> bool:
        """True if an epoch is closed, and more may be logged of it."""
        return self._ended is not None

    def recall(self, state: Mapping[str, Any]) -> None:
        """Know the weights of the epochs before, where the Tracker has resumed from this `state()`."""
        if self.tracker.kept_epochs:
            self._marks_of_epochs.recall(unpacked(state.get("weights", {})))
            self._choice.recall(unpacked(state.get("compared", {})))

    def begin(self) -> None:
        """Note what the model is and, where the data are known, check the split."""
        self._facts = self.training.model_facts()
        self.tracker.log_model(self._facts)
        if self.training.has_data:
            self._check_split()

    def begin_epoch(self) -> None:
        """Start the clock that limits what a pass may cost."""
        self.leave_epoch()
        self._epoch_start = time.perf_counter()

    def measure_sets(self, turn: int | None = None) -> None:
        """Pass over all sets with the weights as they are now; over the test set in every `test_every`-th turn, from 0 on. By
        default the turns are the epochs that have been logged.
        """
        self._check_split()
        turn = self.n_epochs if turn is None else turn
        self._budget.begin(MOST_OF_AN_EPOCH * (time.perf_counter() - self._epoch_start))
        is_test_due = bool(self._options.test_every) and turn % self._options.test_every == 0
        self._marks = self._marks_now()
        due = [name for name in self._sets() if name != "test" or is_test_due]
        self._passes = {name: self._pass_over(name) for name in due}

    def end_epoch(self, epoch: int) -> None:
        """Log the errors of an epoch, counted from 0: those that have been measured in it, or else are measured now."""
        self.close_epoch(epoch, is_all_logged=True)
        self.log_epoch()

    def close_epoch(self, epoch: int, *, is_all_logged: bool = False) -> None:
        """Take up the errors of an epoch, as `end_epoch`, for `log_epoch` to log once the loop has logged all metrics of it."""
        self._check_split()
        logged = self.training.logged()
        if is_all_logged or self._errors.is_told_by(logged.dev):
            measured = {name for found in (self._passes or {}).values() for name in found.values}
            self._errors.settle([*logged.dev, *logged.train, *sorted(measured)])
        if self._passes is None and self._errors.measure and not has_diverged({**logged.train, **logged.dev}):
            self.measure_sets(epoch)
        self._marks_of_epochs.note(self._marks or self._marks_now(), epoch)
        if self._marks_of_epochs.are_many:
            self._marks_of_epochs.thin({*self.tracker.kept_epochs, *self._choice.saved_epochs()})
        passes, self._passes, self._marks = self._passes, None, ()
        if passes is not None:
            self._outputs = held_out({name: found.outputs for name, found in passes.items()}) or self._outputs
            passes = self.training.join(passes)
        elif self._errors.measure is None:  # it may be told by what is logged yet
            passes = {}
        self._ended = EndedEpoch(epoch, passes)
        if self._options.expose:
            self.training.expose(self._expected(self._ended, logged))
        if self._options.stop_when:
            self._stop_if_due()

    def log_epoch(self) -> None:
        """Log the epoch that was closed last, with all that the loop has logged for it by now; again only if that is more."""
        ended = self._ended
        if ended is None:
            return
        logged = self.training.logged()
        self._errors.settle([*logged.dev, *logged.train])
        errors = self._errors_of(ended, logged)
        if repr(errors) == repr(ended.logged):  # for no number is equal to itself
            return
        self.n_epochs += ended.logged is None
        ended.logged = errors
        self.tracker.log_epoch(ended.number, **errors)
        self._choose(ended, errors.get("dev_error"))

    def leave_epoch(self) -> None:
        """Have done with the epoch that was closed last: whatever is logged now is of none, or of another."""
        self._ended = None

    def state(self) -> Mapping[str, Any]:
        """State for a checkpoint: the Tracker's, and the epochs of the weights, of those that it keeps."""
        marks = self._marks_of_epochs.of({*self.tracker.kept_epochs, *self._choice.saved_epochs(MOST_CARRIED)})
        compared = packed(self._choice.state())
        return {**self.tracker.state(), "weights": packed(marks), "compared": compared}

    def epoch_of(self, marks: Sequence[str]) -> int | None:
        """The last measured epoch that had weights with the first of these marks; `None` where none had."""
        return self._marks_of_epochs.epoch_of(marks[0]) if marks else None

    def log_test(self, logged: Mapping[str, Any], *, epoch: int | None, n_test: int | None = None) -> None:
        """Pass on the test error that was logged after the training, with the weights of `epoch`, over `n_test` examples; where
        the epoch is not known, only say so.
        """
        if is_disabled():
            return
        self._errors.settle(logged)
        error = self._errors.logged(logged, "test")
        if error is not None and epoch is None:
            self.say(UNKNOWN_WEIGHTS.format(error=error))
        elif error is not None:
            self.tracker.log_test(error, n_test=n_test, epoch=epoch)
            self.tracker.wait(self._longest_wait)

    def end(self, state: EndState) -> None:
        """Compare what the model says of dev and of test, where it was asked for both, and close the run; once. Its last words
        are said at once; what is still on its way to MLflow is then waited for as long as the options say.
        """
        if not self.is_open:
            return
        self.is_open = False
        self._finish()
        self._tell_weights(state)
        self.tracker.close(state, 0)
        seconds = time.perf_counter() - self._start
        self._longest_wait = self._options.longest_wait(seconds)
        self.tracker.wait(self._options.longest_wait(seconds, is_making_store=is_making_its_store(self.tracker)))

    def _stop_if_due(self) -> None:
        """Ask the framework to stop where a rule is met by what is logged of the epoch now: in the next it would be too late.
        All processes take part, whatever fails in one.
        """
        reason = None
        try:
            reason = self._stop_reason()
        except Exception as error:
            self.say(f"whether to stop is not known ({error!r}); the training goes on")
        if reason := self.training.agreed(reason):
            self.training.stop(reason)

    def _stop_reason(self) -> str | None:
        if self._errors.measure is not None:  # else the loop may log what tells it yet
            self.log_epoch()
        if self.tracker.awaits_weights:
            self._choice.tell_if_kept(self._marks_of(self.training.weights_left))
        return self.tracker.stop_reason

    @never_raise
    def _choose(self, ended: EndedEpoch, error: float | None) -> None:
        self._choice.take(ended.number, (ended.passes or {}).get("dev"), error)
        self._choice.tell_in_time()

    @never_raise
    def _tell_weights(self, state: EndState) -> None:
        is_asked = state != "failed"  # an accelerator may be in no state to be asked
        self._choice.tell(self._marks_of(self.training.weights_left) if is_asked else ())

    @never_raise
    def _finish(self) -> None:
        self.log_epoch()
        if self._outputs:
            self.tracker.log_outputs(**self._outputs)

    def _errors_of(self, ended: EndedEpoch, logged: Logged) -> Arguments:
        if ended.measured is None and ended.passes is not None and self._errors.measure is not None:
            ended.measured = self._errors.of_passes(ended.passes)
        return self._errors.of_epoch(logged, ended.measured)

    def _expected(self, ended: EndedEpoch, logged: Logged) -> Mapping[str, float]:
        """The epoch's metrics as they are known now, by a Tracker that writes nothing."""
        trial = self._options.new_tracker(enabled=False)
        errors = self._errors_of(ended, logged)
        if self.tracker.measure is not None:
            trial.log_measure(self.tracker.measure)
        trial.log_epoch(ended.number, **errors)
        return trial.metrics_of(ended.number)

    def _marks_now(self) -> Sequence[str]:
        return self._marks_of(self.training.marks_of_weights)

    def _marks_of(self, weights: Callable[[], Sequence[str]]) -> Sequence[str]:
        try:
            return weights()
        except Exception as error:
            logger.debug("bvtrack: the weights cannot be told apart (%r)", error)
            return ()

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

    def _sets(self) -> Sequence[SetName]:
        try:
            return self.training.sets(self.measure)
        except Exception as error:
            self.say(f"no set can be measured ({error!r}): errors are those that the training logs")
            return ()

    def _pass_over(self, name: SetName) -> Pass:
        try:
            return self.training.evaluate(name, self.measure, self._budget)
        except BaseException as error:
            if is_for_the_program(error):
                raise
            return Pass(problem=repr(error))
