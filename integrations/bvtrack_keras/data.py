"""The data that a user hands to the callback: pairs of arrays, or anything that `model.evaluate` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bvtrack.adapters import SplitSample, SplitSource, choose_examples, is_same
from bvtrack_keras.framework import keras
from bvtrack_keras.state import preserve_generators
from bvtrack_keras.unshuffled import is_tf_dataset, unshuffled

BATCH = 32
"""Keras' default batch size."""


@dataclass(frozen=True)
class EvaluationData:
    """The arguments of `model.evaluate`: `x` and, unless `x` yields both, `y`; `n` examples, if that is known."""

    x: Any
    y: Any
    n: int | None

    @classmethod
    def of(cls, name: str, data: Any) -> EvaluationData:
        """From `(x, y)`, where each may be a structure of arrays, or from a dataset or loader of batches.

        Raises `ValueError` for a pair whose arrays differ in length or are empty.
        """
        if isinstance(data, Iterator):
            raise ValueError(f"{name} must be a pair (x, y) or a dataset that can be read anew; got {type(data).__name__}")
        if isinstance(data, keras.utils.PyDataset):
            return cls(WithoutEpochHooks(data), None, None)
        if is_tf_dataset(data):
            return cls(unshuffled(name, data), None, None)
        if not isinstance(data, tuple):
            dataset = getattr(data, "dataset", None)
            return cls(data, None, len(dataset) if isinstance(dataset, Sized) else None)
        if len(data) != 2:
            raise ValueError(f"{name} must be a pair (x, y) or a dataset; got a tuple of {len(data)}")
        arrays = keras.tree.flatten(data)
        if not all(hasattr(array, "shape") for array in arrays):
            raise ValueError(
                f"{name} must be a pair (x, y) of arrays; got {type(data[0]).__name__} and {type(data[1]).__name__}"
            )
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(f"{name} must hold equally many examples in x and y, at least 1; got {sorted(lengths)}")
        return cls(*data, lengths.pop())

    @property
    def is_arrays(self) -> bool:
        return self.y is not None

    def part(self, most: int) -> EvaluationData:
        """At most `most` examples, drawn at random, the same each time; a dataset of batches stays whole."""
        if not self.is_arrays or self.n is None or self.n <= most:
            return self
        return self._of_rows(choose_examples(self.n, most))

    def first(self, most: int) -> EvaluationData:
        """The first `most` of the examples; a dataset of batches stays whole."""
        return self if not self.is_arrays or self.n is None or self.n <= most else self._of_rows(slice(most))

    def split(self, n_head: int) -> tuple[EvaluationData, EvaluationData]:
        """The first `n_head` examples, and the others."""
        return self._of_rows(slice(n_head)), self._of_rows(slice(n_head, None))

    def batches(self) -> Iterator[tuple[Any, Any]]:
        """Inputs and targets, arrays of NumPy, batch by batch."""
        for batch in self._read():
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
            yield keras.tree.map_structure(_as_array, (x, y))

    def differs_when_read_again(self) -> bool:
        """True if the data are augmented: read a second time, the first example (of a `tf.data` pipeline the first batch) has
        other inputs, but the same targets. Arrays are not read.
        """
        if self.is_arrays:
            return False
        with preserve_generators(self.source):
            (x, y), (x_again, y_again) = self._first_read(), self._first_read()
        return is_same(y, y_again) and not is_same(x, x_again)

    @property
    def source(self) -> Any:
        """The user's own object, as far as one is read."""
        return self.x.dataset if isinstance(self.x, WithoutEpochHooks) else self.x

    def _first_read(self) -> tuple[Any, Any]:
        dataset = getattr(self.x, "dataset", None)
        by_index = self.x if isinstance(self.x, WithoutEpochHooks) else dataset if hasattr(dataset, "__getitem__") else None
        x, y, _ = keras.utils.unpack_x_y_sample_weight(next(self._read()) if by_index is None else by_index[0])
        read: tuple[Any, Any] = keras.tree.map_structure(lambda values: np.array(_as_array(values)), (x, y))
        return read

    def _read(self) -> Iterator[Any]:
        if self.is_arrays and self.n is not None:
            parts = (self._of_rows(slice(start, start + BATCH)) for start in range(0, self.n, BATCH))
            return ((part.x, part.y) for part in parts)
        if isinstance(self.x, WithoutEpochHooks):
            return (self.x[index] for index in range(self.x.num_batches or 0))
        return iter(self.x)

    def _of_rows(self, rows: Any) -> EvaluationData:
        x, y = keras.tree.map_structure(lambda array: _rows(array, rows), (self.x, self.y))
        return EvaluationData(x, y, len(keras.tree.flatten(y)[0]))

    def split_source(self) -> SplitSource | None:
        """The split for `Tracker.log_split`; `None` where its size is not known."""
        with preserve_generators(self.source):
            split = SplitSource.find(self._examples)
        if split is None:
            return None if self.n is None else SplitSource.of(self.n)
        return replace(split, read=partial(self._sample, split))

    @property
    def _examples(self) -> Any:
        """The data that the core reads examples from; several outputs are no label."""
        if not self.is_arrays or self.n is None:
            return self.x
        return SplitSample(self.n, self.x, self.y if hasattr(self.y, "shape") else None)

    def _sample(self, split: SplitSource) -> SplitSample:
        with preserve_generators(self.source):
            return split.sample()


class WithoutEpochHooks(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no type hints
    """A user's dataset, read without its being told of epochs that are not the training's."""

    def __init__(self, dataset: Any) -> None:
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset = dataset

    @property
    def num_batches(self) -> int | None:
        batches: int | None = self.dataset.num_batches
        return batches

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index]


def _as_array(values: Any) -> Any:
    """A NumPy array from any library's array or tensor, on any backend."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def _rows(array: Any, rows: Any) -> Any:
    """By position: a table's own index may name other rows."""
    return array.iloc[rows] if hasattr(array, "iloc") else array[rows]
