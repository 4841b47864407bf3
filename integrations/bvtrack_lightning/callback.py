"""The callback: translates Lightning's hooks into a Tracker's calls."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack import Measure, Tracker, TrainEval, harmless, is_disabled, preserve_random_states, train_eval_size
from bvtrack_lightning.family import CallbackBase
from bvtrack_lightning.session import Passes, Session, log_test_error

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

logger = logging.getLogger("bvtrack")


class BiasVarianceCallback(CallbackBase):
    """Logs train, dev and test error of each epoch to MLflow and keeps the run tagged with its diagnosis and next step.

    Which run: `run_id`, else that of the Trainer's `MLFlowLogger`, else as `bvtrack.Tracker` finds it. The dev error is the
    one that your own `validation_step` logs; train and test error come from the same step, in eval mode on the weights of
    the dev error, over a fixed random part of the training data and over the test data. The training is left as it was.

    Args:
        human_error, measure, at, run_id, experiment, run_name, tracking_uri, journal_dir, same_distribution: as for
            `bvtrack.Tracker`; `measure` names a metric that your steps log.
        train_eval: measure the train error on a `"subset"` of the training data (as large as the dev set, 1,000 examples at
            least), the `"full"` data, so many examples, or take the `"running"` average that the training logs.
        train_eval_dataloaders: the training data without augmentation, where your own training loader augments.
        train_dev_dataloaders: held-out examples of the training data's source, where dev comes from another.
        test_dataloaders: the test data; by default the datamodule's, or the module's, own `test_dataloader()`.
        test_every: measure the test error every so many epochs; 0 for never.

    Raises:
        ValueError: for arguments that a Tracker does not take, an unknown `train_eval` or a negative `test_every`.
    """

    def __init__(
        self,
        human_error: float | None = None,
        measure: str | Measure | None = None,
        *,
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
    ) -> None:
        super().__init__()
        if test_every < 0:
            raise ValueError(f"test_every must be a number of epochs, 0 for never; got {test_every!r}")
        self._new_tracker = partial(
            Tracker,
            human_error=human_error,
            measure=measure,
            at=at,
            same_distribution=same_distribution,
            tracking_uri=tracking_uri,
            experiment=experiment,
            run_name=run_name,
            journal_dir=journal_dir,
            source="callback",
        )
        # says now what is wrong with the arguments; which store it will be is known when a fit starts
        self._new_tracker(tracking_uri=tracking_uri or "sqlite:///mlflow.db")
        self._run_id = run_id
        train_eval_size(1, None, train_eval)  # says now what is wrong with it
        self._passes = Passes(train_eval, train_eval_dataloaders, train_dev_dataloaders, test_dataloaders, test_every)
        self._is_automatic = False
        self._loaded_epoch: int | None = None
        self._sanity_metrics: Sequence[str] = ()
        self._session: Session | None = None
        self.tracker: Tracker | None = None
        """The Tracker of the present or the last `fit`, on the process that writes, with its `diagnosis` and `run_id`."""

    @classmethod
    def from_environment(cls) -> Self:
        """The callback that `BVTRACK_AUTO=1` adds: all defaults but `BVTRACK_HUMAN_ERROR`; gives way to one added by hand."""
        human_error = os.environ.get("BVTRACK_HUMAN_ERROR")
        callback = cls(human_error=float(human_error) if human_error else None)
        callback._is_automatic = True
        return callback

    @harmless
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begin(trainer, pl_module)

    @harmless
    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if batch_idx == dataloader_idx == 0 and self._session and not trainer.sanity_checking:
            self._session.begin_validation()

    @harmless
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            self._sanity_metrics = tuple(trainer.callback_metrics)
        elif self._session:
            self._session.end_validation()

    @harmless
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._session:
            self._session.end_epoch()

    @harmless
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._loaded_epoch = None

    @harmless
    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._loaded_epoch = checkpoint.get("epoch")

    @harmless
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the test error of a `trainer.test` after the training, at the epoch whose weights it used."""
        if self.tracker is None or is_disabled() or not trainer.is_global_zero:
            return
        last_epoch = trainer.current_epoch - 1
        log_test_error(trainer, self.tracker, last_epoch if self._loaded_epoch is None else self._loaded_epoch)

    @harmless
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._end("failed" if isinstance(exception, Exception) else "interrupted")

    @harmless
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._end("complete")

    def _begin(self, trainer: Trainer, module: LightningModule) -> None:
        if is_disabled() or not trainer.is_global_zero or self._has_twin(trainer):
            return
        run_id, client = (self._run_id, None) if self._run_id else _logger_run(trainer)
        self.tracker = self._new_tracker(run_id=run_id, client=client)
        if trainer.fast_dev_run or trainer.overfit_batches:  # type: ignore[attr-defined]  # set where mypy does not look
            self._say_not_applicable(self.tracker)
            return
        with preserve_random_states():  # data that are read may draw
            self._session = Session(trainer, module, self.tracker, passes=self._passes, sanity_metrics=self._sanity_metrics)

    def _say_not_applicable(self, tracker: Tracker) -> None:
        """Tag a run that is there anyway; make none for a trial."""
        if not tracker.owns_run:
            tracker.log_not_applicable()
            tracker.close()

    def _has_twin(self, trainer: Trainer) -> bool:
        """Whether another one of us does the work: one added by hand goes before an automatic one, the first before others."""
        name = type(self).__name__
        callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
        twins = [twin for twin in callbacks if name in {kind.__name__ for kind in type(twin).__mro__}]
        first = min(twins, key=lambda twin: getattr(twin, "_is_automatic", False))
        if first is not self and not self._is_automatic:
            logger.warning("bvtrack: expected one %s in the Trainer, got %d; the first one does the work", name, len(twins))
        return first is not self

    def _end(self, state: Literal["complete", "interrupted", "failed"]) -> None:
        if self._session and self.tracker:
            self._session = None
            self.tracker.close(state)


def _logger_run(trainer: Trainer) -> tuple[str | None, Any]:
    """The run and the client of the Trainer's `MLFlowLogger`, of either Lightning family; `None` where it has none."""
    for candidate in trainer.loggers:
        if "MLFlowLogger" in {kind.__name__ for kind in type(candidate).__mro__}:
            return candidate.run_id, candidate.experiment  # type: ignore[attr-defined]  # the family is not known here
    return None, None
