"""Facts about a model and its optimiser, as evidence for the recipe."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras

from bvtrack import ModelFacts
from bvtrack.adapters import as_number, largest

BLENDING = ("MixUp", "CutMix", "AugMix", "RandAugment")
"""Keras' augmentation layers whose names do not begin with `Random`."""


def model_facts(model: Any) -> ModelFacts:
    """Read once, before the first step, of a built and compiled Keras model.

    A learning rate that is warmed up is the one that it is warmed up to; a layer's penalty counts as weight decay.
    """
    optimizer = getattr(model, "optimizer", None)
    layers = list(_layers(model))
    names = [type(layer).__name__ for layer in layers]
    schedule = getattr(optimizer, "_learning_rate", None)
    peaks = (getattr(schedule, name, None) for name in ("warmup_target", "initial_learning_rate"))
    regularizers = [getattr(layer, "kernel_regularizer", None) for layer in layers]
    penalties = (getattr(regularizer, name, None) for regularizer in regularizers for name in ("l1", "l2"))
    is_scheduled = isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
    return ModelFacts(
        parameters=sum(math.prod(variable.shape) for variable in model.trainable_variables),
        optimizer=type(optimizer).__name__ if optimizer is not None else None,
        learning_rate=largest([getattr(optimizer, "learning_rate", None), *peaks]),
        momentum=as_number(getattr(optimizer, "momentum", None)),
        weight_decay=largest([getattr(optimizer, "weight_decay", None), *penalties]) or 0.0,
        dropout=largest(map(_dropout, layers)) or 0.0,
        batch_norm=any("BatchNorm" in name for name in names),
        augmentation=any(name.startswith("Random") or name in BLENDING for name in names),
        schedule=type(schedule).__name__ if is_scheduled else "none",
    )


def _dropout(layer: Any) -> Any:
    """The rate of a dropout layer, or of one that drops out within itself, as recurrent ones and attention do."""
    return getattr(layer, "rate" if "Dropout" in type(layer).__name__ else "dropout", None)


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        for name in ("layer", "forward_layer"):  # of wrappers, TimeDistributed and Bidirectional
            if hasattr(layer, name):
                yield getattr(layer, name)
