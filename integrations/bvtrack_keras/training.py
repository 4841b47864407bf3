"""The passes over a user's data at the end of an epoch, and what they measure."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bvtrack import Measure, Tracker, TrainEval, has_diverged, held_out, preserve_random_states
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.error import SetError, compiled_loss, measure_error, settled
from bvtrack_keras.sources import Sources
from bvtrack_keras.state import preserve_generators, preserve_state
from bvtrack_keras.subset import affordable, train_subset
from bvtrack_keras.tail import held_out_tail

logger = logging.getLogger("bvtrack")

NO_DEV_DATA = (
    "expected validation data to measure the dev error on, got none in this epoch: without them variance is not known; "
    "pass validation_data= to fit, or dev_data= to the callback"
)
TAIL = (
    "fit holds out the last {n} examples of train_data to validate on: they count as dev, not as train; "
    "pass validation_split= to the callback too"
)
VALIDATION = "val_"
RUNNING = "train: running average, not in eval mode"
AUGMENTED = "train: on augmented examples"


class Passes:
    """The errors of one training, epoch by epoch; `callback` is the one whose model is measured."""

    def __init__(
        self,
        callback: Any,
        tracker: Tracker,
        sources: Sources,
        *,
        train_eval: TrainEval,
        test_every: int,
        error: Measure | None,
        said: set[str],
    ) -> None:
        self._callback = callback
        self._tracker = tracker
        self.sources = sources
        self._train_eval = train_eval
        self._test_every = test_every
        self._error = error
        self._said = said
        self.measure: Measure | None = None
        """What the errors are, once it is known."""
        self._train = train_subset(sources.for_train, sources.dev, train_eval) if sources.for_train else None
        self._is_train_settled = train_eval != "subset"
        self._is_split_logged = False
        self._outputs: dict[str, Any] = {}
        self._remark = self._remark_on_train()
        if not sources.may_hold_dev:
            self._log_split()

    @property
    def is_augmented(self) -> bool:
        """Whether training examples change from one reading to the next, or those that do not were given beside them."""
        return self._remark == AUGMENTED or self.sources.plain is not None

    def errors(self, epoch: int, logs: Mapping[str, float], seconds: float) -> dict[str, Any]:
        """The arguments of `Tracker.log_epoch` after an epoch of so many seconds: what `fit` logged, and what is measured."""
        if not self._is_split_logged:
            self._notice_tail(logs)
            self._log_split()
        if not self._settle_measure(logs):
            return {}
        fitted, validated = self._logged(logs)
        running = {} if fitted is None else {"train_error_running": fitted}
        if has_diverged(logs):
            return running | {"train_error": math.nan}
        if not self._is_train_settled:
            self._settle_train(seconds)
        measured = {name: self._measured(name, data) for name, data in self._due(epoch, validated).items()}
        if validated is None and self.sources.dev is None:
            self._say_once(NO_DEV_DATA)
        train = {} if self._train else {"train_error": fitted}
        dev = {} if validated is None else {"dev_error": validated}
        return running | train | dev | self._as_arguments(measured)

    def end(self) -> None:
        """Compare what the model says of dev and of test, where it was asked for both."""
        if self._outputs:
            self._tracker.log_outputs(**self._outputs)

    def error_in(self, logs: Mapping[str, float]) -> float | None:
        """The error that is among logged metrics."""
        name = self.measure.find_in(logs) if self.measure and self._error is None else None
        return self.measure.error(float(logs[name])) if self.measure and name else None

    def _logged(self, logs: Mapping[str, float]) -> tuple[float | None, float | None]:
        """The running train error and the dev error that `fit` itself has logged."""
        fitted = {name: value for name, value in logs.items() if not name.startswith(VALIDATION)}
        return self.error_in(fitted), self.error_in({name: logs[name] for name in logs.keys() - fitted.keys()})

    def _due(self, epoch: int, validated: float | None) -> dict[str, EvaluationData]:
        sources = self.sources
        is_test_due = self._test_every and epoch % self._test_every == 0
        sets = {
            "dev": sources.dev if validated is None else None,
            "train": self._train,
            "train_dev": sources.train_dev,
            "test": sources.test if is_test_due else None,
        }
        return {name: data for name, data in sets.items() if data is not None}

    def _as_arguments(self, measured: Mapping[str, SetError | None]) -> dict[str, Any]:
        known = {name: error for name, error in measured.items() if error is not None}
        self._outputs = held_out({name: error.outputs for name, error in known.items()}) or self._outputs
        if self._error is not None and self.measure is None and known:
            self._take(settled(self._error, next(iter(known.values()))))
        intervals = {name: error.interval for name, error in known.items() if error.interval is not None}
        errors = {f"{name}_error": error.value for name, error in known.items()}
        return errors | {f"n_{name}": error.n for name, error in known.items()} | {"intervals": intervals}

    def _measured(self, name: str, data: EvaluationData) -> SetError | None:
        try:
            return self._pass_over(data)
        except Exception as error:
            self._say_once(f"the {name} error is missing, for evaluate failed on {name}_data ({error!r})")
            return None

    def _pass_over(self, data: EvaluationData) -> SetError:
        measure = self.measure or self._error
        assert measure is not None
        if self._error is not None:
            with preserve_random_states(), preserve_generators(data.source), preserve_state(self._callback):
                return measure_error(self._callback.model, data, measure)
        values = self._evaluate(data)
        name = measure.find_in(values)
        if name is None:
            raise ValueError(f"no metric named {measure.name!r} was evaluated; evaluated: {', '.join(sorted(values))}")
        return SetError(measure.error(float(values[name])), data.n)

    def _evaluate(self, data: EvaluationData) -> Mapping[str, float]:
        with preserve_random_states(), preserve_generators(data.source), preserve_state(self._callback):
            values: Mapping[str, float] = self._callback.model.evaluate(data.x, data.y, verbose=0, return_dict=True)
        return values

    def _settle_measure(self, logs: Mapping[str, float]) -> bool:
        """Whether it is known what the errors are, or will be once one is measured."""
        if self._error is not None or self.measure is not None:
            return True
        measure = self._tracker.choose_measure(logs)
        if measure is not None:
            is_loss = measure.kind == "loss" and measure.function is None
            self._take(replace(measure, scale=None, function=compiled_loss(self._callback.model)) if is_loss else measure)
        return measure is not None

    def _take(self, measure: Measure) -> None:
        self.measure = measure
        self._tracker.log_measure(measure, self._remark)

    def _settle_train(self, seconds: float) -> None:
        self._is_train_settled = True
        if self._train is not None:
            try:
                self._train = affordable(self._train, seconds, self._pass_over)
            except Exception as error:  # measuring the error will say so too
                logger.debug("bvtrack: the train subset stays as it is (%r)", error)

    def _notice_tail(self, logs: Mapping[str, float]) -> None:
        train = self.sources.train
        if train is None or not self.sources.may_hold_dev or not any(name.startswith(VALIDATION) for name in logs):
            return
        steps = self._callback.params.get("steps")
        n_tail = held_out_tail(self._callback.model, train, logs, steps=steps, evaluate=self._evaluate)
        if n_tail is not None:
            self.sources = self.sources.with_tail_as_dev(n_tail)
            self._train = train_subset(self.sources.train, self.sources.dev, self._train_eval) if self.sources.train else None
            self._say_once(TAIL.format(n=n_tail))

    def _log_split(self) -> None:
        self._is_split_logged = True
        self._tracker.log_split(**self.sources.splits(), monitors=())  # Keras shows a callback no other

    def _remark_on_train(self) -> str:
        if self._train is None:
            return RUNNING
        try:
            is_augmented = self.sources.plain is None and self._train.differs_when_read_again()
        except Exception as error:  # measuring the error will say so too
            logger.debug("bvtrack: the training data cannot be read (%r)", error)
            return ""
        return AUGMENTED if is_augmented else ""

    def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            logger.warning("bvtrack: %s", message)
