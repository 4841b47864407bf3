"""Settles which metric is the error, and reads each epoch's errors from the logged metrics and the measured passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from bvtrack.adapters.training import Logged, Pass, SetName, Training
from bvtrack.measures.example_error import measure_examples
from bvtrack.measures.measure import Measure, find_measure, has_diverged
from bvtrack.measures.metric_words import is_of_stage
from bvtrack.schema.tag_texts import AUGMENTED, LAST_BATCH, RUNNING
from bvtrack.tracking.tracker import Tracker

Arguments = dict[str, Any]
"""Keyword arguments of `Tracker.log_epoch`."""
Measured = tuple[float, tuple[float, float] | None]
"""An error in the measure's own units, and its 95 % interval where it was bootstrapped."""


class ErrorReader:
    """Settles the measure as soon as something has been logged that tells it, and reads each epoch's errors by it.

    `own` is the measure of the user's own `error=`: then no logged metric counts. What is missing is said by `say`.
    """

    def __init__(self, training: Training, tracker: Tracker, own: Measure | None, say: Callable[[str], None]) -> None:
        self._training = training
        self._tracker = tracker
        self._own = own
        self._say = say
        self.named = tracker.measure
        """The measure that the user named."""
        self._remarks: list[str] = []
        self.measure: Measure | None = own
        self.is_augmented = False
        """True if the train error is measured on augmented examples."""

    def settle(self, names: Iterable[str]) -> None:
        """Choose the logged metric that is the error, once."""
        if self.measure is not None:
            return
        minimised, known_as = self._training.minimised(), self._training.known_as()
        found = self._tracker.choose_measure({*names}, loss=minimised, known_as=known_as)
        if found is not None and found.kind == "loss" and found.function is None and (loss := self._training.loss()):
            found = replace(found, scale=None, function=loss)
            self._tracker.log_measure(found)
        self.measure = found

    def is_told_by(self, names: Iterable[str]) -> bool:
        """True if these names settle the measure, whatever else may be logged yet, or if it is settled."""
        if self.measure is not None:
            return True
        if self.named is not None:
            return self.named.find_in(names) is not None
        return find_measure(names, known_as=self._training.known_as()) is not None

    def logged(self, values: Mapping[str, Any], stage: str) -> float | None:
        """The error that was logged for a stage; `None` where it was not."""
        return self._error_at(self._name_in(values, stage), values)

    def of_epoch(self, logged: Logged, measured: Arguments | None) -> Arguments:
        """All errors of an epoch; `measured` by `of_passes`, or not at all where a loss that is no number made that pointless.
        Where the train error could not be measured, the loop's running average stands in.
        """
        if self.measure is None:
            return {}
        errors = {} if measured is None else {"dev_error": self._of_validation(logged), "n_dev": logged.n_dev} | measured
        if has_diverged({**logged.train, **logged.dev}):
            errors["train_error"] = math.nan
        errors["train_error_running"] = self._running(logged, is_needed="train_error" not in errors)
        if "train_error" not in errors and errors["train_error_running"] is not None:
            errors["train_error"] = errors["train_error_running"]
            self._remark(RUNNING)
        elif self.is_augmented and "train_error" in errors:
            self._remark(AUGMENTED)
        return errors

    def of_passes(self, passes: Mapping[SetName, Pass]) -> Arguments:
        """The errors that the passes found."""
        errors: Arguments = {"dev_error": None} if "dev" in passes else {}
        intervals = {}
        for name, found in passes.items():
            measured = self._read(name, found)
            if measured is not None:
                errors[f"{name}_error"], intervals[name] = measured
                errors[f"n_{name}"] = found.n
        return errors | {"intervals": {name: ends for name, ends in intervals.items() if ends is not None}}

    def _of_validation(self, logged: Logged) -> float | None:
        values, name = logged.dev, self._name_in(logged.dev, "dev")
        if name is None:  # one of validation's outputs may be logged when the epoch ends
            values = {each: value for each, value in logged.train.items() if is_of_stage(each, "dev")}
            name = self._name_in(values, "dev")
        self._note_kind(name, logged.over_classes)
        return self._error_at(name, values)

    def _running(self, logged: Logged, *, is_needed: bool) -> float | None:
        """The error that the training steps have logged, under another name than validation. That it is no average is a
        warning only where it `is_needed`.
        """
        values = {name: value for name, value in logged.train.items() if name not in logged.dev}
        name = self._name_in(values, "train")
        if name is not None and name in logged.of_last_batch:
            if is_needed:
                self._say(f"{name} is that of the epoch's last batch, no running train error: log it with on_epoch=True")
            else:
                self._remark(LAST_BATCH)
            return None
        return self._error_at(name, values)

    def _name_in(self, values: Mapping[str, Any], stage: str) -> str | None:
        """The name under which the error was logged; `None` for the user's own `error=`."""
        return self.measure.find_in(values, stage) if self.measure and self._own is None else None

    def _error_at(self, name: str | None, values: Mapping[str, Any]) -> float | None:
        return self.measure.error(float(values[name])) if self.measure and name else None

    def _read(self, name: SetName, found: Pass) -> Measured | None:
        """The error that a pass found on a set; `None`, with one warning, if it found none."""
        step, data = self._training.wording(name)
        problem = found.problem
        try:
            measured = None if problem else self._of_examples(found) if found.examples else self._of_values(found)
        except Exception as error:  # a function of the user's own may give anything
            measured, problem = None, repr(error)
        if measured is None:
            reason = f"{step} failed on {data} ({problem})" if problem else self._not_logged(found, step, data)
            self._say(f"the {name} error is missing, for {reason}")
            self._remark(f"{name}: missing")
        return measured

    def _not_logged(self, found: Pass, step: str, data: str) -> str:
        seen = ", ".join(sorted(found.values)) or "nothing"
        return f"{step} did not log {self.measure} on {data}; it logged {seen}; measure it with error= instead"

    def _of_values(self, found: Pass) -> Measured | None:
        assert self.measure is not None
        name = self.measure.find_in(found.values)
        if name is None:
            return None
        self._note_kind(name, found.over_classes)
        ends = [self.measure.error(float(end)) for end in found.intervals.get(name, ())]
        return self.measure.error(float(found.values[name])), (min(ends), max(ends)) if ends else None

    def _of_examples(self, found: Pass) -> Measured:
        import numpy as np

        assert self.measure is not None
        assert self.measure.function is not None
        assert found.examples is not None
        error = _itself if found.is_by_example else self.measure.function
        if found.is_averaged or self.measure.is_rate:  # no bootstrap: of parts it would be none, and counts tell of a rate
            return float(np.mean(np.asarray(error(*found.examples), dtype=float))), None
        measured = measure_examples(error, *found.examples)
        if measured.is_rate:
            self._take(replace(self.measure, kind="rate"))
        return measured.value, measured.interval

    def _note_kind(self, name: str | None, over_classes: Collection[str]) -> None:
        """Take an accuracy over classes for one from now on: no count of examples tells how certain it is."""
        if self.measure is not None and self.measure.is_rate and name in over_classes:
            self._take(replace(self.measure, kind="score"))

    def _remark(self, remark: str) -> None:
        """Put a remark into the measure's tag, behind those that are there."""
        if remark not in self._remarks and self.measure is not None:
            self._remarks.append(remark)
            self._take(self.measure)

    def _take(self, measure: Measure) -> None:
        self.measure = measure
        self._tracker.log_measure(measure, "; ".join(self._remarks))


def _itself(errors: Any, _: Any) -> Any:
    return errors
