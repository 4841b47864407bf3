"""One `fit` as a `Session` of the core sees it: its logs, and `evaluate` on the data that the user handed over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
    preserve_random_states,
)
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.error import compiled_loss, predict
from bvtrack_keras.facts import model_facts
from bvtrack_keras.sources import Sources
from bvtrack_keras.state import preserve_generators, preserve_state
from bvtrack_keras.subset import affordable_part, train_subset
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
EXPOSED = ("train_error", "dev_error", "variance", "avoidable_bias")


class KerasTraining(Training):
    """`callback` is the one whose model is measured."""

    def __init__(self, callback: Any, options: CallbackOptions, sources: Sources, say: Callable[[str], None]) -> None:
        self._callback = callback
        self._options = options
        self._sources = sources
        self._say = say
        self._train = self._train_subset()
        self._is_train_settled = options.train_eval != "subset"
        self.logs: dict[str, Any] = {}
        """Those of the epoch that ends, the user's own."""

    @property
    def has_data(self) -> bool:
        return not self._sources.may_hold_dev

    def model_facts(self) -> ModelFacts:
        facts = model_facts(self._callback.model)
        return replace(facts, augmentation=facts.augmentation or self._sources.plain is not None)

    def splits(self) -> Mapping[str, SplitSource]:
        if self._sources.may_hold_dev:
            self._notice_tail()
        return self._sources.splits()

    def is_augmented(self) -> bool:
        return self._train is not None and self._sources.plain is None and self._train.differs_when_read_again()

    def loss(self) -> ErrorFunction | None:
        return compiled_loss(self._callback.model)

    def logged(self) -> Logged:
        dev = {name: value for name, value in self.logs.items() if name.startswith(VALIDATION)}
        return Logged({name: value for name, value in self.logs.items() if name not in dev}, dev)

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        validated = None if measure is None or self._options.error else measure.find_in(self.logged().dev)
        if validated is None and self._sources.dev is None:
            self._say(NO_DEV_DATA)
        due: dict[SetName, EvaluationData | None] = {
            "dev": None if validated else self._sources.dev,
            "train": self._train,
            "train_dev": self._sources.train_dev,
            "test": self._sources.test,
        }
        return [name for name, data in due.items() if data is not None]

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        if name != "train" or self._train is None:
            return self._pass_over(getattr(self._sources, name))
        self._settle_train(self._train, budget)
        return self._pass_over(self._train)

    def wording(self, name: SetName) -> tuple[str, str]:
        return "evaluate", f"{name}_data"

    def expose(self, metrics: Mapping[str, float]) -> None:
        """Under the names that Keras' callbacks monitor."""
        self.logs |= {f"bvtrack_{name}": metrics[f"bvtrack/{name}"] for name in EXPOSED if f"bvtrack/{name}" in metrics}

    def _pass_over(self, data: EvaluationData) -> Pass:
        if self._options.error is None:
            return Pass(data.n, self._evaluate(data))
        with self._untouched(data):
            return predict(self._callback.model, data, self._options.error)

    def _evaluate(self, data: EvaluationData) -> Mapping[str, float]:
        with self._untouched(data):
            values: Mapping[str, float] = self._callback.model.evaluate(data.x, data.y, verbose=0, return_dict=True)
        return values

    @contextmanager
    def _untouched(self, data: EvaluationData) -> Iterator[None]:
        with preserve_random_states(), preserve_generators(data.source), preserve_state(self._callback):
            yield

    def _train_subset(self) -> EvaluationData | None:
        whole = self._sources.for_train
        return train_subset(whole, self._sources.dev, self._options.train_eval) if whole else None

    def _settle_train(self, train: EvaluationData, budget: TimeBudget) -> None:
        if self._is_train_settled:
            return
        self._is_train_settled = True
        try:
            self._train = affordable_part(train, budget, self._pass_over)
        except Exception as error:  # measuring the error will say so too
            logger.debug("bvtrack: the train subset stays as it is (%r)", error)

    def _notice_tail(self) -> None:
        train = self._sources.train
        if train is None or not self.logged().dev:
            return
        steps = self._callback.params.get("steps")
        n_tail = held_out_tail(self._callback.model, train, self.logs, steps=steps, evaluate=self._evaluate)
        if n_tail is not None:
            self._sources = self._sources.with_tail_as_dev(n_tail)
            self._train = self._train_subset()
            self._say(TAIL.format(n=n_tail))
