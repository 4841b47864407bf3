"""Restores the state of the model, and of the data, that an evaluation changes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from bvtrack.adapters import generator_restorer
from bvtrack_keras.attributes import owners
from bvtrack_keras.framework import keras

SMALL = 1 << 16
"""Largest size of the non-trainable variables that are put back: counters and statistics, but no frozen kernels."""
LARGE = 1 << 24
"""The same for variables of a layer of the user's own, which may be a codebook that it moves."""
SAMPLED = 1024
"""About how many numbers of each variable are hashed."""


@contextmanager
def preserve_state(callback: Any) -> Iterator[None]:
    """Put back what evaluating a callback's model moves: the compiled metrics, the seeds of layers that draw in eval mode
    too, and what layers write in any mode. Where it raises, what JAX had taken out of the model for the computation is put
    back as well.
    """
    model = callback.model
    own = {id(variable) for layer in owners(model) for variable in getattr(layer, "_non_trainable_variables", ())}
    moving = [
        variable
        for variable in model.non_trainable_variables
        if math.prod(variable.shape) <= (LARGE if id(variable) in own else SMALL)
    ]
    reset = resetter([*moving, *model.metrics_variables])
    taken = [(variable, variable.value) for variable in model.variables] if keras.backend.backend() == "jax" else []
    try:
        yield
    except Exception:
        model = callback.model  # Keras moves JAX's state into the model when a callback asks for it
        for variable, value in taken:
            if _is_lost(variable):
                variable.assign(value)
        raise
    finally:
        reset()


@contextmanager
def preserve_generators(data: Any) -> Iterator[None]:
    """Put back the generators of random numbers that a dataset or a loader keeps, for it may be the one that is trained on."""
    owners = [data, *(getattr(data, name, None) for name in ("dataset", "sampler"))]
    kept = [value for owner in owners for value in getattr(owner, "__dict__", {}).values()]
    undo = [restore for value in kept if (restore := _restorer(value)) is not None]
    try:
        yield
    finally:
        for restore in undo:
            restore()


def _restorer(generator: Any) -> Callable[[], None] | None:
    """A function that restores a generator's present state; `None` for anything else."""
    if isinstance(generator, keras.random.SeedGenerator):
        return resetter([generator.state])
    if isinstance(generator, keras.Layer):
        return resetter(generator.non_trainable_variables)
    return generator_restorer(generator)


def resetter(variables: Sequence[Any]) -> Callable[[], None]:
    """A function that restores the present values of variables."""
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]

    def reset() -> None:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    return reset


def _is_lost(variable: Any) -> bool:
    try:
        return variable.value is None
    except TypeError:  # what Keras makes of a variable without a value and without an initializer
        return True


def mark_of_weights(model: Any) -> str:
    """A hash of the weights, by a sample of each, those of a batch norm's averages too: the same for equal weights, and
    practically never for those of another epoch.
    """
    digest = hashlib.blake2b(digest_size=16)
    for variable in model.weights:
        digest.update(_sample(variable).tobytes())
    return digest.hexdigest()


def _sample(variable: Any) -> Any:
    """Some numbers of a variable, evenly spaced. A torch device copies no more than these; JAX would compile the choice for
    each shape, and shares its memory with NumPy where that is the machine's own.
    """
    stride = max(1, math.prod(variable.shape) // SAMPLED) | 1  # an odd one walks through all columns
    value = variable.value
    if hasattr(value, "detach"):
        return keras.ops.convert_to_numpy(value.detach().reshape(-1)[::stride])
    return keras.ops.convert_to_numpy(value).reshape(-1)[::stride]
