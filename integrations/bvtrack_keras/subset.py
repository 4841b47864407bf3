"""The part of the training data that the train error is measured on: enough to tell, and cheap."""

from __future__ import annotations

import time
from collections.abc import Callable

from bvtrack import TrainEval, train_eval_size
from bvtrack_keras.data import BATCH, EvaluationData

MOST_OF_AN_EPOCH = 0.05
"""A pass over the subset costs at most this share of an epoch, unless 1,000 examples, too few to tell less, cost more."""


def train_subset(train: EvaluationData, dev: EvaluationData | None, train_eval: TrainEval) -> EvaluationData | None:
    """The part of the training data that the train error is measured on; `None` where the running average is asked for."""
    if train.n is None:
        return None if train_eval == "running" else train
    n = train_eval_size(train.n, dev.n if dev else None, train_eval)
    return train.part(n) if n else None


def affordable(subset: EvaluationData, epoch_seconds: float, measure: Callable[[EvaluationData], object]) -> EvaluationData:
    """As many of the first examples of a `subset` of arrays as `measure` can pass over in its share of `epoch_seconds`.

    Its time is taken over whole batches, after one that traces and compiles.
    """
    if not subset.is_arrays or subset.n is None:
        return subset
    fewest = train_eval_size(subset.n, 1)
    if subset.n <= fewest:
        return subset
    measure(subset.first(BATCH))
    pilot = subset.first(fewest - fewest % BATCH)
    start = time.perf_counter()
    measure(pilot)
    seconds = (time.perf_counter() - start) / (fewest - fewest % BATCH)
    return subset.first(max(fewest, int(MOST_OF_AN_EPOCH * epoch_seconds / seconds)))
