"""The part of the training data that the train error is measured on: enough to tell, and cheap."""

from __future__ import annotations

from collections.abc import Callable

from bvtrack.adapters import FEWEST_TRAIN_EXAMPLES, TimeBudget, TrainEval, train_eval_size
from bvtrack_keras.data import BATCH, EvaluationData
from bvtrack_keras.sources import Sources


def train_subset(sources: Sources, train_eval: TrainEval) -> EvaluationData | None:
    """The training examples that the train error is measured on; `None` if there are none, or for the running average."""
    train, dev = sources.for_train, sources.dev
    if train is None or train.n is None:
        return None if train_eval == "running" else train
    n = train_eval_size(train.n, dev.n if dev else None, train_eval)
    return train.part(n) if n else None


def affordable_part(subset: EvaluationData, budget: TimeBudget, measure: Callable[[EvaluationData], object]) -> EvaluationData:
    """The first examples of a `subset` of arrays, as many as `measure` can pass over within the budget."""
    if not subset.is_arrays or subset.n is None or subset.n <= FEWEST_TRAIN_EXAMPLES:
        return subset
    for n in (BATCH, FEWEST_TRAIN_EXAMPLES - FEWEST_TRAIN_EXAMPLES % BATCH):  # whole batches
        measure(subset.first(n))
        budget.note(n)
    return subset.first(int(min(subset.n, budget.most)))
