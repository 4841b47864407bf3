"""Evaluating must leave the model as the training made it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from bvtrack_keras.framework import keras


@contextmanager
def preserve_state(model: Any) -> Iterator[None]:
    """Put back what evaluating moves: the compiled metrics, and the seeds of layers that draw in eval mode too."""
    counting = [variable for variable in model.non_trainable_variables if not keras.backend.is_float_dtype(variable.dtype)]
    variables = [*counting, *model.metrics_variables]
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
