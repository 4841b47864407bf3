"""One `fit`: what the module's own steps say over which data, told to a Tracker epoch by epoch."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack import Measure, SplitSample, Tracker, TrainEval, find_measure, has_diverged
from bvtrack_lightning import data
from bvtrack_lightning.evaluation import StepName, evaluate
from bvtrack_lightning.facts import model_facts

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader

logger = logging.getLogger("bvtrack")

FIRST_LOADER = "/dataloader_idx_0"
"""What Lightning puts behind a metric's name where there are several validation loaders; the first one is the dev set."""
RUNNING = "train: running average, not in eval mode"


@dataclass(frozen=True)
class Passes:
    """What the user asked our own passes to run over; `None` for what the Trainer itself has."""

    train_eval: TrainEval = "subset"
    train_eval_dataloaders: Any = None
    train_dev_dataloaders: Any = None
    test_dataloaders: Any = None
    test_every: int = 1


class Session:
    """Measures each epoch's errors and passes them to `tracker`."""

    def __init__(
        self,
        trainer: Trainer,
        module: LightningModule,
        tracker: Tracker,
        *,
        passes: Passes,
        sanity_metrics: Collection[str],
    ) -> None:
        self._trainer = trainer
        self._module = module
        self._tracker = tracker
        self._measure: Measure | None = None
        self._has_validated = False
        self._pending: dict[str, Any] = {}
        self._passes: dict[str, tuple[StepName, Mapping[str, float], int]] = {}
        self._said: set[str] = set()
        self._asked_for = passes
        self._n_validations = 0
        self._is_set_up = False
        self._dev: DataLoader[Any] | None = None
        self._n_dev: int | None = None
        self._sources: dict[str, Iterable[Any]] = {}
        self._train = data.first_loader(trainer.train_dataloader)
        tracker.log_model(model_facts(trainer, module, self._train.batch_size if self._train else None))
        if trainer.val_dataloaders is not None or not trainer.enable_validation:
            self._set_up()  # else Lightning makes the validation data just before it needs them
        if not trainer.enable_validation:
            self._say(
                "expected validation data to measure the dev error on, got none: variance will not be known; "
                "pass val_dataloaders= to fit, or give the module a val_dataloader"
            )
        if sanity_metrics:  # what is wrong with them can be said before an epoch is spent
            self._choose_measure(sanity_metrics)

    def begin_validation(self) -> None:
        """Run our own passes, on the very weights that validation is about to use (which may be averaged ones)."""
        self._passes = {}
        if not self._is_set_up:
            self._set_up()
        if self._is_last_validation:
            self._run_passes()

    def end_validation(self) -> None:
        """Take the dev error that validation has just logged, and the same measure from our own passes before it."""
        self._has_validated = True
        self._choose_measure(self._logged())
        self._pending = {}
        if self._measure is None:
            return
        self._keep("dev", self._logged(), "dev", self._n_dev)
        self._take_passes()

    def _run_passes(self) -> None:
        for name, loader in self._sources.items():
            if name != "test" or self._n_validations % self._asked_for.test_every == 0:
                self._pass_over(name, loader, self._test_step if name == "test" else "validation_step")

    def _take_passes(self) -> None:
        for name, (step, values, n) in self._passes.items():
            self._keep(name, values, "test" if step == "test_step" else "dev", n)
            if f"{name}_error" not in self._pending:
                self._say(f"the {name} error is missing, for {step} did not log {self._measure} on the {name} data")

    def end_epoch(self) -> None:
        """Pass on what was measured. Where the train error could not be, Lightning's running average stands in."""
        if self._trainer.enable_validation and not self._has_validated:
            return
        if self._has_validated and not self._passes and self._sources:  # the epoch was stopped before its last validation
            self._run_passes()
            self._take_passes()
        self._n_validations += 1
        self._choose_measure(self._logged())
        running = self._running_error()
        if has_diverged({name: float(value) for name, value in self._logged().items() if "loss" in name.lower()}):
            self._pending["train_error"] = math.nan
        if running is not None and "train_error" not in self._pending:
            self._pending["train_error"] = running
            self._remark(RUNNING)
        self._tracker.log_epoch(self._trainer.current_epoch, train_error_running=running, **self._pending)
        self._pending, self._has_validated = {}, False

    def _set_up(self) -> None:
        """Find the data, and check the split."""
        trainer, passes = self._trainer, self._asked_for
        self._is_set_up = True
        self._dev = data.first_loader(trainer.val_dataloaders)
        self._n_dev = data.size(self._dev, trainer.num_val_batches[0]) if self._dev else None
        given = data.first_of(passes.train_eval_dataloaders)
        readable = self._train if given is None else data.first_loader(given)
        if trainer.world_size == 1:  # elsewhere each process sees its own part of the data
            subset = data.train_subset(readable, self._n_dev, passes.train_eval) if readable else None
            self._add_source("train", subset if readable else given)
            self._add_source("train_dev", data.first_of(passes.train_dev_dataloaders))
            self._add_source("test", self._found_test(passes.test_dataloaders), trainer.limit_test_batches)
        self._tracker.log_split(**self._read_splits(readable or self._train))

    def _add_source(self, name: str, loader: Iterable[Any] | None, limit: float | None = None) -> None:
        if loader is None or limit == 0:
            return
        try:
            self._sources[name] = data.limited(loader, limit)
        except ValueError as error:
            self._say(f"the {name} error is missing: {error}")

    def _found_test(self, given: Any) -> Iterable[Any] | None:
        if not self._asked_for.test_every:
            return None
        try:
            loaders = data.own_test_loader(self._trainer, self._module) if given is None else given
        except Exception as error:
            self._say(f"there is no test error, for test_dataloader() failed ({error!r}); pass test_dataloaders= instead")
            return None
        found: Iterable[Any] | None = data.first_of(loaders)
        return found

    @property
    def _test_step(self) -> StepName:
        is_theirs = not type(self._module).test_step.__module__.startswith(("lightning.", "pytorch_lightning."))
        return "test_step" if is_theirs else "validation_step"

    def _read_splits(self, train: DataLoader[Any] | None) -> dict[str, SplitSample]:
        loaders = {
            "train": train,
            "train_dev": data.first_loader(self._sources.get("train_dev")),
            "dev": self._dev,
            "test": data.first_loader(self._sources.get("test")),
        }
        sizes = {name: data.size(loader) for name, loader in loaders.items() if loader is not None}
        if self._n_dev is not None:
            sizes["dev"] = self._n_dev
        return {name: self._read(name, loader, sizes[name]) for name, loader in loaders.items() if loader is not None}

    def _read(self, name: str, loader: DataLoader[Any], n: int) -> SplitSample:
        try:
            return data.read(loader, n)
        except Exception as error:
            self._say(f"the {name} data could not be read to check the split ({error!r})")
            return SplitSample(n)

    def _logged(self) -> dict[str, Any]:
        return logged_metrics(self._trainer)

    def _choose_measure(self, names: Collection[str]) -> None:
        """Settle which logged metric is the error, once."""
        if self._measure is None:
            self._measure = self._tracker.choose_measure({name.removesuffix(FIRST_LOADER) for name in names})

    def _keep(self, name: str, values: Mapping[str, Any], stage: str, n: int | None) -> None:
        assert self._measure is not None
        if metric := self._measure.find_in(values, stage):
            self._pending |= {f"{name}_error": self._measure.error(float(values[metric])), f"n_{name}": n}

    def _pass_over(self, name: str, loader: Iterable[Any], step: StepName) -> None:
        try:
            values, n = evaluate(self._trainer, self._module, loader, step, self._is_measured)
        except Exception as error:
            self._say(f"the {name} error is missing, for {step} failed on the {name} data ({error!r})")
            return
        sized = data.first_loader(loader)
        self._passes[name] = step, values, data.size(sized) if sized else n

    def _is_measured(self, names: Collection[str]) -> bool:
        """Whether the error is among the logged `names`, as far as it is known yet which that is."""
        return find_measure(names) is not None if self._measure is None else self._measure.find_in(names) is not None

    @property
    def _is_last_validation(self) -> bool:
        """Whether this epoch has no other validation to come; yes where that cannot be known."""
        trainer = self._trainer
        batches, interval = trainer.num_training_batches, trainer.val_check_batch
        if trainer.check_val_every_n_epoch is None or interval is None or math.isinf(batches) or trainer.max_steps > 0:
            return True
        return bool(trainer.fit_loop.batch_idx + 1 + interval > batches)

    def _running_error(self) -> float | None:
        """The error of the training step's own metric, of another name than the dev metric's."""
        if self._measure is None:
            return None
        logged = {name: value for name, value in self._logged().items() if name != self._measure.name}
        name = self._measure.find_in(logged, "train")
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
        if self._measure is not None and remark not in self._said:
            self._said.add(remark)
            self._tracker.log_measure(self._measure, remark)

    def _say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            logger.warning("bvtrack: %s", message)


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
    n = data.size(loader, trainer.num_test_batches[0]) if loader else None
    tracker.log_test(measure.error(float(logged[name])), n_test=n, epoch=epoch)
