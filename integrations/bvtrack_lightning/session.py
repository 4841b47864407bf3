"""One `fit`: what the module's own steps say over which data, told to a Tracker epoch by epoch."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from bvtrack import Measure, Tracker, find_measure, has_diverged, measure_examples
from bvtrack_lightning import data
from bvtrack_lightning.evaluation import StepName, evaluate, predict
from bvtrack_lightning.facts import model_facts
from bvtrack_lightning.part import Part
from bvtrack_lightning.processes import from_all, join
from bvtrack_lightning.sources import Passes, Sources

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

logger = logging.getLogger("bvtrack")

FIRST_LOADER = "/dataloader_idx_0"
"""What Lightning puts behind a metric's name where there are several validation loaders; the first one is the dev set."""
RUNNING = "train: running average, not in eval mode"
AUGMENTED = "train: on augmented examples"


class Session:
    """Measures each epoch's errors and passes them to `tracker`; in several processes, each has one, and all take part."""

    def __init__(
        self,
        trainer: Trainer,
        module: LightningModule,
        tracker: Tracker,
        *,
        passes: Passes,
        sanity_metrics: Mapping[str, Any],
        expose: bool,
    ) -> None:
        self._trainer = trainer
        self._module = module
        self._tracker = tracker
        self._asked_for = passes
        self._expose = expose
        own = tracker.measure
        self._measure: Measure | None = own if own is not None and own.function is not None else None
        self._sources: Sources | None = None
        self._validated: Mapping[str, Any] | None = None
        self._parts: dict[str, Part] = {}
        self._n_validations = 0
        self._n_epochs = 0
        self._remarks: set[str] = set()
        self._said: set[str] = set()
        train = data.first_loader(trainer.train_dataloader)
        tracker.log_model(model_facts(trainer, module, train.batch_size if train else None))
        if trainer.val_dataloaders is not None or not trainer.enable_validation:
            self._set_up()  # else Lightning makes the validation data just before it needs them
        if not trainer.enable_validation:
            self._say(
                "expected validation data to measure the dev error on, got none: variance will not be known; "
                "pass val_dataloaders= to fit, or give the module a val_dataloader"
            )
        if sanity_metrics:
            self._check(sanity_metrics)

    def begin_epoch(self) -> None:
        if self._sources:
            self._sources.begin_epoch()

    def begin_validation(self) -> None:
        """Run our own passes, on the very weights that validation is about to use (which may be averaged ones)."""
        self._parts = {}
        if self._is_last_validation:
            self._run_passes()

    def end_validation(self) -> None:
        """Note what validation has just logged."""
        self._validated = logged_metrics(self._trainer)

    def end_epoch(self) -> None:
        """Pass on what was measured. Where the train error could not be, Lightning's running average stands in."""
        trainer = self._trainer
        has_validated = any(from_all(trainer, self._validated is not None))
        if trainer.enable_validation and not has_validated:
            return
        if has_validated and not self._parts:  # the epoch was stopped before its last validation
            self._run_passes()
        parts = join(trainer, self._parts)
        logged = logged_metrics(trainer)
        self._choose_measure([*(self._validated or ()), *logged])
        errors = self._errors(parts, logged)
        tracker = self._tracker
        tracker.log_epoch(trainer.current_epoch, **errors)
        if self._expose:
            exposed = tracker.metrics_of(trainer.current_epoch)
            trainer.callback_metrics.update({name: torch.tensor(value) for name, value in exposed.items()})
        self._n_validations += has_validated
        self._n_epochs += 1
        self._validated, self._parts = None, {}

    def end(self) -> None:
        """Say what a training leaves behind that was over before its first validation."""
        trainer = self._trainer
        if self._n_epochs or not trainer.enable_validation:
            return
        self._say(
            f"expected a validation in each epoch, got none in {trainer.global_step} steps: variance is not known; "
            "lower val_check_interval"
        )
        logged = logged_metrics(trainer)
        self._choose_measure(logged)
        self._tracker.log_epoch(trainer.current_epoch, **self._errors({}, logged))

    def _check(self, sanity_metrics: Mapping[str, Any]) -> None:
        """Say what is wrong with the metrics of the sanity check, before an epoch is spent."""
        self._choose_measure(sanity_metrics)
        name = self._measure.find_in(sanity_metrics, "dev") if self._measure else None
        if self._measure and name and math.isfinite(value := float(sanity_metrics[name])):
            self._tracker.is_fraction("dev_error", self._measure.error(value))

    def _set_up(self) -> None:
        """Find the data, and check the split."""
        with_dev = self._measure is not None and self._measure.function is not None
        self._sources = sources = Sources(self._trainer, self._module, self._asked_for, with_dev=with_dev, say=self._say)
        if self._trainer.is_global_zero:
            self._tracker.log_split(**sources.read_splits())
            if sources.train_is_augmented:
                self._remarks.add(AUGMENTED)

    def _run_passes(self) -> None:
        if self._sources is None:
            self._set_up()
        assert self._sources is not None
        for name, loader in self._sources.loaders.items():
            if name != "test" or self._n_validations % self._asked_for.test_every == 0:
                self._parts[name] = self._pass_over(name, loader)

    def _pass_over(self, name: str, loader: Iterable[Any]) -> Part:
        try:
            if self._measure is not None and self._measure.function is not None:
                return predict(self._trainer, self._module, loader, self._measure.function)
            return evaluate(self._trainer, self._module, loader, self._step_for(name), self._is_measured)
        except Exception as error:
            return Part(problem=repr(error))

    def _step_for(self, name: str) -> StepName:
        is_theirs = not type(self._module).test_step.__module__.startswith(("lightning.", "pytorch_lightning."))
        return "test_step" if name == "test" and is_theirs else "validation_step"

    def _choose_measure(self, names: Collection[str]) -> None:
        """Settle which logged metric is the error, once."""
        if self._measure is None:
            self._measure = self._tracker.choose_measure({name.removesuffix(FIRST_LOADER) for name in names})

    def _errors(self, parts: Mapping[str, Part], logged: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of `Tracker.log_epoch`."""
        errors: dict[str, Any] = {"intervals": {}}
        if self._measure is None:
            return errors
        if self._validated is not None and "dev" not in parts:
            name = self._measure.find_in(self._validated, "dev")
            n = self._sources.n_of("dev") if self._sources else None
            errors |= {} if name is None else {"dev_error": self._measure.error(float(self._validated[name])), "n_dev": n}
        for name, part in parts.items():
            self._add(errors, name, part)
        if has_diverged({name: float(value) for name, value in logged.items() if "loss" in name.lower()}):
            errors["train_error"] = math.nan
        running = errors["train_error_running"] = self._running_error(logged)
        if running is not None and "train_error" not in errors:
            errors["train_error"] = running
            self._remark(RUNNING)
        elif AUGMENTED in self._remarks and "train_error" in errors:
            self._remark(AUGMENTED)
        return errors

    def _add(self, errors: dict[str, Any], name: str, part: Part) -> None:
        """What a pass has found of a set; says once why it has found nothing."""
        step = self._step_for(name)
        if part.problem:
            self._say(f"the {name} error is missing, for {step} failed on the {name} data ({part.problem})")
            return
        assert self._measure is not None
        assert self._sources is not None
        if part.examples is not None:
            self._add_examples(errors, name, part)
            return
        values = part.values()
        metric = self._measure.find_in(values, "test" if step == "test_step" else "dev")
        if metric is None:
            self._say(f"the {name} error is missing, for {step} did not log {self._measure} on the {name} data")
            return
        errors |= {f"{name}_error": self._measure.error(values[metric]), f"n_{name}": self._sources.n_of(name, part.n)}

    def _add_examples(self, errors: dict[str, Any], name: str, part: Part) -> None:
        assert self._measure is not None
        error = _itself if part.is_by_example else self._measure.function
        assert error is not None
        assert part.examples is not None
        found = measure_examples(error, *part.examples)
        if found.is_rate and not self._measure.is_rate:
            self._measure = replace(self._measure, kind="rate")
            self._tracker.log_measure(self._measure)
        errors |= {f"{name}_error": found.value, f"n_{name}": found.n}
        if found.interval is not None:
            errors["intervals"][name] = found.interval

    def _is_measured(self, names: Collection[str]) -> bool:
        """Whether the error is among the logged `names`, as far as it is known yet which that is."""
        if self._measure is not None:
            return self._measure.find_in(names) is not None
        found = find_measure(names)
        return found is not None and found.kind != "loss"

    @property
    def _is_last_validation(self) -> bool:
        """Whether this epoch has no other validation to come; yes where that cannot be known."""
        trainer = self._trainer
        batches, interval = trainer.num_training_batches, trainer.val_check_batch
        if trainer.check_val_every_n_epoch is None or interval is None or math.isinf(batches) or trainer.max_steps > 0:
            return True
        return bool(trainer.fit_loop.batch_idx + 1 + interval > batches)

    def _running_error(self, logged: Mapping[str, Any]) -> float | None:
        """The error of the training step's own metric, of another name than the dev metric's."""
        assert self._measure is not None
        name = self._measure.find_in([name for name in logged if name != self._measure.name], "train")
        if name is None:
            return None
        if name in self._of_the_last_batch:
            self._say(f"{name} is that of the epoch's last batch, no running train error: log it with on_epoch=True")
            return None
        return self._measure.error(float(logged[name]))

    @property
    def _of_the_last_batch(self) -> set[str]:
        """What the training step logged without averaging it over the epoch."""
        results = getattr(self._trainer.fit_loop.epoch_loop, "_results", {})
        return {result.meta.name for result in results.values() if not result.meta.on_epoch}

    def _remark(self, remark: str) -> None:
        """Put a remark into the measure's tag, once."""
        if self._measure is not None and remark not in self._said:
            self._said.add(remark)
            self._tracker.log_measure(self._measure, remark)

    def _say(self, message: str) -> None:
        if self._trainer.is_global_zero and message not in self._said:
            self._said.add(message)
            logger.warning("bvtrack: %s", message)


def _itself(errors: Any, _: Any) -> Any:
    return errors


def logged_metrics(trainer: Trainer) -> dict[str, Any]:
    """What has been logged, the first of several loaders under its plain name."""
    return {name.removesuffix(FIRST_LOADER): value for name, value in trainer.callback_metrics.items()}


def log_test_error(trainer: Trainer, tracker: Tracker, epoch: int) -> None:
    """Pass on the error that a `trainer.test` has just logged."""
    logged = logged_metrics(trainer)
    measure = tracker.choose_measure(logged) if tracker.measure is None else tracker.measure
    name = measure.find_in(logged, "test") if measure else None
    if measure is None or name is None:
        return
    loader = data.first_loader(trainer.test_dataloaders)
    n = data.size(loader, trainer.num_test_batches[0], trainer.world_size) if loader else None
    tracker.log_test(measure.error(float(logged[name])), n_test=n, epoch=epoch)
