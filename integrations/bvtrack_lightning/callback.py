"""The callback: translates Lightning's hooks into a Tracker's calls."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack import Measure, StopWhen, Tracker, Verdict, find_measure
from bvtrack.adapters import (
    CallbackOptions,
    EndState,
    ErrorFunction,
    Session,
    TrainEval,
    WarnOnce,
    end_state,
    human_error_from_environment,
    is_disabled,
    marks_of,
    never_raise,
)
from bvtrack_lightning import data
from bvtrack_lightning.bars import finish_bar
from bvtrack_lightning.error import measure_of
from bvtrack_lightning.family import CallbackBase, ancestry
from bvtrack_lightning.letter import Letter
from bvtrack_lightning.processes import from_all, may_run_passes
from bvtrack_lightning.reading import logged_metrics
from bvtrack_lightning.sources import GivenData
from bvtrack_lightning.training import LightningTraining, logs_nothing

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
BAREBONES = (
    "Trainer(barebones=True) leaves out all that steps log, so that no error is known; "
    "pass error=, a function of (predictions, targets), to have errors measured without it"
)
NO_FIT = (
    "expected a fit before trainer.test, got none in this process: the test error goes into no run; "
    "call trainer.test where fit was called, with the same callback"
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
    Batches are of the loader's size; those of training data that lie in tensors as large as validation's, if these are larger.

    Args:
        human_error, measure, at, run_id, experiment, run_name, tracking_uri, journal_dir, same_distribution, saved_view,
            summary, train_eval, test_every, wait, stop_when, on_verdict: as for `bvtrack.adapters.CallbackOptions`; `measure`
            names a metric that your steps log.
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
        summary: bool = True,
        saved_view: bool = True,
        train_eval: TrainEval = "subset",
        train_eval_dataloaders: Any = None,
        train_dev_dataloaders: Any = None,
        test_dataloaders: Any = None,
        test_every: int = 1,
        expose: bool = False,
        wait: float | None = None,
        stop_when: StopWhen | None = None,
        on_verdict: Callable[[Verdict], object] | None = None,
    ) -> None:
        super().__init__()
        own = measure if isinstance(measure, Measure) and measure.function and error is None else None
        chosen = {"measure": None if own else measure, "error": own if error is None else measure_of(error)}
        self._options = CallbackOptions.among(locals() | chosen)
        self._given = GivenData(train_eval_dataloaders, train_dev_dataloaders, test_dataloaders)
        self._is_automatic = False
        self._resume: Mapping[str, Any] | None = None
        self._has_begun = False
        self._is_joint = True
        self._sanity_metrics: Mapping[str, Any] = {}
        self._session: Session[LightningTraining] | None = None
        self._test_marks: Sequence[str] = ()
        self._warnings = WarnOnce()
        self._letter = Letter()
        self._tracker: Tracker | None = None

    @property
    def tracker(self) -> Tracker | None:
        """The Tracker of the present or the last `fit`, on the process that writes, with its `diagnosis` and `run_id`. After a
        `fit` in processes that were started for it, one that knows their run and writes nothing.
        """
        if (state := self._letter.take()) is not None:
            self._tracker = self._options.new_tracker(run_id=state["run_id"], resume=state, enabled=False)
        return self._tracker

    @classmethod
    def from_environment(cls) -> Self:
        """The callback that `BVTRACK_AUTO=1` adds: all defaults but `BVTRACK_HUMAN_ERROR`; gives way to one added by hand."""
        callback = cls(human_error=human_error_from_environment())
        callback._is_automatic = True
        return callback

    def __getstate__(self) -> dict[str, Any]:
        """For a process that this one starts to train: it takes along the run that is active here."""
        options = replace(self._options, run_id=self._options.new_tracker().run_id)
        return {**vars(self), "_options": options, "_session": None, "_tracker": None}

    @never_raise
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._session = None
        self._begin(trainer, pl_module)
        self._has_begun = self._session is not None
        self._is_joint = all(from_all(trainer, self._has_begun))  # all processes measure, or none

    @never_raise
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if session := self._measuring:
            self._log_ended(session)
            session.training.begin_epoch()
            session.begin_epoch()

    @never_raise
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        is_first = batch_idx == dataloader_idx == 0 and not trainer.sanity_checking
        session = self._measuring if is_first else None
        if session and session.is_open and session.training.begin_validation():
            session.measure_sets()

    @never_raise
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            self._sanity_metrics = logged_metrics(trainer)
        elif self._measuring:
            self._measuring.training.end_validation()

    @never_raise
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take up the epoch's errors; its running ones are read later, for the module's own hook, which may log them, comes
        after this one.
        """
        session = self._measuring
        if session and session.training.is_over():
            session.training.read()
            if not session.has_measured:  # the epoch was stopped before its last validation
                session.measure_sets()
            session.close_epoch(trainer.current_epoch)

    @never_raise
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if session := self._measuring:
            self._log_ended(session)
            if not session.n_epochs and trainer.enable_validation:
                session.say(GOT_NONE_IN.format(n=trainer.global_step))
                session.tracker.log_epoch(trainer.current_epoch)

    @never_raise
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            self._resume, self._has_begun = None, False

    @never_raise
    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Note this fit's run; before it has one, that of the checkpoint that it resumes from, for Lightning's finders save and
        restore a checkpoint of their own in between.
        """
        if self._has_begun and self._session:
            self._session.training.saved.look(is_saving=True)
            self._read_alone(trainer)
            self._session.log_epoch()
            checkpoint[CHECKPOINT_KEY] = self._session.state()
        elif self._resume is not None:
            checkpoint[CHECKPOINT_KEY] = self._resume

    @never_raise
    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._resume = checkpoint.get(CHECKPOINT_KEY)
        if self._has_begun and self._session:  # a finder's: what it trained has logged metrics of its own since
            self._session.leave_epoch()

    @never_raise
    def on_test_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if batch_idx == dataloader_idx == 0 and self._session and trainer.is_global_zero:
            self._test_marks = marks_of(pl_module) if may_run_passes(trainer) else ()

    @never_raise
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the test error of a `trainer.test` after the training, at the epoch whose weights it used."""
        metrics = logged_metrics(trainer) if trainer.is_global_zero else {}
        if self._session and metrics:
            n = data.size(data.first_of(trainer.test_dataloaders), trainer.num_test_batches[0], trainer.world_size)
            self._session.log_test(metrics, epoch=self._session.epoch_of(self._test_marks), n_test=n)
        elif find_measure(metrics, "test") and self._is_expected(trainer):
            self._warnings.once(NO_FIT)

    @never_raise
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._end(trainer, end_state(type(exception)))

    @never_raise
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._end(trainer, "complete")

    @property
    def _measuring(self) -> Session[LightningTraining] | None:
        return self._session if self._is_joint else None

    def _log_ended(self, session: Session[LightningTraining]) -> None:
        """Log the epoch that has ended, now that all is logged for it."""
        if session.has_ended_epoch:
            session.training.read()
            session.log_epoch()

    @never_raise
    def _read_alone(self, trainer: Trainer) -> None:
        """Read what is logged by now where the other processes may not do so at the same time: if there are none."""
        if self._session and self._session.has_ended_epoch and trainer.world_size == 1:
            self._session.training.read()

    def _end(self, trainer: Trainer, state: EndState) -> None:
        if self._session and self._session.is_open:
            self._read_alone(trainer)
            if self._options.summary:
                finish_bar(trainer)
            self._session.end(state)
            if trainer.is_global_zero and self._letter.is_awaited:
                self._session.tracker.wait()  # who started this process may ask for the run
                self._letter.post(self._session.tracker.state())

    @never_raise
    def _begin(self, trainer: Trainer, module: LightningModule) -> None:
        if is_disabled() or self._has_twin(trainer):
            return
        self._tracker = tracker = self._tracker_for(trainer)
        if trainer.fast_dev_run or trainer.overfit_batches:  # type: ignore[attr-defined]  # set where mypy does not look
            if not tracker.owns_run:  # a run that is there anyway is tagged; none is made for a trial
                tracker.log_not_applicable()
                tracker.close(timeout=self._options.longest_wait(0))
            return
        warnings = WarnOnce(is_enabled=trainer.is_global_zero)
        training = LightningTraining(trainer, module, self._options, self._given, warnings.once)
        self._session = Session(training, self._options, tracker, warnings=warnings)
        self._open(trainer, self._session)

    @never_raise
    def _open(self, trainer: Trainer, session: Session[LightningTraining]) -> None:
        """The session's first records. Where one fails, its errors are measured, and its run is ended, all the same."""
        if self._resume is not None:
            session.recall(self._resume)
        if not trainer.enable_validation:
            session.say(NO_VALIDATION)
        elif logs_nothing(trainer) and self._options.error is None:
            session.say(BAREBONES)
        session.begin()
        self._check(session.tracker, session.training)

    def _check(self, tracker: Tracker, training: LightningTraining) -> None:
        """Say what is wrong with the metrics of the sanity check, before an epoch is spent."""
        metrics, known_as = self._sanity_metrics, training.known_as()
        found = find_measure(metrics, known_as=known_as)
        if not metrics or self._options.error is not None or (found is not None and found.kind == "loss"):
            return  # a bare loss is the last resort: a step may log more than it does in the sanity check
        measure = tracker.choose_measure(metrics, loss=training.minimised(), known_as=known_as)
        name = measure.find_in(metrics, "dev") if measure else None
        if measure and name and math.isfinite(error := measure.error(float(metrics[name]))):
            tracker.is_fraction("dev_error", error)

    def _tracker_for(self, trainer: Trainer) -> Tracker:
        """The Tracker of this training's run, on the process that writes; elsewhere one that only listens."""
        if not trainer.is_global_zero:
            return self._options.new_tracker(enabled=False)
        run_id, client = (None, None) if self._options.run_id else _logger_run(trainer)
        return self._options.new_tracker(run_id=run_id, client=client, resume=self._resume)

    def _is_expected(self, trainer: Trainer) -> bool:
        """True if a user who added this callback would look for the test error in a run."""
        return self.tracker is None and not self._is_automatic and not is_disabled() and self._first_of_twins(trainer) is self

    def _has_twin(self, trainer: Trainer) -> bool:
        """True if another of our callbacks does the work: one added by hand wins over an automatic one, else the first one."""
        is_second = self._first_of_twins(trainer) is not self
        if is_second and not self._is_automatic:
            name, n = type(self).__name__, len(self._twins(trainer))
            logger.warning("bvtrack: expected one %s in the Trainer, got %d; the first one does the work", name, n)
        return is_second

    def _first_of_twins(self, trainer: Trainer) -> Any:
        return min(self._twins(trainer), key=lambda twin: getattr(twin, "_is_automatic", False))

    def _twins(self, trainer: Trainer) -> Sequence[Any]:
        callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
        return [twin for twin in callbacks if type(self).__name__ in ancestry(twin)]


def _logger_run(trainer: Trainer) -> tuple[str | None, Any]:
    """The run and the client of the Trainer's `MLFlowLogger`, of either Lightning family; `None` where it has none."""
    for candidate in trainer.loggers:
        if "MLFlowLogger" in ancestry(candidate):
            return candidate.run_id, candidate.experiment  # type: ignore[attr-defined]  # the family is not known here
    return None, None
