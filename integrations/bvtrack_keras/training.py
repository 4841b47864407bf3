"""One `fit` as a `Session` of the core sees it: its logs, and `evaluate` on the data that the user handed over."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bvtrack import Measure, ModelFacts
from bvtrack.adapters import (
    CallbackOptions,
    ErrorFunction,
    Logged,
    Pass,
    SetName,
    SplitSource,
    TimeBudget,
    Training,
)
from bvtrack_keras.agreement import Agreement
from bvtrack_keras.batch_size import evaluation_batch_size
from bvtrack_keras.checkpoints import CheckpointWatch, beside
from bvtrack_keras.data import BATCH, EvaluationData
from bvtrack_keras.error import compiled_loss, predict
from bvtrack_keras.facts import model_facts
from bvtrack_keras.fitted import FitWatch, validation_adapter, validation_data
from bvtrack_keras.meaning import RECONSTRUCTION, meaningful, metric_classes, minimised
from bvtrack_keras.shadow import untouched
from bvtrack_keras.sources import Sources
from bvtrack_keras.state import mark_of_weights
from bvtrack_keras.subset import affordable_part, train_subset
from bvtrack_keras.tail import held_out_tail
from bvtrack_keras.values import numbers

logger = logging.getLogger("bvtrack")

NO_DEV_DATA = (
    "expected validation data to measure the dev error on, got none in this epoch: without them variance is not known; "
    "pass validation_data= to fit, or dev_data= to the callback"
)
TAIL = (
    "fit holds out the last {n} examples of train_data to validate on: they count as dev, not as train; "
    "pass validation_split= to the callback too"
)
NO_END = "expected data that end, got a dataset of infinitely many batches"
VALIDATION = "val_"
EXPOSED = ("train_error", "dev_error", "variance", "avoidable_bias")
MOST_OF_A_TRAINING = 0.01
"""A comparison of dev_data with fit's own validation, once in a training, costs at most this share of it."""
ALWAYS_SECONDS = 0.5
"""Cost of a comparison that is never too much."""


@dataclass(eq=False)
class KerasTraining(Training):
    """`callback` is the one whose model is measured; `logs` is the user's own dict of the ending epoch."""

    callback: Any
    options: CallbackOptions
    sources: Sources
    say: Callable[[str], None]
    logs: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._train = train_subset(self.sources, self.options.train_eval)
        self._is_train_settled = self.options.train_eval != "subset"
        self.watch = FitWatch()
        self._saved = CheckpointWatch(beside(self.callback))
        self._mark: str | None = None
        self._is_compared = False
        self._unmeasurable: dict[SetName, str] = {}

    @property
    def has_data(self) -> bool:
        return not self.sources.may_hold_dev

    def begin_epoch(self) -> None:
        """Have done with the epoch before, which is over for all callbacks."""
        self.watch.begin_epoch()
        self._saved.look()
        self._mark = None

    def end_epoch(self, epoch: int) -> None:
        """Note the weights that the model has when the epoch ends, which other callbacks may save now."""
        mark = self._mark if self._mark is not None and self.watch.mark is None else mark_of_weights(self.callback.model)
        self._saved.end_epoch(epoch, self.logs, mark)

    def marks_of_weights(self) -> Sequence[str]:
        self._mark = self.watch.mark or mark_of_weights(self.callback.model)
        return [self._mark]

    def weights_left(self) -> Sequence[str]:
        return [self._saved.restored() or mark_of_weights(self.callback.model)]

    def checkpoints(self) -> Mapping[str, str]:
        return self._saved.marks()

    def forget_checkpoints(self, paths: Collection[str]) -> None:
        self._saved.forget(paths)

    def model_facts(self) -> ModelFacts:
        facts = model_facts(self.callback.model)
        return replace(facts, augmentation=facts.augmentation or self.sources.plain is not None)

    def splits(self) -> Mapping[str, SplitSource]:
        if self.sources.may_hold_dev:
            self._notice_tail()
        return self.sources.splits()

    def is_augmented(self) -> bool:
        return self._train is not None and self.sources.plain is None and self._train.differs_when_read_again()

    def loss(self) -> ErrorFunction | None:
        return None if self.minimised() == RECONSTRUCTION else compiled_loss(self.callback.model)

    def minimised(self) -> str | None:
        return minimised(self.callback.model, self._some_data)

    def known_as(self) -> Mapping[str, str]:
        return metric_classes(self.callback.model)

    def _some_data(self) -> EvaluationData | None:
        """Data whose targets tell what kind the others are of."""
        return self.sources.train or validation_data(self.callback.model)

    def logged(self) -> Logged:
        values = numbers(self.logs, self.say)
        values = meaningful(values, self.callback.model, self._some_data, self.options.measure, self.say)
        dev = {name: value for name, value in values.items() if name.startswith(VALIDATION)}
        train = {name: value for name, value in values.items() if name not in dev}
        return Logged(train, dev, n_dev=self.watch.n_validated)

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        validated = None if measure is None or self.options.error else measure.find_in(self.logged().dev)
        if validated is None and self.sources.dev is None:
            self.say(NO_DEV_DATA)
        if measure is not None and self.watch.validation_seconds is not None and not self._is_compared:
            self._is_compared = True
            self._compare(measure, validated)
        names: list[SetName] = [] if validated else ["dev"]
        names += ["train", "train_dev", "test"]
        return [name for name in names if self._data(name) is not None]

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        if problem := self._unmeasurable.get(name) or self.watch.other_weights(self.callback.model):
            return Pass(problem=problem)
        if name == "train":
            self._settle_train(budget)
        return self._pass_over(self._data(name))

    def wording(self, name: SetName) -> tuple[str, str]:
        return "evaluate", f"{name}_data"

    def expose(self, metrics: Mapping[str, float]) -> None:
        """Add the errors and gaps to the logs, under names that Keras' callbacks can monitor."""
        self.logs |= {f"bvtrack_{name}": metrics[f"bvtrack/{name}"] for name in EXPOSED if f"bvtrack/{name}" in metrics}

    def stop(self, reason: str) -> None:
        self.callback.model.stop_training = True

    def _data(self, name: SetName) -> Any:
        """Data that the error of a set is measured on; `None` if there are none."""
        return self._train if name == "train" else getattr(self.sources, name)

    def _pass_over(self, data: EvaluationData) -> Pass:
        (found,) = self._passes_over(data, 1)
        return found

    def _passes_over(self, data: EvaluationData, times: int) -> Sequence[Pass]:
        most_batches = self._most_batches(data)
        with untouched(self.callback, data.source, self.say):
            if self.options.error is not None:
                return [predict(self.callback.model, data, self.options.error, most_batches) for _ in range(times)]
            return [Pass(data.n, self._evaluated(data, most_batches)) for _ in range(times)]

    def _most_batches(self, data: EvaluationData) -> int | None:
        """Of training data that may have no end, as many batches as `fit` takes an epoch for; `None` for all there are.

        Raises `ValueError` for other data without an end.
        """
        n = data.n_batches
        if n is not None and n < math.inf:
            return None
        steps: int | None = self.callback.params.get("steps") if data is self._train else None
        if steps is None and n == math.inf:
            raise ValueError(NO_END)
        return steps

    def _evaluated(self, data: EvaluationData, most_batches: int | None) -> Mapping[str, float]:
        values = self.callback.model.evaluate(
            data.x,
            data.y,
            batch_size=evaluation_batch_size(self.callback.model, self._batch_size(), data.n) if data.is_arrays else None,
            sample_weight=data.weights,
            steps=most_batches,
            verbose=0,
            return_dict=True,
        )
        return numbers(values, self.say)

    def _batch_size(self) -> int:
        """The batch size of fit's validation, or else Keras' default, but no larger batches than fit trains on."""
        steps, n = self.callback.params.get("steps"), self.sources.train.n if self.sources.train else None
        largest = math.ceil(n / steps) if n and steps else BATCH
        batch: int = getattr(validation_adapter(self.callback.model), "batch_size", None) or min(BATCH, largest)
        return batch

    def _compare(self, measure: Measure, validated: str | None) -> None:
        """Notice where `fit` uses other data than were given, or weights them otherwise. What cannot be told costs nothing."""
        try:
            self._compare_with_fit(measure, validated)
        except Exception as error:  # data of the user's own may raise anything; measuring the errors says so too
            logger.debug("bvtrack: the data cannot be compared with those of fit (%r)", error)

    def _compare_with_fit(self, measure: Measure, validated: str | None) -> None:
        def measured(data: EvaluationData, times: int) -> Sequence[float]:
            values = [found.values for found in self._passes_over(data, times)]
            return [found[measure.find_in(found) or ""] for found in values]

        watch, params = self.watch, self.callback.params
        of_fit = validation_data(self.callback.model)
        agreement = Agreement(self.sources, of_fit, watch.n_trained, watch.n_validated, params.get("steps"), self.say)
        self._unmeasurable.update(agreement.check_sets())
        if validated is None or self._unmeasurable:
            return
        names: tuple[SetName, ...] = ("train", "train_dev", "test", "dev")
        sets = {name: data for name in names if (data := self._data(name)) is not None}
        self._unmeasurable.update(agreement.check_weights(sets, measured))
        seconds, epoch_seconds = watch.validation_seconds or 0.0, watch.epoch_seconds or 0.0
        if seconds <= max(ALWAYS_SECONDS, MOST_OF_A_TRAINING * epoch_seconds * params.get("epochs", 1)):
            agreement.check_value(self.logs[validated], measured, validated)

    def _settle_train(self, budget: TimeBudget) -> None:
        if self._is_train_settled or self._train is None:
            return
        self._is_train_settled = True
        try:
            self._train = affordable_part(self._train, budget, self._pass_over)
        except Exception as error:  # measuring the error will say so too
            logger.debug("bvtrack: the train subset stays as it is (%r)", error)

    def _notice_tail(self) -> None:
        train = self.sources.train
        if train is None or not self.logged().dev:
            return
        steps = self.callback.params.get("steps")
        n_tail = held_out_tail(self.callback.model, train, self.logs, steps=steps, measure=self._pass_over)
        if n_tail is not None:
            self.sources = self.sources.with_tail_as_dev(n_tail)
            self._train = train_subset(self.sources, self.options.train_eval)
            self.say(TAIL.format(n=n_tail))
