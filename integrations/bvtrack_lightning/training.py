"""One `fit` as a `Session` of the core sees it: the module's own steps over the loaders that the Trainer holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from bvtrack import Measure, ModelFacts
from bvtrack.adapters import CallbackOptions, Logged, Pass, SetName, SplitSource, TimeBudget, Training
from bvtrack_lightning import data
from bvtrack_lightning.error import is_over_examples
from bvtrack_lightning.evaluation import StepName, evaluate, predict
from bvtrack_lightning.facts import model_facts, monitors_of
from bvtrack_lightning.family import ancestry, is_users_own
from bvtrack_lightning.processes import Part, from_all, join
from bvtrack_lightning.reading import is_measured, logged_metrics, of_the_last_batch
from bvtrack_lightning.sources import GivenData, Sources, TimeBudgetedLoader

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer


@dataclass(eq=False)
class LightningTraining(Training):
    """In several processes each has one, and all take part in what is measured."""

    trainer: Trainer
    module: LightningModule
    options: CallbackOptions
    given: GivenData
    say: Callable[[str], None]
    _before: Mapping[str, Any] = field(default_factory=dict, init=False)
    _validated: Mapping[str, Any] | None = field(default=None, init=False)

    @property
    def has_data(self) -> bool:
        """Lightning makes the validation data just before it needs them."""
        return self.trainer.val_dataloaders is not None or not self.trainer.enable_validation

    def model_facts(self) -> ModelFacts:
        train = data.first_loader(self.trainer.train_dataloader)
        facts = model_facts(self.trainer, self.module, train.batch_size if train else None)
        return replace(facts, augmentation=None if self.given.train_eval is None else True)

    def monitors(self) -> Sequence[str]:
        return monitors_of(self.trainer)

    def splits(self) -> Mapping[str, SplitSource]:
        """The first process alone reads what each of them has whole, so that none waits for another that failed."""
        sources = self._sources
        return sources.splits() if self.trainer.is_global_zero else {}

    def is_augmented(self) -> bool:
        return self.trainer.is_global_zero and self._sources.train_is_augmented

    def begin_validation(self) -> bool:
        """True if our own passes must run now, on the weights that validation is about to use."""
        self._before = logged_metrics(self.trainer)
        return self._is_last_validation or averages_weights(self.trainer)  # those are gone at the epoch's end

    def end_validation(self) -> None:
        """Note what validation has just logged; Lightning keeps what was logged before under other names."""
        logged = logged_metrics(self.trainer)
        self._validated = {name: value for name, value in logged.items() if value is not self._before.get(name)}

    def is_over(self) -> bool:
        """True if the ending epoch is to be logged: it had a validation, or no epoch has one."""
        has_validated = any(from_all(self.trainer, self._validated is not None))
        return has_validated or not self.trainer.enable_validation

    def logged(self) -> Logged:
        validated, self._validated = self._validated or {}, None
        return Logged(logged_metrics(self.trainer), validated, of_the_last_batch(self.trainer))

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        return list(self._sources.loaders) if self.trainer.enable_validation else []

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        loader = self._sources.loaders[name]
        if isinstance(loader, TimeBudgetedLoader):
            loader.budget = budget
        if self.options.error is not None:
            return predict(self.trainer, self.module, loader, self.options.error)
        step = self._step_for(name)
        return evaluate(self.trainer, self.module, loader, step, lambda names: is_measured(measure, names))

    def now(self) -> float:
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch annotates only a part of it
            torch.cuda.synchronize()
        return super().now()

    def wording(self, name: SetName) -> tuple[str, str]:
        return self._step_for(name), f"the {name} data"

    def join(self, passes: Mapping[SetName, Pass]) -> Mapping[SetName, Pass]:
        parts = {name: found if isinstance(found, Part) else Part(problem=found.problem) for name, found in passes.items()}
        return {name: self._finished(name, part) for name, part in join(self.trainer, parts).items()}

    def expose(self, metrics: Mapping[str, float]) -> None:
        self.trainer.callback_metrics.update({name: torch.tensor(value) for name, value in metrics.items()})

    def _finished(self, name: SetName, part: Part) -> Pass:
        """The part with its metrics' means; torchmetrics are computed by all processes together, or by none."""
        if part.problem:
            return part
        over_classes = [name for name, metric in part.metrics.items() if not is_over_examples(metric)]
        try:
            return replace(part, n=self._sources.n_of(name, part.n), values=part.means(), over_classes=over_classes)
        except Exception as error:  # a metric that cannot be computed
            return Part(problem=repr(error))

    @cached_property
    def _sources(self) -> Sources:
        with_dev = self.options.error is not None
        return Sources(self.trainer, self.module, self.given, self.options, with_dev=with_dev, say=self.say)

    def _step_for(self, name: str) -> StepName:
        return "test_step" if name == "test" and is_users_own(type(self.module).test_step) else "validation_step"

    @property
    def _is_last_validation(self) -> bool:
        """True if this epoch has no further validation, or if that is unknown."""
        trainer = self.trainer
        batches, interval = trainer.num_training_batches, trainer.val_check_batch
        if trainer.check_val_every_n_epoch is None or interval is None or math.isinf(batches) or trainer.max_steps > 0:
            return True
        return bool(trainer.fit_loop.batch_idx + 1 + interval > batches)


def averages_weights(trainer: Trainer) -> bool:
    """True if validation runs on weights averaged by one of Lightning's own callbacks, not on those of the training."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
    return any("WeightAveraging" in kind for callback in callbacks for kind in ancestry(callback))
