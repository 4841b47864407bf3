"""The callback: translates Lightning's hooks into a Tracker's calls."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack import Measure, Tracker
from bvtrack.adapters import (
    CallbackOptions,
    ErrorFunction,
    Session,
    TrainEval,
    WarnOnce,
    end_state,
    human_error_from_environment,
    is_disabled,
    never_raise,
)
from bvtrack_lightning import data
from bvtrack_lightning.error import measure_of
from bvtrack_lightning.family import CallbackBase, ancestry
from bvtrack_lightning.processes import from_all
from bvtrack_lightning.reading import logged_metrics
from bvtrack_lightning.sources import GivenData
from bvtrack_lightning.training import LightningTraining

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from torchmetrics import Metric

logger = logging.getLogger("bvtrack")

CHECKPOINT_KEY = "bvtrack"
"""Key of the Tracker's state in a checkpoint, by which a resumed training goes on with the same run."""
NO_VALIDATION = (
    "expected validation data to measure the dev error on, got none: variance will not be known; "
    "pass val_dataloaders= to fit, or give the module a val_dataloader"
)
GOT_NONE_IN = (
    "expected a validation in each epoch, got none in {n} steps: variance is not known; "
    "lower val_check_interval or check_val_every_n_epoch"
)


class BiasVarianceCallback(CallbackBase):
    """Logs train, dev and test error of each epoch to MLflow and keeps the run tagged with its diagnosis and next step.

    Which run: `run_id`, else that of the Trainer's `MLFlowLogger`, else as `bvtrack.Tracker` finds it. The dev error is the
    one that your own `validation_step` logs; train and test error come from the same step, in eval mode on the weights of
    the dev error, over a fixed random part of the training data and over the test data. The training is left as it was.

    Args:
        human_error, measure, at, run_id, experiment, run_name, tracking_uri, journal_dir, same_distribution, train_eval,
            test_every: as for `bvtrack.adapters.CallbackOptions`; `measure` names a metric that your steps log.
        error: how errors are computed instead, from what `module(inputs)` predicts (or what `validation_step` returns as
            `preds` and `target`): a function of predictions and targets that gives an error for each example, or one for
            all, or a torchmetrics object. Then 95 % intervals are known for any measure, by a bootstrap.
        train_eval_dataloaders: the training data without augmentation, where your own training loader augments.
        train_dev_dataloaders: held-out examples of the training data's source, where dev comes from another.
        test_dataloaders: the test data; by default the datamodule's, or the module's, own `test_dataloader()`.
        expose: put each epoch's errors and gaps, by their metrics' names, into `trainer.callback_metrics` at its end, for
            `EarlyStopping` and `ModelCheckpoint` to monitor there.

    Raises:
        ValueError: as `CallbackOptions` does.
    """

    def __init__(
        self,
        human_error: float | None = None,
        measure: str | Measure | None = None,
        *,
        error: ErrorFunction | Metric | None = None,
        at: Literal["best", "last"] = "best",
        run_id: str | None = None,
        experiment: str | None = None,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        journal_dir: str | Path | None = None,
        same_distribution: bool = True,
        train_eval: TrainEval = "subset",
        train_eval_dataloaders: Any = None,
        train_dev_dataloaders: Any = None,
        test_dataloaders: Any = None,
        test_every: int = 1,
        expose: bool = False,
    ) -> None:
        super().__init__()
        own = measure if isinstance(measure, Measure) and measure.function and error is None else None
        chosen = {"measure": None if own else measure, "error": own if error is None else measure_of(error)}
        self._options = CallbackOptions.among(locals() | chosen)
        self._given = GivenData(train_eval_dataloaders, train_dev_dataloaders, test_dataloaders)
        self._is_automatic = False
        self._loaded_epoch: int | None = None
        self._resume: Mapping[str, Any] | None = None
        self._sanity_metrics: Mapping[str, Any] = {}
        self._session: Session[LightningTraining] | None = None
        self.tracker: Tracker | None = None
        """The Tracker of the present or the last `fit`, on the process that writes, with its `diagnosis` and `run_id`."""

    @classmethod
    def from_environment(cls) -> Self:
        """The callback that `BVTRACK_AUTO=1` adds: all defaults but `BVTRACK_HUMAN_ERROR`; gives way to one added by hand."""
        callback = cls(human_error=human_error_from_environment())
        callback._is_automatic = True
        return callback

    def __getstate__(self) -> dict[str, Any]:
        """For a process that this one starts to train: it takes along the run that is active here."""
        options = replace(self._options, run_id=self._options.new_tracker().run_id)
        return {**vars(self), "_options": options, "_session": None, "tracker": None}

    @never_raise
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._session = None
        self._begin(trainer, pl_module)
        if not all(from_all(trainer, self._session is not None)):  # all processes measure, or none
            self._session = None

    @never_raise
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._session:
            self._session.begin_epoch()

    @never_raise
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        is_first = batch_idx == dataloader_idx == 0 and not trainer.sanity_checking
        if is_first and self._session and self._session.is_open and self._session.training.begin_validation():
            self._session.measure_sets()

    @never_raise
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            self._sanity_metrics = logged_metrics(trainer)
        elif self._session:
            self._session.training.end_validation()

    @never_raise
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._session and self._session.training.is_over():
            if not self._session.has_measured:  # the epoch was stopped before its last validation
                self._session.measure_sets()
            self._session.end_epoch(trainer.current_epoch)

    @never_raise
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._session and not self._session.n_epochs and trainer.enable_validation:
            self._session.say(GOT_NONE_IN.format(n=trainer.global_step))
            self._session.tracker.log_epoch(trainer.current_epoch)

    @never_raise
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._loaded_epoch = self._resume = None

    @never_raise
    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if self.tracker is not None:
            checkpoint[CHECKPOINT_KEY] = self.tracker.state()

    @never_raise
    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._loaded_epoch = checkpoint.get("epoch")
        self._resume = checkpoint.get(CHECKPOINT_KEY)

    @never_raise
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the test error of a `trainer.test` after the training, at the epoch whose weights it used."""
        if self._session is None or not trainer.is_global_zero:
            return
        loader = data.first_loader(trainer.test_dataloaders)
        n = data.size(loader, trainer.num_test_batches[0], trainer.world_size) if loader else None
        epoch = trainer.current_epoch - 1 if self._loaded_epoch is None else self._loaded_epoch
        self._session.log_test(logged_metrics(trainer), epoch=epoch, n_test=n)

    @never_raise
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if self._session:
            self._session.end(end_state(type(exception)))

    @never_raise
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self._session:
            self._session.end("complete")

    @never_raise
    def _begin(self, trainer: Trainer, module: LightningModule) -> None:
        if is_disabled() or self._has_twin(trainer):
            return
        self.tracker = tracker = self._tracker_for(trainer)
        if trainer.fast_dev_run or trainer.overfit_batches:  # type: ignore[attr-defined]  # set where mypy does not look
            if not tracker.owns_run:  # a run that is there anyway is tagged; none is made for a trial
                tracker.log_not_applicable()
                tracker.close()
            return
        warnings = WarnOnce(is_enabled=trainer.is_global_zero)
        training = LightningTraining(trainer, module, self._options, self._given, warnings.once)
        session = Session(training, self._options, tracker, warnings=warnings)
        session.begin()
        if not trainer.enable_validation:
            session.say(NO_VALIDATION)
        self._check(tracker)
        self._session = session

    def _check(self, tracker: Tracker) -> None:
        """Say what is wrong with the metrics of the sanity check, before an epoch is spent."""
        metrics = self._sanity_metrics
        measure = tracker.choose_measure(metrics) if metrics and self._options.error is None else None
        name = measure.find_in(metrics, "dev") if measure else None
        if measure and name and math.isfinite(error := measure.error(float(metrics[name]))):
            tracker.is_fraction("dev_error", error)

    def _tracker_for(self, trainer: Trainer) -> Tracker:
        """The Tracker of this training's run, on the process that writes; elsewhere one that only listens."""
        if not trainer.is_global_zero:
            return self._options.new_tracker(enabled=False)
        run_id, client = (None, None) if self._options.run_id else _logger_run(trainer)
        return self._options.new_tracker(run_id=run_id, client=client, resume=self._resume)

    def _has_twin(self, trainer: Trainer) -> bool:
        """True if another of our callbacks does the work: one added by hand wins over an automatic one, else the first one."""
        name = type(self).__name__
        callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
        twins = [twin for twin in callbacks if name in ancestry(twin)]
        first = min(twins, key=lambda twin: getattr(twin, "_is_automatic", False))
        if first is not self and not self._is_automatic:
            logger.warning("bvtrack: expected one %s in the Trainer, got %d; the first one does the work", name, len(twins))
        return first is not self


def _logger_run(trainer: Trainer) -> tuple[str | None, Any]:
    """The run and the client of the Trainer's `MLFlowLogger`, of either Lightning family; `None` where it has none."""
    for candidate in trainer.loggers:
        if "MLFlowLogger" in ancestry(candidate):
            return candidate.run_id, candidate.experiment  # type: ignore[attr-defined]  # the family is not known here
    return None, None
