"""The callback: translates Keras' hooks into a Tracker's calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from bvtrack import Measure, StopWhen, Tracker, Verdict
from bvtrack.adapters import (
    CallbackOptions,
    EndState,
    ErrorFunction,
    Session,
    TrainEval,
    WarnOnce,
    end_state,
    is_disabled,
    never_raise,
)
from bvtrack_keras.backup import Backup
from bvtrack_keras.error import measure_of
from bvtrack_keras.framework import keras
from bvtrack_keras.sources import Sources
from bvtrack_keras.state import mark_of_weights
from bvtrack_keras.training import KerasTraining
from bvtrack_keras.values import numbers

OTHER_WEIGHTS = (
    "the model has the weights of no epoch that was measured, so what was evaluated on it ({values}) is not logged as a test "
    "error: evaluate with the weights of an epoch (EarlyStopping(restore_best_weights=True), or a checkpoint), or pass "
    "test_data= to have each epoch's measured"
)


class BiasVarianceCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Logs train, dev and test error of each epoch to MLflow and keeps the run tagged with its diagnosis and next step.

    Keras hands a callback no data, so the data come as arguments, each optional: `(x, y)` or `(x, y, sample_weight)` of
    arrays, or anything that `model.evaluate` takes. Errors are measured with your compiled metrics, in eval mode, at the end
    of each epoch: the train error on a fixed random part of `train_data`, the test error on `test_data`, and the dev error is
    the one of `fit`'s own `val_*` logs, or measured on `dev_data` where `fit` has no validation data. Without `train_data` the
    running train metric stands in; without `dev_data` the split stays unchecked. Where `fit` is seen to use other data, or to
    weight them otherwise, it is said. The training is left as it was; a `tf.data` pipeline is read without its reshuffling
    for that.

    Arrays are evaluated in batches of the size of fit's validation; on torch, with layers, losses and metrics of each example
    alone, in larger ones of a few megabytes, whose errors are the same to the rounding of float32.

    Keras tells callbacks nothing when a training raises: use the callback as a context manager around `fit`, or the run is
    marked as interrupted when the process ends.

    Args:
        human_error, measure, at, run_id, experiment, run_name, tracking_uri, journal_dir, same_distribution, saved_view,
            summary, train_eval, test_every, wait, stop_when, on_verdict: as for `bvtrack.adapters.CallbackOptions`; `measure`
            names a compiled metric.
        error: a function of (predictions, targets), arrays `[n_examples, ...]`, to one error or one for each example, or a
            `keras.metrics.Metric`. All errors are then measured with it, on the data given here alone, each example counting
            once: sample weights and masks are not handed to it.
        validation_split: the fraction at the end of `train_data` that is dev data, as for `fit`.
        expose: put `bvtrack_train_error`, `bvtrack_dev_error`, `bvtrack_variance` and `bvtrack_avoidable_bias` into the logs
            of each epoch, for callbacks that stand behind this one in the list (`EarlyStopping(monitor="bvtrack_variance")`).
        train_eval_data: the training data without augmentation, where `train_data` augments.
        train_dev_data: held-out examples of the training data's source, where dev comes from another.
        backup_dir: the folder of your `keras.callbacks.BackupAndRestore`: the run is noted there too, each epoch, and a
            training that is resumed goes on with it. Put this callback before that one in the list.

    Raises:
        ValueError: as `CallbackOptions` does, for arrays that differ in length or give no rows, sets that `error` misses, or
            a pipeline that cannot be read without changing the training.
    """

    def __init__(
        self,
        human_error: float | None = None,
        measure: str | Measure | None = None,
        *,
        error: ErrorFunction | Any = None,
        train_data: Any = None,
        dev_data: Any = None,
        validation_split: float = 0.0,
        train_eval: TrainEval = "subset",
        train_eval_data: Any = None,
        train_dev_data: Any = None,
        test_data: Any = None,
        test_every: int = 1,
        at: Literal["best", "last"] = "best",
        run_id: str | None = None,
        experiment: str | None = None,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        journal_dir: str | Path | None = None,
        same_distribution: bool = True,
        summary: bool = True,
        saved_view: bool = True,
        expose: bool = False,
        wait: float | None = None,
        stop_when: StopWhen | None = None,
        on_verdict: Callable[[Verdict], object] | None = None,
        backup_dir: str | Path | None = None,
    ) -> None:
        super().__init__()
        self._options = CallbackOptions.among(locals() | {"error": None if error is None else measure_of(error)})
        sources = Sources.of(train=train_data, plain=train_eval_data, train_dev=train_dev_data, dev=dev_data, test=test_data)
        self._sources = sources.held_out(validation_split) if validation_split else sources
        if error is not None:
            self._sources.check_for_error(train_eval)
        self._backup = Backup(Path(backup_dir)) if backup_dir else None
        self._warnings = WarnOnce()
        self._passes: Session[KerasTraining] | None = None
        """The session of the current or the last `fit`."""
        self.tracker: Tracker | None = None
        """The Tracker of the present or the last `fit`, with its `diagnosis` and `run_id`."""

    @never_raise
    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        was_stopped = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
        self._end("interrupted" if was_stopped else "failed")  # a fit that raised has called no hook
        self._passes = None
        if is_disabled():
            return
        training = KerasTraining(self, self._options, self._sources, self._warnings.once)
        resumed = self._backup.read() if self._backup else None
        self.tracker = self._options.new_tracker(resume=resumed)
        self._passes = Session(training, self._options, self.tracker, warnings=self._warnings)
        if resumed is not None:
            self._passes.recall(resumed)
        self._passes.begin()

    @never_raise
    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._passes:
            self._passes.begin_epoch()
            self._passes.training.begin_epoch()

    @never_raise
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._passes is None or not self._passes.is_open:
            return
        self._passes.training.logs = {} if logs is None else logs
        self._passes.end_epoch(epoch)
        self._passes.training.end_epoch(epoch)
        if self._backup:
            self._backup.note(self._passes)

    @never_raise
    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        if self._passes and self._passes.is_open:
            self._passes.training.watch.begin_validation(self.model)

    @never_raise
    def on_test_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Add the test error of a `model.evaluate(..., callbacks=[this])` after the training, at the epoch whose weights the
        model has; of other weights it is said, and no point of the run.
        """
        if self._passes is None:
            return
        if self._passes.is_open:
            self._passes.training.watch.end_validation(self.model)
            return
        values = numbers(logs or {}, self._warnings.once)
        epoch = self._passes.epoch_of([mark_of_weights(self.model)])
        if epoch is None:
            self._warnings.once(OTHER_WEIGHTS.format(values=_in_words(values)))
        else:
            self._passes.log_test(values, epoch=epoch)

    @never_raise
    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._end("complete")
        if self._backup:
            self._backup.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the run of a `fit` that raised, in here or, where that was caught in here, before."""
        if kind is not None and self._passes and self._passes.is_open and sys.stderr and sys.stderr.isatty():
            print(file=sys.stderr)  # Keras leaves its bar open where fit raises
        self._end("interrupted" if kind is None else end_state(kind))

    def __getstate__(self) -> dict[str, Any]:
        """A copy, as tuners make one for each trial, follows a `fit` of its own: it shares no run with this one."""
        return self.__dict__ | {"_passes": None, "tracker": None, "_model": None}

    def _end(self, state: EndState) -> None:
        if self._passes:
            self._passes.end(state)


def _in_words(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items()) or "no metric"
