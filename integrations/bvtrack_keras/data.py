"""The data that a user hands to the callback: pairs of arrays, or anything that `model.evaluate` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

from bvtrack import MOST_READ, SplitSample, TrainEval, choose_examples, train_eval_size
from bvtrack_keras.framework import keras


@dataclass(frozen=True)
class EvaluationData:
    """What is passed to `model.evaluate`: `x` and, unless `x` yields both, `y`; `n` examples, where that can be known."""

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
            return cls(Untold(data), None, None)
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
        indices = choose_examples(self.n, most)
        x, y = keras.tree.map_structure(lambda array: _rows(array, indices), (self.x, self.y))
        return EvaluationData(x, y, len(indices))

    def sample(self) -> SplitSample | None:
        """The split for `Tracker.log_split`: examples to compare where `x` is one array; `None` where nothing is known."""
        if self.n is None:
            return None
        if not (self.is_arrays and hasattr(self.x, "shape") and hasattr(self.y, "shape")):
            return SplitSample(self.n)
        read = self.part(MOST_READ)
        return SplitSample(self.n, _as_array(read.x), _as_array(read.y))


class Untold(keras.utils.PyDataset):  # type: ignore[misc]
    """A user's dataset, read without its being told of epochs that are not the training's."""

    def __init__(self, dataset: Any) -> None:
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self._dataset = dataset

    @property
    def num_batches(self) -> int | None:
        batches: int | None = self._dataset.num_batches
        return batches

    def __getitem__(self, index: int) -> Any:
        return self._dataset[index]


def train_subset(train: EvaluationData, dev: EvaluationData | None, train_eval: TrainEval) -> EvaluationData | None:
    """The part of the training data that the train error is measured on; `None` where the running average is asked for."""
    if train.n is None:
        return None if train_eval == "running" else train
    n = train_eval_size(train.n, dev.n if dev else None, train_eval)
    return train.part(n) if n else None


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    return np.asarray(keras.ops.convert_to_numpy(values))


def _rows(array: Any, indices: Any) -> Any:
    """By position: a table's own index may name other rows."""
    return array.iloc[indices] if hasattr(array, "iloc") else array[indices]
