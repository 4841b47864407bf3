"""One `fit` as a `Session` of the core sees it: the module's own steps over the loaders that the Trainer holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from bvtrack import Measure, ModelFacts, find_measure
from bvtrack.adapters import CallbackOptions, Logged, Pass, SetName, SplitSource, TimeBudget, Training, mark_of_step, marks_of
from bvtrack_lightning import data
from bvtrack_lightning.checkpoints import CheckpointWatch
from bvtrack_lightning.class_means import averages_over_classes, class_means, is_share_of_others
from bvtrack_lightning.error import is_over_examples
from bvtrack_lightning.evaluation import Evaluator
from bvtrack_lightning.facts import model_facts, monitors_of
from bvtrack_lightning.family import ancestry, is_users_own
from bvtrack_lightning.meaning import metric_classes, minimised_by
from bvtrack_lightning.passes import TimeBudgetedBatches
from bvtrack_lightning.processes import Part, from_all, join, may_run_passes
from bvtrack_lightning.reading import FIRST_LOADER, logged_at_end, logged_metrics, of_the_last_batch
from bvtrack_lightning.sources import GivenData, Sources
from bvtrack_lightning.trainer_state import StepName
from bvtrack_lightning.weights import KeptWeights

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer


OF_OTHERS = (
    "{name} is a share of {n_dev:,} examples, as many as the dev set has, where {n:,} were passed over: the step divides by "
    "the number of that set; let it log a mean, or pass error="
)


@dataclass(eq=False)
class LightningTraining(Training):
    """In several processes each has one, and all take part in what is measured."""

    trainer: Trainer
    module: LightningModule
    options: CallbackOptions
    given: GivenData
    say: Callable[..., None]
    _at_start: Mapping[str, Any] = field(default_factory=dict, init=False)
    _before: Mapping[str, Any] = field(default_factory=dict, init=False)
    _logged: Logged = field(default_factory=Logged, init=False)
    _validated: Mapping[str, Any] | None = field(default=None, init=False)
    _divides_by_dev: bool = field(default=False, init=False)
    _at_end: Set[str] = field(default_factory=set, init=False)
    _measure: Measure | None = field(default=None, init=False)
    _test_logs_measure: bool = field(default=True, init=False)
    _weights: KeptWeights = field(default_factory=KeptWeights, init=False)

    def __post_init__(self) -> None:
        self.saved = CheckpointWatch(self.trainer)

    @property
    def has_data(self) -> bool:
        """Lightning makes the validation data just before it needs them."""
        return self.trainer.val_dataloaders is not None or not self.trainer.enable_validation

    def model_facts(self) -> ModelFacts:
        train = data.first_loader(self.trainer.train_dataloader)
        facts = model_facts(self.trainer, self.module, None if train is None else train.batch_size)
        return replace(facts, augmentation=None if self.given.train_eval is None else True)

    def monitors(self) -> Sequence[str]:
        return monitors_of(self.trainer)

    def splits(self) -> Mapping[str, SplitSource]:
        """The first process alone reads what each of them has whole, so that none waits for another that failed."""
        sources = self._sources
        return sources.splits() if self.trainer.is_global_zero else {}

    def is_augmented(self) -> bool:
        return self.trainer.is_global_zero and self._sources.train_is_augmented

    def begin_epoch(self) -> None:
        """Note what earlier epochs have logged; Lightning keeps it."""
        self._at_start, self._validated = logged_metrics(self.trainer), None
        self.saved.look()

    def begin_validation(self) -> bool:
        """True if our own passes must run now, on the weights that validation is about to use."""
        self._before = logged_metrics(self.trainer)
        return self._is_last_validation or averages_weights(self.trainer)  # those are gone at the epoch's end

    def end_validation(self) -> None:
        """Note what validation has just logged."""
        self._validated = self._since(self._before)
        self._at_end = {name.removesuffix(FIRST_LOADER) for name in logged_at_end(self.trainer)}

    def is_over(self) -> bool:
        """True if the ending epoch is to be logged: it had a validation, or no epoch has one."""
        has_validated = any(from_all(self.trainer, self._validated is not None))
        return has_validated or not self.trainer.enable_validation

    def read(self) -> None:
        """Read what the epoch has logged by now. In several processes all must: Lightning may join their values for it."""
        dev = self._validated or {}
        is_alone = self.trainer.world_size == 1  # a padded sampler repeats examples
        told = dev if averages_over_classes(self.module) else {name: dev[name] for name in self._at_end & dev.keys()}
        over_classes = class_means(told, self._sources.n_of("dev")) if is_alone else ()
        self._logged = Logged(self._since(self._at_start), dev, of_the_last_batch(self.trainer), over_classes)

    def minimised(self) -> str | None:
        return minimised_by(self.module)

    def known_as(self) -> Mapping[str, str]:
        return metric_classes(self.trainer)

    def logged(self) -> Logged:
        return self._logged

    def marks_of_weights(self) -> Sequence[str]:
        """With the step, by which checkpoints are known."""
        return [*self.weights_left(), mark_of_step(self.trainer.global_step)]

    def checkpoints(self) -> Mapping[str, str]:
        return self.saved.marks()

    def forget_checkpoints(self, paths: Collection[str]) -> None:
        self.saved.forget(paths)

    def weights_left(self) -> Sequence[str]:
        is_ours = self.trainer.is_global_zero and may_run_passes(self.trainer)
        return marks_of(self.module) if is_ours else ()

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        if not self.trainer.enable_validation or (logs_nothing(self.trainer) and self.options.error is None):
            return []
        self._sources.refresh()
        return self._sources.names

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        if problem := self._sources.problems.get(name):
            return Part(problem=problem)
        self._measure = measure
        loader = self._sources.loaders[name]
        if isinstance(loader, TimeBudgetedBatches):
            loader.budget = budget
        if self.options.error is not None:
            return self._evaluator("validation_step").predict(loader, self.options.error)
        step = self._step_for(name)
        part = self._evaluated(loader, step, measure)
        is_alone = self.trainer.world_size == 1  # another process may have failed, and would not come along
        if step == "validation_step" or _is_among(measure, part.names) or not is_alone:
            return part
        self._test_logs_measure = measure is None  # while it is not known, what either step logs may be it
        return self._evaluated(loader, "validation_step", measure).or_else(part)

    def _evaluated(self, loader: Iterable[Any], step: StepName, measure: Measure | None) -> Part:
        return self._evaluator(step).evaluate(loader, lambda names: _is_among(measure, names))

    def _evaluator(self, step: StepName) -> Evaluator:
        return Evaluator(self.trainer, self.module, step, self.say, self._weights)

    def now(self) -> float:
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch annotates only a part of it
            torch.cuda.synchronize()
        return super().now()

    def wording(self, name: SetName) -> tuple[str, str]:
        is_read = name not in self._sources.problems
        return self._step_for(name) if is_read else "reading", f"the {name} data"

    def join(self, passes: Mapping[SetName, Pass]) -> Mapping[SetName, Pass]:
        parts = {name: found if isinstance(found, Part) else Part(problem=found.problem) for name, found in passes.items()}
        joined, divided_by_dev = join(self.trainer, parts), self._divides_by_dev
        finished = {name: self._finished(name, part) for name, part in joined.items()}
        if self._divides_by_dev != divided_by_dev:  # found out by one set, this holds for all
            finished = {name: self._finished(name, part) for name, part in joined.items()}
        return finished

    def expose(self, metrics: Mapping[str, float]) -> None:
        self.trainer.callback_metrics.update({name: torch.tensor(value) for name, value in metrics.items()})

    def agreed(self, reason: str | None) -> str | None:
        return from_all(self.trainer, reason)[0]

    def stop(self, reason: str) -> None:
        """From the Trainer's `min_epochs` and `min_steps` on; before, each epoch decides anew."""
        trainer = self.trainer
        if trainer.current_epoch + 1 >= (trainer.min_epochs or 0) and trainer.global_step >= (trainer.min_steps or 0):
            trainer.should_stop = True

    def _since(self, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """The metrics that have been logged since; those that have not are the same objects."""
        return {name: value for name, value in logged_metrics(self.trainer).items() if value is not before.get(name)}

    def _finished(self, name: SetName, part: Part) -> Pass:
        """The part with its metrics' means; torchmetrics are computed by all processes together, or by none."""
        if part.problem:
            return part
        try:
            n, n_dev, values = self._sources.n_of(name, part.n), self._sources.n_of("dev"), part.means()
            measure = self._measure or find_measure(values)
            measured = None if measure is None else measure.find_in(values)
            if measured and measured in part.at_end and n and n_dev and n != n_dev:
                self._divides_by_dev |= is_share_of_others(values[measured], n, n_dev)
                if self._divides_by_dev:
                    return Part(problem=OF_OTHERS.format(name=measured, n_dev=n_dev, n=n))
            over_classes = {each for each, metric in part.metrics.items() if not is_over_examples(metric)}
            told = part.sums if averages_over_classes(self.module) else part.at_end & part.sums.keys()
            over_classes |= {*part.over_classes, *class_means({each: values[each] for each in told}, n)}
            return replace(part, n=n, values=values, over_classes=over_classes)
        except Exception as error:  # a metric that cannot be computed
            return Part(problem=repr(error))

    @cached_property
    def _sources(self) -> Sources:
        with_dev = self.options.error is not None
        return Sources(self.trainer, self.module, self.given, self.options, with_dev=with_dev, say=self.say)

    def _step_for(self, name: str) -> StepName:
        """The module's own test step for test, where it logs the error and needs no hook that a test begins with."""
        kind = type(self.module)
        has_hooks = is_users_own(kind.on_test_start) or is_users_own(kind.on_test_epoch_start)
        is_tested = name == "test" and is_users_own(kind.test_step) and not has_hooks and self._test_logs_measure
        return "test_step" if is_tested else "validation_step"

    @property
    def _is_last_validation(self) -> bool:
        """True if this epoch has no further validation, or if that is unknown."""
        trainer = self.trainer
        batches, interval = trainer.num_training_batches, trainer.val_check_batch
        if trainer.check_val_every_n_epoch is None or interval is None or math.isinf(batches) or trainer.max_steps > 0:
            return True
        return bool(trainer.fit_loop.batch_idx + 1 + interval > batches)


def logs_nothing(trainer: Trainer) -> bool:
    """True if Lightning leaves out all that steps log."""
    return bool(getattr(trainer, "barebones", False))


def _is_among(measure: Measure | None, names: Collection[str]) -> bool:
    """True if the error is among the logged `names`; nothing is, while the measure is not known."""
    return measure is not None and measure.find_in(names) is not None


def averages_weights(trainer: Trainer) -> bool:
    """True if validation runs on weights averaged by one of Lightning's own callbacks, not on those of the training."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
    return any("WeightAveraging" in kind for callback in callbacks for kind in ancestry(callback))
