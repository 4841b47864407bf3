"""The part of the training data that the train error is measured on: enough to tell, and cheap."""

from __future__ import annotations

import time
from collections.abc import Callable

from bvtrack.adapters import FEWEST_TRAIN_EXAMPLES, TrainEval, affordable, train_eval_size
from bvtrack_keras.data import BATCH, EvaluationData

N_TIMED = FEWEST_TRAIN_EXAMPLES - FEWEST_TRAIN_EXAMPLES % BATCH
"""Whole batches."""


def train_subset(train: EvaluationData, dev: EvaluationData | None, train_eval: TrainEval) -> EvaluationData | None:
    """The part of the training data that the train error is measured on; `None` where the running average is asked for."""
    if train.n is None:
        return None if train_eval == "running" else train
    n = train_eval_size(train.n, dev.n if dev else None, train_eval)
    return train.part(n) if n else None


def affordable_part(subset: EvaluationData, seconds: float, measure: Callable[[EvaluationData], object]) -> EvaluationData:
    """As many of the first examples of a `subset` of arrays as `measure` can pass over in `seconds`.

    Its time is taken after a batch that traces and compiles.
    """
    if not subset.is_arrays or subset.n is None or subset.n <= FEWEST_TRAIN_EXAMPLES:
        return subset
    measure(subset.first(BATCH))
    start = time.perf_counter()
    measure(subset.first(N_TIMED))
    return subset.first(affordable((time.perf_counter() - start) / N_TIMED, seconds))
