"""Notices that `fit` holds out the end of the training data (`validation_split=`), which it tells no callback."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from bvtrack.adapters import Pass
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.fitted import validation_adapter

CLOSE = 1e-5
"""The relative difference that another order of float32 sums makes."""


def held_out_tail(
    model: Any,
    train: EvaluationData,
    logs: Mapping[str, float],
    *,
    steps: int | None,
    measure: Callable[[EvaluationData], Pass],
) -> int | None:
    """Number of examples at the end of `train` that `fit` held out and validated on; `None` if uncertain: if `steps` an epoch
    are not those of the other examples, or `measure` finds other values than the `val_*` of `logs`.
    """
    adapter = validation_adapter(model)
    batch, batches = getattr(adapter, "batch_size", None), getattr(adapter, "num_batches", None)
    if not batch or not batches or train.n is None:
        return None
    n_tail = batches * batch - (batch - adapter.partial_batch_size if adapter and adapter.has_partial_batch else 0)
    if n_tail >= train.n or steps != math.ceil((train.n - n_tail) / batch):
        return None
    values = measure(train.split(train.n - n_tail)[1]).values
    validated = {name: logs.get(f"val_{name}", math.nan) for name in values}
    is_same = all(math.isclose(value, validated[name], rel_tol=CLOSE, abs_tol=CLOSE) for name, value in values.items())
    return n_tail if is_same else None
