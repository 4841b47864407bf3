"""The callback: translates Keras' hooks into a Tracker's calls."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from bvtrack import ErrorFunction, Measure, Tracker, TrainEval, is_disabled, never_raise, train_eval_size
from bvtrack_keras.backup import Backup
from bvtrack_keras.error import error_measure
from bvtrack_keras.exposed import exposed_logs
from bvtrack_keras.facts import model_facts
from bvtrack_keras.framework import keras
from bvtrack_keras.passes import Passes
from bvtrack_keras.sources import Sources
from bvtrack_keras.state import mark_of_weights


class BiasVarianceCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Logs train, dev and test error of each epoch to MLflow and keeps the run tagged with its diagnosis and next step.

    Keras hands a callback no data, so the data come as arguments, each optional: pairs `(x, y)` of arrays, or anything that
    `model.evaluate` takes. Errors are measured with your compiled metrics, in eval mode, at the end of each epoch: the train
    error on a fixed random part of `train_data`, the test error on `test_data`, and the dev error is the one of `fit`'s own
    `val_*` logs, or measured on `dev_data` where `fit` has no validation data. Without `train_data` the running train
    metric stands in; without `dev_data` the split stays unchecked. The training is left as it was; a `tf.data` pipeline is
    read without its reshuffling for that.

    Keras tells callbacks nothing when a training raises: use the callback as a context manager around `fit`, or the run is
    marked as interrupted when the process ends.

    Args:
        human_error, measure, at, run_id, experiment, run_name, tracking_uri, journal_dir, same_distribution: as for
            `bvtrack.Tracker`; `measure` names a compiled metric.
        error: a function of (predictions, targets), arrays `[n_examples, ...]`, to one error or one for each example, or a
            `keras.metrics.Metric`. All errors are then measured with it, on the data given here alone.
        validation_split: the fraction at the end of `train_data` that is dev data, as for `fit`.
        expose: put `bvtrack_train_error`, `bvtrack_dev_error`, `bvtrack_variance` and `bvtrack_avoidable_bias` into the logs
            of each epoch, for callbacks that stand behind this one in the list (`EarlyStopping(monitor="bvtrack_variance")`).
        train_eval: measure the train error on a `"subset"` of the training data (as large as the dev set, less where that
            would cost more than 5 % of an epoch, 1,000 examples at least), the `"full"` data, so many examples, or take the
            `"running"` average that `fit` logs.
        train_eval_data: the training data without augmentation, where `train_data` augments.
        train_dev_data: held-out examples of the training data's source, where dev comes from another.
        test_every: measure the test error every so many epochs; 0 for never.
        backup_dir: the folder of your `keras.callbacks.BackupAndRestore`: the run is noted there too, each epoch, and a
            training that is resumed goes on with it. Put this callback before that one in the list.

    Raises:
        ValueError: for arguments that a Tracker does not take, pairs whose arrays differ in length, sets that `error`
            misses, or a pipeline that cannot be read without changing the training.
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
        expose: bool = False,
        backup_dir: str | Path | None = None,
    ) -> None:
        super().__init__()
        if test_every < 0:
            raise ValueError(f"test_every must be a number of epochs, 0 for never; got {test_every!r}")
        self._new_tracker = partial(
            Tracker,
            run_id=run_id,
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
        train_eval_size(1, None, train_eval)  # says now what is wrong with it
        sources = Sources.of(train=train_data, plain=train_eval_data, train_dev=train_dev_data, dev=dev_data, test=test_data)
        sources = sources.held_out(validation_split) if validation_split else sources
        self._error = None if error is None else error_measure(error)
        if error is not None:
            _check_for_error(sources, measure=measure, train_eval=train_eval)
        self._new_passes = partial(
            Passes, self, sources=sources, train_eval=train_eval, test_every=test_every, error=self._error, said=set()
        )
        self._is_exposing = expose
        self._backup = Backup(Path(backup_dir)) if backup_dir else None
        self._passes: Passes | None = None
        self._is_open = False
        self._start = 0.0
        self._epochs: dict[bytes, int] = {}
        self.tracker: Tracker | None = None
        """The Tracker of the present or the last `fit`, with its `diagnosis` and `run_id`."""

    @never_raise
    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        was_stopped = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
        self._end("interrupted" if was_stopped else "failed")  # a fit that raised has called no hook
        if is_disabled():
            return
        self.tracker = tracker = self._new_tracker(resume=self._backup.read() if self._backup else None)
        self._is_open = True
        self._passes = None
        self._epochs = {}
        facts = model_facts(self.model)
        tracker.log_model(facts)
        self._passes = self._new_passes(tracker)
        if self._passes.is_augmented:
            tracker.log_model(replace(facts, augmentation=True))

    @never_raise
    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._start = time.perf_counter()

    @never_raise
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not self._is_open or self.tracker is None or self._passes is None:
            return
        seconds = time.perf_counter() - self._start
        errors = self._passes.errors(epoch, logs or {}, seconds)
        self._epochs[mark_of_weights(self.model)] = epoch
        self.tracker.log_epoch(epoch, **errors)
        if self._is_exposing and logs is not None:
            logs.update(exposed_logs(self.tracker.metrics_of(epoch)))
        if self._backup:
            self._backup.note(self.tracker)

    @never_raise
    def on_test_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Add the test error of a `model.evaluate(..., callbacks=[this])` after the training, at the epoch whose weights the
        model has, the last one where it has those of none.
        """
        if self._is_open or self.tracker is None or self._passes is None or not self._epochs or is_disabled():
            return
        error = self._passes.error_in(logs or {})
        if error is not None:
            last = list(self._epochs.values())[-1]
            self.tracker.log_test(error, epoch=self._epochs.get(mark_of_weights(self.model), last))

    @never_raise
    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._end("complete")
        if self._backup:
            self._backup.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the run of a `fit` that raised."""
        self._end("complete" if kind is None else "failed" if issubclass(kind, Exception) else "interrupted")

    def _end(self, state: Literal["complete", "interrupted", "failed"]) -> None:
        if self._is_open and self.tracker:
            self._is_open = False
            if self._passes:
                self._passes.end()
            self.tracker.close(state)


def _check_for_error(sources: Sources, *, measure: str | Measure | None, train_eval: TrainEval) -> None:
    if measure is not None:
        raise ValueError(f"error= says what the errors are; got measure={measure!r} too, pass only one of the two")
    if train_eval == "running":
        raise ValueError("error= is measured by passes of our own; got train_eval='running'")
    sources.check_for_error()
