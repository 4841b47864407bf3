"""What can be read, in little time, of a set that comes in batches: a `PyDataset`, a `tf.data` pipeline, a loader."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import suppress
from typing import Any

from bvtrack.adapters import MOST_READ, READ_SECONDS, SplitSample, SplitSource, choose_examples, in_time, key_of_dataset
from bvtrack_keras.framework import keras
from bvtrack_keras.unshuffled import is_tf_dataset

EXAMPLES_AT_ONCE = 32
INFINITE = -1
"""The cardinality of a `tf.data` pipeline that repeats without end."""


def source_of(data: Any) -> SplitSource | None:
    """What is known of a set in batches, and how more of it is read; `None` where that cannot be in little time.

    Raises what reading a batch raises.
    """
    if is_tf_dataset(data):
        return _of_pipeline(data)
    if getattr(data, "batch_sampler", None) is not None:
        return None if _is_stream(data.dataset) else _of_loader(data)
    n_batches = getattr(data, "num_batches", None)
    return _of_batches(data, n_batches) if n_batches else None


def _of_loader(loader: Any) -> SplitSource:
    """Of a loader whose dataset is read by index."""
    n = len(loader.dataset)

    def sample() -> SplitSample:
        chosen = choose_examples(n, MOST_READ).tolist()
        parts = (chosen[start : start + EXAMPLES_AT_ONCE] for start in range(0, len(chosen), EXAMPLES_AT_ONCE))
        drawn = (loader.collate_fn([loader.dataset[index] for index in part]) for part in parts)
        return SplitSample.of_batches(n, _some(drawn))

    return SplitSource(n, sample, key_of_dataset(loader.dataset, range(n), lambda some: [loader.collate_fn(some)]))


def _of_batches(dataset: Any, n_batches: int) -> SplitSource | None:
    """Of a dataset whose items are batches; `None` where they are not equally large, but for the last one, or take long."""
    n_first = _n_of(dataset[0])  # not timed: it may trace a function
    start = time.monotonic()
    n = n_first * (n_batches - 1) + _n_of(dataset[n_batches - 1])
    if time.monotonic() - start > READ_SECONDS or (n_batches > 1 and _n_of(dataset[(n_batches - 1) // 2]) != n_first):
        return None

    def sample() -> SplitSample:
        drawn = (dataset[int(index)] for index in choose_examples(n_batches, n_batches))
        return SplitSample.of_drawn_batches(n, _some(drawn))

    return SplitSource(n, sample, key_of_dataset(dataset, range(n_batches), _comparable, most=2))


def _of_pipeline(pipeline: Any) -> SplitSource | None:
    import tensorflow as tf

    n_batches = int(pipeline.cardinality())
    if n_batches == INFINITE:
        return None
    if n_batches > 0:
        with suppress(tf.errors.UnimplementedError):  # a step that gives no element alone
            return _of_batches(AtIndex(pipeline), n_batches)
    return _whole(pipeline)


def _whole(pipeline: Any) -> SplitSource | None:
    """Of a pipeline that comes to its end in time; of one that does not, the first batches may all be of one kind."""
    read: list[Any] = []
    n, deadline = 0, 0.0
    for batch in pipeline:
        read.append(batch)
        n += _n_of(batch)
        deadline = deadline or time.monotonic() + READ_SECONDS  # the first one may trace functions
        if n > MOST_READ or time.monotonic() > deadline:
            return None
    return SplitSource.of(SplitSample.of_batches(n, _comparable(read))) if read else None


class AtIndex:
    """A `tf.data` pipeline by index."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def __getitem__(self, index: int) -> Any:
        import tensorflow as tf

        return tf.data.experimental.at(self._pipeline, index)


def _some(batches: Iterable[Any]) -> Iterator[Any]:
    """As many as there is time for, up to the most examples that are read."""
    n = 0
    for batch in in_time(_comparable(batches)):
        yield batch
        n += _n_of(batch)
        if n >= MOST_READ:
            return


def _comparable(batches: Iterable[Any]) -> Iterator[Any]:
    """Batches of inputs and targets, without their weights; several outputs are no label."""
    for batch in batches:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
        yield (x, y) if hasattr(y, "shape") else (x,)


def _is_stream(dataset: Any) -> bool:
    return not isinstance(dataset, Sized) or any(base.__name__ == "IterableDataset" for base in type(dataset).__mro__)


def _n_of(batch: Any) -> int:
    return len(keras.tree.flatten(batch)[0])
