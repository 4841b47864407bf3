"""The callback: translates Keras' hooks into a Tracker's calls."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from bvtrack import (
    Measure,
    Tracker,
    TrainEval,
    harmless,
    has_diverged,
    is_disabled,
    preserve_random_states,
    train_eval_size,
)
from bvtrack_keras.data import EvaluationData, train_subset
from bvtrack_keras.facts import model_facts
from bvtrack_keras.framework import keras
from bvtrack_keras.state import preserve_state

logger = logging.getLogger("bvtrack")

NO_DEV_DATA = (
    "expected validation data to measure the dev error on, got none in this epoch: without them variance is not known; "
    "pass validation_data= to fit, or dev_data= to the callback"
)
VALIDATION = "val_"
RUNNING = "train: running average, not in eval mode"


class BiasVarianceCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Logs train, dev and test error of each epoch to MLflow and keeps the run tagged with its diagnosis and next step.

    Keras hands a callback no data, so the data come as arguments, each optional: pairs `(x, y)` of arrays, or anything that
    `model.evaluate` takes. Errors are measured with your compiled metrics, in eval mode, at the end of each epoch: the train
    error on a fixed random part of `train_data`, the test error on `test_data`, and the dev error is the one of `fit`'s own
    `val_*` logs, or measured on `dev_data` where `fit` has no validation data. Without `train_data` the running train
    metric stands in; without `dev_data` the split stays unchecked. The training is left as it was.

    Keras tells callbacks nothing when a training raises: use the callback as a context manager around `fit`, or the run is
    marked as interrupted when the process ends.

    Args:
        human_error, measure, at, run_id, experiment, run_name, tracking_uri, journal_dir, same_distribution: as for
            `bvtrack.Tracker`; `measure` names a compiled metric.
        train_eval: measure the train error on a `"subset"` of the training data (as large as the dev set, 1,000 examples at
            least), the `"full"` data, so many examples, or take the `"running"` average that `fit` logs.
        train_eval_data: the training data without augmentation, where `train_data` augments.
        train_dev_data: held-out examples of the training data's source, where dev comes from another.
        test_every: measure the test error every so many epochs; 0 for never.

    Raises:
        ValueError: for arguments that a Tracker does not take, or pairs whose arrays differ in length.
    """

    def __init__(
        self,
        human_error: float | None = None,
        measure: str | Measure | None = None,
        *,
        train_data: Any = None,
        dev_data: Any = None,
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
        self._new_tracker()  # says now what is wrong with the arguments; it starts nothing before its first point
        train_eval_size(1, None, train_eval)  # says now what is wrong with it
        self._train_eval: TrainEval = train_eval
        given = {"train": train_data, "train_dev": train_dev_data, "dev": dev_data, "test": test_data if test_every else None}
        self._data = {name: EvaluationData.of(f"{name}_data", data) for name, data in given.items() if data is not None}
        self._train_source = (
            self._data.get("train") if train_eval_data is None else EvaluationData.of("train_eval_data", train_eval_data)
        )
        self._test_every = test_every
        self._measure: Measure | None = None
        self._is_open = False
        self._last_epoch: int | None = None
        self._train_subset: EvaluationData | None = None
        self._said: set[str] = set()
        self.tracker: Tracker | None = None
        """The Tracker of the present or the last `fit`, with its `diagnosis` and `run_id`."""

    @harmless
    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._end("failed")  # a fit that raised has called no hook
        if is_disabled():
            return
        self.tracker = tracker = self._new_tracker()
        self._is_open = True
        self._measure = None
        if self._train_source is not None:
            self._train_subset = train_subset(self._train_source, self._data.get("dev"), self._train_eval)
        tracker.log_model(model_facts(self.model))
        samples = {name: sample for name, data in self._data.items() if (sample := data.sample()) is not None}
        tracker.log_split(**samples)

    @harmless
    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if not self._is_open or self.tracker is None:
            return
        logs = dict(logs or {})
        self._measure = self._measure or self.tracker.choose_measure(logs)
        errors = self._errors(epoch, logs) if self._measure else {}
        self._last_epoch = epoch
        self.tracker.log_epoch(epoch, **errors)

    @harmless
    def on_test_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Add the test error of a `model.evaluate(..., callbacks=[this])` after the training, at its last epoch."""
        if self._is_open or self.tracker is None or self._measure is None or is_disabled():
            return
        error = self._error_in(logs or {})
        if error is not None:
            self.tracker.log_test(error, epoch=self._last_epoch)

    @harmless
    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._end("complete")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the run of a `fit` that raised."""
        self._end("complete" if kind is None else "failed" if issubclass(kind, Exception) else "interrupted")

    def _errors(self, epoch: int, logs: Mapping[str, float]) -> dict[str, Any]:
        """The arguments of `Tracker.log_epoch`: what `fit` logged, and what is measured here and now."""
        assert self._measure is not None
        fitted = self._error_in({name: value for name, value in logs.items() if not name.startswith(VALIDATION)})
        validated = self._error_in({name: value for name, value in logs.items() if name.startswith(VALIDATION)})
        errors: dict[str, Any] = {"train_error_running": fitted}
        if has_diverged(logs):
            return errors | {"train_error": math.nan}
        errors |= self._evaluated("train", self._train_subset) if self._train_subset else self._running(fitted)
        if validated is not None:
            errors |= {"dev_error": validated}
        elif "dev" in self._data:
            errors |= self._evaluated("dev", self._data["dev"])
        else:
            self._say_once(NO_DEV_DATA)
        if "train_dev" in self._data:
            errors |= self._evaluated("train_dev", self._data["train_dev"])
        if "test" in self._data and epoch % self._test_every == 0:
            errors |= self._evaluated("test", self._data["test"])
        return errors

    def _error_in(self, logs: Mapping[str, float]) -> float | None:
        name = self._measure.find_in(logs) if self._measure else None
        return self._measure.error(float(logs[name])) if self._measure and name else None

    def _running(self, fitted: float | None) -> dict[str, Any]:
        if self.tracker and self._measure:
            self.tracker.log_measure(self._measure, RUNNING)
        return {"train_error": fitted}

    def _evaluated(self, name: str, data: EvaluationData) -> dict[str, Any]:
        try:
            with preserve_random_states(), preserve_state(self.model):
                values = self.model.evaluate(data.x, data.y, verbose=0, return_dict=True)
        except Exception as error:
            self._say_once(f"the {name} error is missing, for evaluate failed on {name}_data ({error!r})")
            return {}
        return {f"{name}_error": self._error_in(values), f"n_{name}": data.n}

    def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            logger.warning("bvtrack: %s", message)

    def _end(self, state: Literal["complete", "interrupted", "failed"]) -> None:
        if self._is_open and self.tracker:
            self._is_open = False
            self.tracker.close(state)
