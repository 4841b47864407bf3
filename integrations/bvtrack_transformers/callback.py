"""The callback: translates the events of transformers' `Trainer` into a Session's calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from transformers import Trainer, TrainerCallback

from bvtrack.adapters import (
    CallbackOptions,
    ErrorFunction,
    OptionArguments,
    SessionHolder,
    begin_active_run,
    error_measure,
    from_all,
    is_disabled,
    never_raise,
)
from bvtrack_transformers.training import TransformersTraining

STATE_KEY = "bvtrack"
"""Key among the states of callbacks in a checkpoint, by which a training that is resumed goes on with the same run."""
GOT_NONE = "expected an evaluation in each epoch, got none in {n} steps: variance is not known; lower eval_steps or eval_delay"


class BiasVarianceCallback(SessionHolder[TransformersTraining], TrainerCallback):  # type: ignore[misc]  # it may be absent
    """Logs train, dev and test error of each epoch to MLflow and keeps the run tagged with its diagnosis and next step.

    A callback is handed no trainer, so it takes it: `trainer.add_callback(BiasVarianceCallback(trainer))`. The dev error is
    that of the Trainer's own evaluations, by `compute_metrics` or else the loss. Train and test error come from its own
    `evaluation_loop`, on the weights of the dev error, over a fixed random part of the training data and over the test data;
    no callback and no log hears of these passes. With `eval_strategy="no"` the eval set is evaluated so too, each epoch; with
    "steps" each evaluation counts as an epoch. As a context manager around `train` it ends the run of one that raises.

    Args:
        trainer: the `Trainer`, or one of TRL's, that this is added to.
        error: a function of (predictions, labels), arrays `[n_examples, ...]`, to one error or one for each example, such as
            a sequence. All errors, dev's too, are then measured with it, with intervals by example.
        test_dataset, train_dev_dataset: the test data, and held-out examples of the training data's source, where dev comes
            from another, as the trainer's own loaders take them.
        train_eval_dataset: training examples to measure the train error on, without augmentation, or of a stream.
        options: as for `bvtrack.adapters.CallbackOptions`, which says what raises; `measure` names a metric of the evaluation,
            to whose metrics `expose` adds the errors and gaps (`eval_bvtrack_variance`).
    """

    def __init__(
        self,
        trainer: Trainer,
        *,
        error: ErrorFunction | None = None,
        test_dataset: Any = None,
        train_eval_dataset: Any = None,
        train_dev_dataset: Any = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        own = None if error is None else error_measure(error, lambda function: function, "compute_metrics of the Trainer")
        super().__init__(CallbackOptions(error=own, **options))
        self._trainer = trainer
        self._given = {"train_dev": train_dev_dataset, "test": test_dataset}, train_eval_dataset
        self._resume: Mapping[str, Any] | None = None
        self._is_due = False

    @never_raise
    def on_train_begin(self, args: Any, state: Any, control: Any, /, **known: Any) -> None:
        """Only note what a checkpoint has told: the run of `report_to="mlflow"` begins in here too, maybe later."""
        self.end_left()
        self.session, self._resume, self._is_due = None, state.stateful_callbacks.get(STATE_KEY), True

    @never_raise
    def on_epoch_begin(self, args: Any, state: Any, control: Any, /, *, optimizer: Any, **known: Any) -> None:
        is_due, self._is_due, is_first = self._is_due, False, state.is_world_process_zero
        if is_due and not is_disabled() and self.leads(self._trainer.callback_handler.callbacks, is_first=is_first):
            if is_first and any(type(one).__name__ == "MLflowCallback" for one in self._trainer.callback_handler.callbacks):
                begin_active_run(args.run_name)  # of a later training that callback begins none
            training = TransformersTraining(self._trainer, optimizer, state, self.options, self.warnings.once, *self._given)
            self.begin(training, resume=self._resume, is_first=is_first)

    @never_raise
    def on_step_begin(self, args: Any, state: Any, control: Any, /, **known: Any) -> None:
        if (session := self.open_session) and session.has_ended_epoch:
            session.training.begin_epoch()
            session.begin_epoch()

    @never_raise
    def on_log(self, args: Any, state: Any, control: Any, /, *, logs: Mapping[str, Any], **known: Any) -> None:
        if session := self.open_session:
            session.training.take_logs(logs)
            session.log_epoch()

    @never_raise
    def on_epoch_end(self, args: Any, state: Any, control: Any, /, **known: Any) -> None:
        if (session := self.open_session) and args.eval_strategy == "no":
            session.training.evaluate_dev()
            session.measure_sets()  # which tells the measure, if there is no dev set
            self._end_epoch(session, state, control)

    @never_raise
    def on_evaluate(self, args: Any, state: Any, control: Any, /, *, metrics: Any, eval_dataloader: Any, **known: Any) -> None:
        """End the epoch with the Trainer's evaluation, the first of several sets; after the training, add a test's error."""
        is_of_epoch = args.eval_strategy != "no" and state.global_step  # and not of `eval_on_start`
        if (session := self.open_session) is None:
            self.log_test(metrics, eval_dataloader)
        elif is_of_epoch and not session.has_ended_epoch and session.training.is_own(metrics, eval_dataloader):
            session.training.take_evaluation(metrics, eval_dataloader)
            self._end_epoch(session, state, control)

    @never_raise
    def on_predict(self, args: Any, state: Any, control: Any, /, *, metrics: Any, eval_dataloader: Any, **known: Any) -> None:
        self.log_test(metrics, eval_dataloader)

    @never_raise
    def on_save(self, args: Any, state: Any, control: Any, /, **known: Any) -> None:
        if (session := self.open_session) and not state.is_hyper_param_search:
            session.training.note_checkpoint(f"{args.output_dir}/checkpoint-{state.global_step}")

    @never_raise
    def on_train_end(self, args: Any, state: Any, control: Any, /, **known: Any) -> None:
        if (session := self.open_session) and not session.n_epochs:
            session.say(GOT_NONE.format(n=state.global_step))
        self.end("complete")

    def _end_epoch(self, session: Any, state: Any, control: Any) -> None:
        session.end_epoch(session.training.epoch)
        control.should_training_stop = any(from_all(control.should_training_stop))  # the first process alone has a verdict
        state.stateful_callbacks[STATE_KEY] = dict(session.state())
