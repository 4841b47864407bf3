"""One `fit` as a `Session` of the core sees it: its logs, and `evaluate` on the data that the user handed over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
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

    @property
    def has_data(self) -> bool:
        return not self.sources.may_hold_dev

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
        return compiled_loss(self.callback.model)

    def logged(self) -> Logged:
        dev = {name: value for name, value in self.logs.items() if name.startswith(VALIDATION)}
        return Logged({name: value for name, value in self.logs.items() if name not in dev}, dev)

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        validated = None if measure is None or self.options.error else measure.find_in(self.logged().dev)
        if validated is None and self.sources.dev is None:
            self.say(NO_DEV_DATA)
        names: list[SetName] = [] if validated else ["dev"]
        names += ["train", "train_dev", "test"]
        return [name for name in names if self._data(name) is not None]

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        if name == "train":
            self._settle_train(budget)
        return self._pass_over(self._data(name))

    def wording(self, name: SetName) -> tuple[str, str]:
        return "evaluate", f"{name}_data"

    def expose(self, metrics: Mapping[str, float]) -> None:
        """Add the errors and gaps to the logs, under names that Keras' callbacks can monitor."""
        self.logs |= {f"bvtrack_{name}": metrics[f"bvtrack/{name}"] for name in EXPOSED if f"bvtrack/{name}" in metrics}

    def _data(self, name: SetName) -> Any:
        """Data that the error of a set is measured on; `None` if there are none."""
        return self._train if name == "train" else getattr(self.sources, name)

    def _pass_over(self, data: EvaluationData) -> Pass:
        with preserve_random_states(), preserve_generators(data.source), preserve_state(self.callback):
            model = self.callback.model
            if self.options.error is not None:
                return predict(model, data, self.options.error)
            return Pass(data.n, model.evaluate(data.x, data.y, verbose=0, return_dict=True))

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
