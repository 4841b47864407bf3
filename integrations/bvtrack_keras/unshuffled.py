"""A `tf.data` pipeline as it can be read beside a training on it, without changing the order that the training will see."""

from __future__ import annotations

import sys
from typing import Any

MOVES_STATE = ("Assign", "Rng", "Stateful")
"""The first words of the operations by which a pipeline writes to variables: of Keras' augmentation layers, for one."""


def is_tf_dataset(data: Any) -> bool:
    """True for a `tf.data.Dataset`; TensorFlow is not imported for it."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(data, tensorflow.data.Dataset)


def unshuffled(name: str, dataset: Any) -> Any:
    """The same pipeline without its reshuffling, whose order the next epoch of the training would be drawn from.

    Raises `ValueError` for a pipeline that keeps variables, for reading it would change what the training reads next.
    """
    import tensorflow as tf

    raw, variants = tf.raw_ops, tf.data.experimental
    graph = tf.compat.v1.GraphDef.FromString(raw.DatasetToGraphV2(input_dataset=variants.to_variant(dataset)).numpy())
    steps = [step for function in graph.library.function for step in function.node_def]
    if any(step.op.startswith(MOVES_STATE) and "Partitioned" not in step.op for step in steps):
        raise ValueError(
            f"{name} must be data that are the same each time they are read; got a pipeline that draws from variables, "
            "as Keras' augmentation layers do, so that reading it would change the training: pass it without them"
        )
    inputs = {node.name: node.input[0] for node in graph.node if _reshuffles(node)}
    for node in graph.node:
        node.input[:] = [_behind(source, inputs) for source in node.input]
    variant = raw.DatasetFromGraph(graph_def=graph.SerializeToString())
    return variants.from_variant(variant, dataset.element_spec)


def _reshuffles(node: Any) -> bool:
    return str(node.op).startswith("Shuffle") and bool(node.attr["reshuffle_each_iteration"].b)


def _behind(source: str, inputs: dict[str, str]) -> str:
    while (node := source.partition(":")[0]) in inputs:
        source = inputs[node]
    return source
