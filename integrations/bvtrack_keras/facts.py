"""What a model and its optimiser are, as evidence for the recipe."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bvtrack import ModelFacts


def model_facts(model: Any) -> ModelFacts:
    """Read once, before the first step, of a built and compiled Keras model."""
    optimizer = getattr(model, "optimizer", None)
    return ModelFacts(
        parameters=sum(math.prod(variable.shape) for variable in model.trainable_variables),
        optimizer=type(optimizer).__name__ if optimizer is not None else None,
        learning_rate=float(optimizer.learning_rate) if optimizer is not None else None,
        weight_decay=float(getattr(optimizer, "weight_decay", None) or 0.0),
        dropout=max((float(layer.rate) for layer in _layers(model) if _is_dropout(layer)), default=0.0),
    )


def _is_dropout(layer: Any) -> bool:
    return "Dropout" in type(layer).__name__ and isinstance(getattr(layer, "rate", None), int | float)


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)
