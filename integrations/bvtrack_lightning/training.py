"""One `fit`: what the module's own steps say over which data, told to a Tracker epoch by epoch."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from bvtrack import Tracker, has_diverged, held_out, preserve_random_states
from bvtrack_lightning import data
from bvtrack_lightning.evaluation import StepName, evaluate, predict
from bvtrack_lightning.facts import model_facts, monitors_of
from bvtrack_lightning.part import Part
from bvtrack_lightning.processes import from_all, join
from bvtrack_lightning.reading import Errors, Reader, logged_metrics
from bvtrack_lightning.sources import Passes, Sources

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

logger = logging.getLogger("bvtrack")

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
        self._said: set[str] = set()
        self._reader = Reader(tracker, self._say)
        self._sources: Sources | None = None
        self._is_augmented = False
        self._before: Mapping[str, Any] = {}
        self._validated: Mapping[str, Any] | None = None
        self._parts: dict[str, Part] = {}
        self._outputs: dict[str, Any] = {}
        self._n_validations = 0
        self._n_epochs = 0
        train = data.first_loader(trainer.train_dataloader)
        self._facts = model_facts(trainer, module, train.batch_size if train else None)
        tracker.log_model(self._facts)
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
        """Start the clock that says what passes may cost."""
        if self._sources:
            self._sources.begin_epoch()

    def begin_validation(self) -> None:
        """Run our own passes, on the very weights that validation is about to use (which may be averaged ones)."""
        self._parts = {}
        self._before = logged_metrics(self._trainer)
        if self._is_last_validation or averages_weights(self._trainer):  # those are gone at the epoch's end
            self._run_passes()

    def end_validation(self) -> None:
        """Note what validation has just logged; Lightning keeps what was logged before under other names."""
        logged = logged_metrics(self._trainer)
        self._validated = {name: value for name, value in logged.items() if value is not self._before.get(name)}

    def end_epoch(self) -> None:
        """Pass on what was measured."""
        trainer = self._trainer
        has_validated = any(from_all(trainer, self._validated is not None))
        if trainer.enable_validation and not has_validated:
            return
        if has_validated and not self._parts:  # the epoch was stopped before its last validation
            self._run_passes()
        self._outputs = held_out({name: part.outputs for name, part in self._parts.items()}) or self._outputs
        self._log_epoch(join(trainer, self._parts))
        if self._expose:
            exposed = self._tracker.metrics_of(trainer.current_epoch)
            trainer.callback_metrics.update({name: torch.tensor(value) for name, value in exposed.items()})
        self._n_validations += has_validated
        self._validated, self._parts = None, {}

    def end(self) -> None:
        """Compare what the model says of dev and test; say what a training leaves behind that was over before it validated."""
        if self._outputs:
            self._tracker.log_outputs(**self._outputs)
        if self._n_epochs or not self._trainer.enable_validation:
            return
        self._say(
            f"expected a validation in each epoch, got none in {self._trainer.global_step} steps: variance is not known; "
            "lower val_check_interval or check_val_every_n_epoch"
        )
        self._tracker.log_epoch(self._trainer.current_epoch)

    def _check(self, sanity_metrics: Mapping[str, Any]) -> None:
        """Say what is wrong with the metrics of the sanity check, before an epoch is spent."""
        self._reader.choose(sanity_metrics)
        error = self._reader.logged(sanity_metrics, "dev")
        if error is not None and math.isfinite(error):
            self._tracker.is_fraction("dev_error", error)

    def _set_up(self) -> Sources:
        """Find the data, and check the split: the first process alone reads for that what each of them has whole, so that none
        waits for another that failed.
        """
        with_dev = self._reader.function is not None
        with preserve_random_states():  # making and reading data may draw
            sources = Sources(self._trainer, self._module, self._asked_for, with_dev=with_dev, say=self._say)
            if self._trainer.is_global_zero:
                self._tracker.log_split(**sources.splits(), monitors=monitors_of(self._trainer))
                self._is_augmented = sources.train_is_augmented
                augments = self._is_augmented or self._asked_for.train_eval_dataloaders is not None
                self._tracker.log_model(replace(self._facts, augmentation=augments))
        self._sources = sources
        return sources

    def _run_passes(self) -> None:
        sources = self._sources or self._set_up()
        for name, loader in sources.loaders.items():
            if name != "test" or self._n_validations % self._asked_for.test_every == 0:
                self._parts[name] = self._pass_over(name, loader)

    def _pass_over(self, name: str, loader: Iterable[Any]) -> Part:
        try:
            if self._reader.function is not None:
                return predict(self._trainer, self._module, loader, self._reader.function)
            return evaluate(self._trainer, self._module, loader, self._step_for(name), self._reader.is_measured)
        except Exception as error:
            return Part(problem=repr(error))

    def _step_for(self, name: str) -> StepName:
        is_theirs = not type(self._module).test_step.__module__.startswith(("lightning.", "pytorch_lightning."))
        return "test_step" if name == "test" and is_theirs else "validation_step"

    def _log_epoch(self, parts: Mapping[str, Part]) -> None:
        logged = logged_metrics(self._trainer)
        self._reader.choose([*(self._validated or ()), *logged])
        errors = self._errors(parts, logged) if self._reader.measure else {}
        self._tracker.log_epoch(self._trainer.current_epoch, **errors)
        self._n_epochs += 1

    def _errors(self, parts: Mapping[str, Part], logged: Mapping[str, Any]) -> Errors:
        """All errors of an epoch. Where the train error could not be measured, Lightning's running average stands in."""
        errors: Errors = {"intervals": {}}
        if self._validated is not None and "dev" not in parts:
            errors |= {"dev_error": self._reader.logged(self._validated, "dev"), "n_dev": self._n_behind("dev", None)}
        for name, part in parts.items():
            found = self._reader.read(name, part, self._step_for(name))
            errors["intervals"] |= found.pop("intervals", {})
            errors |= found
            if f"n_{name}" in found:
                errors[f"n_{name}"] = self._n_behind(name, part.n)
        if has_diverged({name: float(value) for name, value in logged.items() if "loss" in name.lower()}):
            errors["train_error"] = math.nan
        errors["train_error_running"] = self._reader.running(self._trainer, logged)
        if "train_error" not in errors and errors["train_error_running"] is not None:
            errors["train_error"] = errors["train_error_running"]
            self._reader.remark(RUNNING)
        elif self._is_augmented and "train_error" in errors:
            self._reader.remark(AUGMENTED)
        return errors

    def _n_behind(self, name: str, n_seen: int | None) -> int | None:
        return self._sources.n_of(name, n_seen) if self._sources else n_seen

    @property
    def _is_last_validation(self) -> bool:
        """Whether this epoch has no other validation to come; yes where that cannot be known."""
        trainer = self._trainer
        batches, interval = trainer.num_training_batches, trainer.val_check_batch
        if trainer.check_val_every_n_epoch is None or interval is None or math.isinf(batches) or trainer.max_steps > 0:
            return True
        return bool(trainer.fit_loop.batch_idx + 1 + interval > batches)

    def _say(self, message: str) -> None:
        if self._trainer.is_global_zero and message not in self._said:
            self._said.add(message)
            logger.warning("bvtrack: %s", message)


def averages_weights(trainer: Trainer) -> bool:
    """Whether validation runs on other weights than the training has, averaged by one of Lightning's own callbacks."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
    return any("WeightAveraging" in kind.__name__ for callback in callbacks for kind in type(callback).__mro__)


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
