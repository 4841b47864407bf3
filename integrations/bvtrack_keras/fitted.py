"""The data of `fit` itself, as far as its model shows them to a callback."""

from __future__ import annotations

import time
from typing import Any

from bvtrack_keras.data import EvaluationData
from bvtrack_keras.framework import keras
from bvtrack_keras.state import mark_of_weights

OTHER_WEIGHTS = (
    "fit validates on averaged weights, which are swapped out again when the epoch ends: the errors would be those of others"
)
MOST_EXACT = 1 << 24
"""Up to this count the metrics' float32 counters are exact."""
HOLDERS = ("py_dataset", "_dataloader", "_dataset")
"""Attributes by which Keras' adapters hold the dataset or the loader that they read."""


class FitWatch:
    """Number of examples that an epoch of `fit` trains and validates on, and the seconds that it takes; `None` until known.

    Keras' own steps weight the loss of a batch by its examples, so that the loss metric counts them.
    """

    def __init__(self) -> None:
        self.n_trained: int | None = None
        self.n_validated: int | None = None
        self.epoch_seconds: float | None = None
        self.validation_seconds: float | None = None
        self._start = 0.0
        self.mark: str | None = None
        """The mark of the weights that `fit` validated in this epoch, where they may be others than those of the model."""

    def begin_epoch(self) -> None:
        """Start the clock."""
        self._start = time.perf_counter()
        self.mark = None

    def begin_validation(self, model: Any) -> None:
        """Read the counter of the training, which the validation resets; once."""
        if getattr(model.optimizer, "use_ema", False):
            self.mark = mark_of_weights(model)
        if self.epoch_seconds is None:
            self.epoch_seconds = time.perf_counter() - self._start
            self.n_trained = _examples_counted(model)

    def end_validation(self, model: Any) -> None:
        """Read the counter of the validation; once."""
        if self.validation_seconds is None and self.epoch_seconds is not None:
            self.validation_seconds = time.perf_counter() - self._start - self.epoch_seconds
            self.n_validated = _examples_counted(model)

    def other_weights(self, model: Any) -> str:
        """Why the model's errors are not those of the weights that `fit` has validated; empty where they are."""
        return "" if self.mark is None or self.mark == mark_of_weights(model) else OTHER_WEIGHTS


def _examples_counted(model: Any) -> int | None:
    steps = ("train_step", "test_step")
    if any(getattr(type(model), step) is not getattr(keras.Model, step) for step in steps):
        return None  # a step of the user's own may count anything
    tracker = next((metric for metric in model.metrics if metric.name == "loss"), None)
    n = 0 if tracker is None else int(keras.ops.convert_to_numpy(tracker.count))
    return n if 0 < n < MOST_EXACT else None


def validation_adapter(model: Any) -> Any:
    """Keras' adapter of the validation data, which `fit` keeps from its first validation to its end; else `None`."""
    return getattr(getattr(model, "_eval_epoch_iterator", None), "data_adapter", None)


def validation_data(model: Any) -> EvaluationData | None:
    """The validation data of `fit`, with their sample weights; `None` where they are out of reach, as a generator's are."""
    adapter = validation_adapter(model)
    given = next((getattr(adapter, name) for name in HOLDERS if getattr(adapter, name, None) is not None), None)
    if (arrays := getattr(adapter, "_inputs", None)) is not None:
        given = tuple(keras.utils.unpack_x_y_sample_weight(arrays))
    try:
        return None if given is None else EvaluationData.of("validation_data", given)
    except ValueError:
        return None
