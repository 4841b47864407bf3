"""The batch size of our own evaluations: that of fit's validation, or a larger one where no error depends on it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bvtrack_keras.framework import keras
from bvtrack_keras.shadow import has_own_code

MOST_BYTES = 1 << 22
"""Bytes of all layers' outputs up to which batches are made larger, 4 MiB: a batch of more takes longer to compute than the
2 ms that Keras takes around it."""
BYTES_EACH = 4
MEANS_OVER_EXAMPLES = ("sum_over_batch_size", "mean")
"""Reductions by which the losses of batches, weighted by their sizes, add up to that of all examples, whatever the batches."""
OF_EACH_EXAMPLE = frozenset(
    {"accuracy", "binary_accuracy", "binary_crossentropy", "binary_focal_crossentropy", "categorical_accuracy"}
    | {"categorical_crossentropy", "categorical_focal_crossentropy", "categorical_generalized_cross_entropy"}
    | {"categorical_hinge", "cosine_similarity", "hinge", "huber", "kl_divergence", "log_cosh"}
    | {"mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error"}
    | {"mean_squared_logarithmic_error", "poisson", "sparse_categorical_accuracy", "sparse_categorical_crossentropy"}
    | {"sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy"}
)
"""Keras' functions of one example's targets and predictions alone. Not dice, tversky and circle: those are of a batch."""
FAMILIES = frozenset(
    {"activations", "convolutional", "core", "merging"} | {"normalization", "pooling", "regularization", "reshaping"}
)
"""Packages of Keras' layers that treat each example by itself, but for `OTHERS`; further ones are `SINGLE`."""
OTHERS = frozenset({"Lambda", "EinsumDense", "Dot", "Masking"})
SINGLE = frozenset(
    {"Normalization", "Rescaling", "Resizing"} | {"RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"}
)


def evaluation_batch_size(model: Any, usual: int, n: int | None) -> int:
    """The `usual` batch size; up to `n`, the number of examples, where larger batches give the same errors (to the rounding of
    float32), are no burden to the memory, and save time.

    That is so on torch, where nothing is compiled for a size, with layers, losses and metrics that are known to be of each
    example alone: without masks, which make a mean depend on its batch, and without layers within layers, whose memory is not
    known.
    """
    if n is None or keras.backend.backend() != "torch" or model.jit_compile or has_own_code(model):
        return usual
    if not (all(map(_is_of_each, _functions(model))) and all(map(_is_simple, model._flatten_layers()))):
        return usual
    shapes = [*_shapes(model)]
    if any(shape and shape[0] is not None for shape in shapes):  # made for batches of one size
        return usual
    sizes = [math.prod(math.inf if size is None else size for size in shape[1:]) for shape in shapes]
    return max(usual, int(min(n, MOST_BYTES / BYTES_EACH / max(1, sum(sizes)))))


def _functions(model: Any) -> Iterator[Any]:
    """All losses, and those metrics that are means of a function."""
    losses = (loss for loss in keras.tree.flatten(model.loss) if loss is not None)
    yield from (keras.losses.get(loss) if isinstance(loss, str) else loss for loss in losses)
    for metric in model.metrics:
        yield from (part for part in (metric, *getattr(metric, "metrics", ())) if hasattr(part, "_fn"))


def _is_of_each(function: Any) -> bool:
    """True for a function, or a loss or a metric of one, whose mean is that of all examples, whatever the batches."""
    options = {**(getattr(function, "_fn_kwargs", None) or {})}
    inner = getattr(function, "_fn", getattr(function, "fn", function))
    is_of_all = options.get("axis", -1) == -1 and options.get("ignore_class") is None  # what is ignored makes means uneven
    is_known = getattr(inner, "__name__", "") in OF_EACH_EXAMPLE and inner.__module__.startswith("keras.")
    return is_known and is_of_all and getattr(function, "reduction", "mean") in MEANS_OVER_EXAMPLES


def _is_simple(layer: Any) -> bool:
    """True for a layer without others in it that treats each example by itself; a model has layers alone, no operations."""
    if isinstance(layer, keras.Model):
        return all(isinstance(each, keras.layers.Layer) for each in getattr(layer, "operations", ()))
    kind, axis = type(layer), getattr(layer, "axis", None)
    is_known = (*kind.__module__.split("."), "", "", "")[3] in FAMILIES and kind.__name__ not in OTHERS
    is_along = all(each is None or each == -1 or each > 0 for each in (axis if isinstance(axis, (list, tuple)) else [axis]))
    is_keras = getattr(getattr(layer, "activation", None), "__module__", "keras.").startswith("keras.")
    has_parts = getattr(layer, "mask_zero", False) or any(True for _ in layer._flatten_layers(include_self=False))
    is_free = getattr(layer, "activity_regularizer", None) is None  # of some versions of Keras a sum over the batch
    return (is_known or kind.__name__ in SINGLE) and is_along and is_keras and is_free and not has_parts


def _shapes(model: Any) -> Iterator[tuple[int | None, ...]]:
    """The shapes of all that the layers give, the inputs too, `[None, ...]` each."""
    for layer in model._flatten_layers():
        for node in layer._inbound_nodes:
            yield from (output.shape for output in node.output_tensors)
