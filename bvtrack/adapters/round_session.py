"""Trainings of thousands of rounds that evaluate their sets themselves, as boosted trees do: a `Session` of some rounds."""

from __future__ import annotations

import json
import math
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from bvtrack.adapters.budget import TimeBudget
from bvtrack.adapters.options import CallbackOptions
from bvtrack.adapters.predicted_errors import ERROR, OF_EXAMPLES, Predicted, of_folds, pass_over
from bvtrack.adapters.rounds import Round, Rounds
from bvtrack.adapters.session import Session
from bvtrack.adapters.training import Logged, Pass, SetName, Training
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.journal.records import EndState
from bvtrack.log import WarnOnce
from bvtrack.measures.measure import Measure, find_measure
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.tracking.environment import is_disabled
from bvtrack.tracking.tracker import Tracker

NO_DEV = "{} was trained without a dev set: have one evaluated beside the training, or pass dev_data="
NO_TRAIN = "the train error is not known, and so neither is bias: have the training set evaluated too, or pass train_data="
TWICE = "two callbacks of bvtrack follow this training: the second logs nothing"
MEASURED: tuple[SetName, ...] = ("train", "dev", "test")
MOST_OF_THE_TIME = 0.05
"""Behind the first rounds, measuring one by predicting takes about this share of the time since the one before, where earlier
rounds can be predicted by later: else the best might be lost in the meantime."""
_followed: WeakKeyDictionary[Any, RoundSession] = WeakKeyDictionary()
"""Who follows which model."""


class InRounds(Protocol):
    """What a callback knows of the training that it is called by."""

    model: Any
    """The framework's object for the training, `None` where it shows none."""
    is_kept: bool
    """True if earlier rounds can be predicted by until the training's end is told."""
    counts: Mapping[SetName, int]
    """The numbers of rows that are known; of a cross-validation, those of a fold's train set and of all dev sets."""
    n_folds: int
    """The number of folds of a cross-validation, 1 for a training."""
    is_classifier: bool
    """True if the predictions are known to be of classes."""

    @abstractmethod
    def facts(self) -> ModelFacts:
        """Facts about the model."""

    @abstractmethod
    def splits(self) -> Mapping[SetName, SplitSource]:
        """The sets, as far as they are known."""

    @abstractmethod
    def predictable(self) -> Sequence[SetName]:
        """The sets that can be predicted on, whether or not they are evaluated."""

    @abstractmethod
    def predict(self, name: SetName, n_rounds: int | None) -> Sequence[Predicted] | None:
        """Predictions of a set, or of each fold's, by the first rounds, or all that there are; `None` where these are gone."""


class RoundTraining(Training):
    """A training, of which a `Session` is given one `Round` after another."""

    def __init__(self, source: InRounds) -> None:
        self.source = source
        self.round = Round(0, {})
        self.left: int | None = None
        """The last round of the model that the user is left with, once that is known."""
        self.is_stopping = False

    def model_facts(self) -> ModelFacts:
        return self.source.facts()

    def splits(self) -> Mapping[str, SplitSource]:
        return dict(self.source.splits().items())

    def logged(self) -> Logged:
        """The values of the dev set; where there is none, those of train tell the measure."""
        name: SetName = "dev" if "dev" in self.round.values else "train"
        values = {f"{name}-{metric}": _mean(value) for metric, value in self.round.values.get(name, {}).items()}
        return Logged(dev=values, n_dev=self.source.counts.get("dev"))

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        return list(self.round.passes)

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        return self.round.passes[name]

    def wording(self, name: SetName) -> tuple[str, str]:
        return "predicting", f"the {name} data"

    def marks_of_weights(self) -> Sequence[str]:
        return [f"round {self.round.number}"]

    def weights_left(self) -> Sequence[str]:
        return [] if self.left is None else [f"round {self.left}"]

    def expose(self, metrics: Mapping[str, float]) -> None:
        return  # refused in the options

    def stop(self, reason: str) -> None:
        self.is_stopping = True


class RoundSession:
    """Follows the trainings of one callback, one after the other; `what` names the framework in messages.

    Args:
        resume_file: where the state of the run is noted, by which a training that goes on with another goes on with its run.

    Raises:
        ValueError: for options with `expose`, as rounds that are not logged have nothing to hand on, and for a `resume_file`
            that holds anything else.
    """

    def __init__(self, what: str, options: CallbackOptions, resume_file: str | Path | None = None) -> None:
        if options.expose:
            raise ValueError(f"expose=True: {what} has no place for the values of a callback; watch its own metrics instead")
        self.options = options
        self._what = what
        self._file = None if resume_file is None else Path(resume_file)
        if self._file is not None and self._file.exists() and _state_in(self._file) is None:
            raise ValueError(f"resume_file= would be overwritten, and {self._file} is no state of a run: name a new file")
        self._warnings = WarnOnce()
        self.say = self._warnings.once
        """Warns of a trouble once."""
        self.tracker: Tracker | None = None
        """The Tracker of the present or the last training."""
        self._session: Session[RoundTraining] | None = None
        self._measure: Measure | None = None
        self._rounds = Rounds()
        self._n_predicted = 0
        self._cost, self._measured_at = math.inf, -math.inf

    @property
    def is_open(self) -> bool:
        """True during a training."""
        return self._session is not None and self._session.is_open

    def begin(self, source: InRounds, first: Round) -> None:
        """Begin a training after its `first` round, which tells what is evaluated."""
        if is_disabled() or not self._is_first_to_follow(source.model):
            return
        self._measure = self._error_of(source, first)
        options = replace(self.options, error=ERROR) if self._measure is ERROR else self.options
        resumed = self._read() if first.number and self._file else None
        self.tracker = options.new_tracker(resume=resumed)
        self._rounds = Rounds()
        self._cost, self._measured_at = math.inf, -math.inf
        self._session = Session(RoundTraining(source), options, self.tracker, warnings=self._warnings)
        if resumed is not None:
            self._session.recall(resumed)
        self._session.begin()
        known = {*first.values, *source.predictable()}
        for name, problem in (("dev", NO_DEV.format(self._what)), ("train", NO_TRAIN)):
            if name not in known:
                self.say(problem)

    @property
    def is_stopping(self) -> bool:
        """True if the training is to stop after this round."""
        return self._session is not None and self._session.is_open and self._session.training.is_stopping

    def take(self, one: Round, errors: Mapping[str, float], *, is_last: bool = False) -> None:
        """Take a round. `errors` are those of the dev set by metric, the lower the better; `is_last` where that is known."""
        if self._session is None or not self._session.is_open:
            return
        source, start, before = self._session.training.source, time.perf_counter(), self._n_predicted
        is_affordable = self._cost == math.inf or MOST_OF_THE_TIME * (start - self._measured_at) >= self._cost
        is_due = self._rounds.take(one, errors, is_last=is_last, is_affordable=is_affordable or not source.is_kept)
        if is_due:
            self._measure_sets(one, None)
            for best in () if source.is_kept else self._rounds.waiting():  # it could not be asked for later
                self._measure_sets(best, best.number + 1)
        self._log(self._session, self._rounds.ready())
        if is_due and self._n_predicted > before:
            self._measured_at = time.perf_counter()
            self._cost = min(self._cost, self._measured_at - start)  # of few new trees: all are to be run at some time

    def end(self, state: EndState, left: int | None = None, test: Predicted | None = None) -> None:
        """End the training; `left` is the last round of the model that the user is left with, where it is known, and `test`
        what that predicts of the test set, where it could not be asked before.
        """
        session = self._session
        if session is None or not session.is_open:
            return
        self._log(session, self._rounds.ready(is_end=True))
        session.training.left = left  # known only now: by what is left, no rule can have stopped the training
        if test is not None and session.measure is not None:
            self._log_test(session, session.measure, test)
        session.end(state)
        self._session = None  # it holds the training's data

    def _is_first_to_follow(self, model: Any) -> bool:
        if model is None:
            return True
        other = _followed.get(model)
        if other is not None and other is not self and other.is_open:
            self.say(TWICE)
            return False
        _followed[model] = self
        return True

    def _log(self, session: Session[RoundTraining], rounds: Sequence[Round]) -> None:
        for one in rounds:
            self._measure_sets(one, one.number + 1)
            if self._is_own and "dev" not in one.passes:
                continue  # its model is gone
            session.training.round = one
            session.begin_epoch()
            session.measure_sets(0)
            session.end_epoch(one.number)
        if rounds and self._file is not None:
            self._note(self._file, session.state())

    def _log_test(self, session: Session[RoundTraining], measure: Measure, test: Predicted) -> None:
        try:
            (value,) = pass_over([test], measure).values.values()
        except Exception as error:
            self.say(f"the test error is missing ({error})")
            return
        values = {f"test-{measure.name.removeprefix('dev-')}": value}
        session.log_test(values, epoch=session.training.left, n_test=len(test.targets))

    @property
    def _is_own(self) -> bool:
        """True if no evaluated metric counts, as all errors are measured by predicting."""
        return self._measure is ERROR or self.options.error is not None

    def _measure_sets(self, one: Round, n_rounds: int | None) -> None:
        """Measure the sets of a round, once: by the values that were evaluated, else by predicting."""
        assert self._session is not None
        source, every = self._session.training.source, self.options.test_every
        for name in () if one.passes else MEASURED:
            is_due = name != "test" or (every and self._session.n_epochs % every == 0)
            if is_due and (found := self._measured(source, name, one, n_rounds)) is not None:
                one.passes[name] = found

    def _measured(self, source: InRounds, name: SetName, one: Round, n_rounds: int | None) -> Pass | None:
        n = source.counts.get(name)
        if name in one.values and not self._is_own:
            values = {f"{name}-{metric}": value for metric, value in one.values[name].items()}
            folds = {metric: value for metric, value in values.items() if isinstance(value, tuple)}
            means = {metric: _mean(value) for metric, value in values.items()}
            return of_folds(folds, source.n_folds, n) if folds else Pass(n, means)
        if self._measure is None or name not in source.predictable():
            return None
        try:
            self._n_predicted += 1
            parts = source.predict(name, n_rounds)
            return None if parts is None else pass_over(parts, self._measure, n)
        except Exception as error:  # data and functions of the user's own may raise anything
            return Pass(problem=repr(error))

    def _error_of(self, source: InRounds, first: Round) -> Measure | None:
        """The error by which sets are measured that are not evaluated: where a classifier evaluates nothing but a loss, or a
        metric that is known of the dev set alone, and this can be predicted on, the share of wrong examples, of all sets.
        """
        if self.options.error is not None:
            return self.options.error
        if self.options.measure is not None:
            named = self.options.measure
            return named if isinstance(named, Measure) else find_measure([named], None)
        found = find_measure([f"dev-{metric}" for values in first.values.values() for metric in values])
        is_told = found is not None and found.kind != "loss" and not self._lacks_train(source, first, found)
        return ERROR if source.is_classifier and not is_told and "dev" in source.predictable() else found

    def _lacks_train(self, source: InRounds, first: Round, measure: Measure) -> bool:
        """True if the train error is not evaluated, and is known only by another measure, as an area under a curve is no mean
        over examples.
        """
        return "train" not in first.values and "train" in source.predictable() and measure.find_in(OF_EXAMPLES) is None

    def _note(self, file: Path, state: Mapping[str, Any]) -> None:
        """Note the run; one that is killed meanwhile leaves the file as it was."""
        beside = file.with_name(f"{file.name}.new")
        beside.write_text(json.dumps(state))
        beside.replace(file)

    def _read(self) -> Mapping[str, Any] | None:
        """The state of the training that this one goes on with; `None` where it is not there."""
        found = _state_in(self._file) if self._file is not None and self._file.exists() else None
        if found is None:
            self.say(f"the run of the training before is not known, as {self._file} does not hold it: this is another run")
        return found


def _state_in(file: Path) -> Mapping[str, Any] | None:
    """The state of a run in a file; `None` if it holds anything else."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"id", "run_id", "epochs"} <= found.keys() else None


def _mean(value: float | tuple[float, float]) -> float:
    return value[0] if isinstance(value, tuple) else value
