"""The data that a user hands to the callback: arrays, with or without sample weights, or anything that `evaluate` takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from typing import Any

import numpy as np

from bvtrack.adapters import SplitSample, SplitSource, choose_examples, is_same
from bvtrack_keras.arrays import arrays_in, as_array, by_rows, is_array, n_rows, take_rows
from bvtrack_keras.framework import keras
from bvtrack_keras.state import preserve_generators
from bvtrack_keras.unshuffled import is_tf_dataset, unshuffled

BATCH = 32
"""Keras' default batch size."""
ENDLESS = -1
"""`tf.data.INFINITE_CARDINALITY`."""


@dataclass(frozen=True)
class EvaluationData:
    """The arguments of `model.evaluate`: `x` and, unless `x` yields them, `y` and the sample weights; `n` examples, if that is
    known. `given` is the user's own object. A copy of a callback reads the same data.
    """

    x: Any
    y: Any = None
    weights: Any = None
    n: int | None = None
    given: Any = None
    is_arrays: bool = False

    def __deepcopy__(self, memo: Any) -> EvaluationData:
        return self

    @classmethod
    def of(cls, name: str, data: Any) -> EvaluationData:
        """From `(x, y)` or `(x, y, sample_weight)`, where each may be a structure of arrays, from `x` alone for a model that
        has no targets, or from a dataset or loader of batches.

        Raises `ValueError` for arrays that differ in length, are empty, or give no rows.
        """
        if isinstance(data, Iterator):
            raise ValueError(f"{name} must be a pair (x, y) or a dataset that can be read anew; got {type(data).__name__}")
        if isinstance(data, keras.utils.PyDataset):
            return cls(WithoutEpochHooks(data), given=data)
        if is_tf_dataset(data):
            return cls(unshuffled(name, data), given=data)
        if isinstance(data, tuple) or _holds_arrays(data):
            parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
            return cls._of_arrays(name, parts)
        drawn = [getattr(data, name, None) for name in ("sampler", "dataset")]
        return cls(data, n=min((len(one) for one in drawn if isinstance(one, Sized)), default=None), given=data)

    @classmethod
    def _of_arrays(cls, name: str, parts: tuple[Any, ...]) -> EvaluationData:
        if len(parts) not in (1, 2, 3):
            raise ValueError(f"{name} must be (x, y), (x, y, sample_weight) or a dataset; got a tuple of {len(parts)}")
        if not all(map(is_array, arrays_in(parts))) or not arrays_in(parts):
            kinds = " and ".join(type(part).__name__ for part in parts)
            raise ValueError(f"{name} must be a pair (x, y) of arrays, or (x, y, sample_weight); got {kinds}")
        lengths = {n_rows(array) for array in arrays_in(parts)}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(f"{name} must hold equally many examples in x and y, at least 1; got {sorted(lengths)}")
        parts = keras.tree.map_structure(by_rows, parts)
        try:
            take_rows(parts, np.array([0]))
        except Exception as error:
            kinds = ", ".join(sorted({type(array).__name__ for array in arrays_in(parts)}))
            raise ValueError(
                f"{name} must hold arrays whose rows can be taken by their indices; got {kinds} ({type(error).__name__}): "
                "pass them as a dataset of batches"
            ) from error
        x, y, weights = (*parts, None, None)[:3]
        return cls(x, y, weights, lengths.pop(), parts, is_arrays=True)

    @property
    def targets(self) -> Any:
        """The targets, where they are one array in memory."""
        return self.y if hasattr(self.y, "shape") else None

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

    @property
    def n_batches(self) -> float | None:
        """Number of batches of a dataset or loader, infinite for one that has no end; `None` where it is not known."""
        if self.is_arrays and self.n is not None:
            return math.ceil(self.n / BATCH)
        if isinstance(self.x, WithoutEpochHooks):
            return math.inf if self.x.num_batches is None else self.x.num_batches
        if is_tf_dataset(self.x):
            n = int(self.x.cardinality())
            return math.inf if n == ENDLESS else None if n < 0 else n
        try:
            return len(self.x)
        except TypeError:  # a loader of a stream has a __len__ too
            return None

    def batches(self, most: int | None = None) -> Iterator[tuple[Any, Any]]:
        """Inputs and targets, arrays of NumPy, batch by batch, at most so many."""
        for batch in islice(self._read(), most):
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
            yield keras.tree.map_structure(as_array, (x, y))

    def differs_when_read_again(self) -> bool:
        """True if the data are augmented: read a second time, the first example (of a `tf.data` pipeline the first batch) has
        other inputs, but the same targets. Arrays are not read.
        """
        if self.is_arrays:
            return False
        with preserve_generators(self.source):
            (x, y, _), (x_again, y_again, _) = self._first_read(), self._first_read()
        return is_same(y, y_again) and not is_same(x, x_again)

    def are_weighted(self) -> bool:
        """True if the examples have sample weights. Of a dataset the first batch is read to tell, of a loader an example."""
        if self.is_arrays:
            return self.weights is not None
        if hasattr(self.x, "element_spec"):
            return isinstance(self.x.element_spec, tuple) and len(self.x.element_spec) == 3
        with preserve_generators(self.source):
            return self._first_read()[2] is not None

    def some(self, most: int) -> EvaluationData | None:
        """At most `most` examples as arrays: of a dataset or loader the first batch; `None` for a batch that gives none."""
        if self.is_arrays:
            return self.part(most)
        with preserve_generators(self.source):
            batch = next(self._read())
        try:
            return self.of("a batch", tuple(batch)).first(most)
        except (TypeError, ValueError):
            return None

    @property
    def source(self) -> Any:
        """The user's own object, as far as one is read."""
        return self.x if self.given is None else self.given

    def _first_read(self) -> tuple[Any, Any, Any]:
        dataset = getattr(self.x, "dataset", None)
        by_index = self.x if isinstance(self.x, WithoutEpochHooks) else dataset if hasattr(dataset, "__getitem__") else None
        parts = keras.utils.unpack_x_y_sample_weight(next(self._read()) if by_index is None else by_index[0])
        read = keras.tree.map_structure(lambda values: None if values is None else np.array(as_array(values)), parts)
        return read[0], read[1], read[2]

    def _read(self) -> Iterator[Any]:
        if self.is_arrays and self.n is not None:
            parts = (self._of_rows(slice(start, start + BATCH)) for start in range(0, self.n, BATCH))
            return ((part.x, part.y) for part in parts)
        if isinstance(self.x, WithoutEpochHooks):
            return (self.x[index] for index in (count() if self.x.num_batches is None else range(self.x.num_batches)))
        return iter(self.x)

    def _of_rows(self, rows: Any) -> EvaluationData:
        x, y, weights = parts = take_rows((self.x, self.y, self.weights), rows)
        return replace(self, x=x, y=y, weights=weights, n=n_rows(arrays_in(parts)[0]), given=None)

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
        return SplitSample(self.n, self.x, self.targets)

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


def _holds_arrays(data: Any) -> bool:
    """True for an array, or for a list or mapping of arrays, rather than a dataset or loader of batches."""
    return is_array(data) or (isinstance(data, (list, Mapping)) and bool(data) and all(map(is_array, arrays_in(data))))
