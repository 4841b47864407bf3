"""The sets that an estimator is fitted and measured on: pairs of features and targets, of any kind that it takes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from bvtrack.splits.reading.random_subset import choose_examples


class Pair(NamedTuple):
    """Features `[n, ...]` (an array, a DataFrame, a sparse matrix, a list) and their targets `[n]` or `[n, n_outputs]`."""

    x: Any
    y: Any

    @classmethod
    def of(cls, name: str, data: Any) -> Pair:
        """From what was given for a set. Raises `ValueError` for what is no such pair, or of unequal lengths, or empty.

        >>> Pair.of("dev", ([[1.0], [2.0]], [0]))
        Traceback (most recent call last):
        ValueError: dev must be a pair (x, y) of equal lengths, 1 example at least; got 2 and 1 examples
        """
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise ValueError(f"{name} must be a pair (x, y) of features and targets; got {_kind_of(data)}")
        pair = cls(data[0], _as_array(data[1]))
        if pair.x is None or pair.y is None:
            raise ValueError(f"{name} must be a pair (x, y) of features and targets; got None for one of them")
        n_x, n_y = length_of(pair.x), length_of(pair.y)
        if n_x != n_y or not n_x:
            raise ValueError(
                f"{name} must be a pair (x, y) of equal lengths, 1 example at least; got {n_x:,} and {n_y:,} examples"
            )
        return pair

    @classmethod
    def named(cls, **given: Any) -> dict[Any, Pair]:
        """By name, the sets that were given, and not those that are `None`. Raises `ValueError` as `of` does."""
        return {name: cls.of(name, data) for name, data in given.items() if data is not None}

    @property
    def n(self) -> int:
        """The number of examples."""
        return length_of(self.x)

    def some(self, most: int) -> Pair:
        """At most so many examples, drawn at random, the same each time, in their own order."""
        if self.n <= most:
            return self
        return self.take(sorted(choose_examples(self.n, most)))

    def take(self, rows: Any) -> Pair:
        """The examples of these rows, copied."""
        from sklearn.utils import _safe_indexing

        return Pair(_safe_indexing(self.x, rows), _safe_indexing(self.y, rows))


def _as_array(targets: Any) -> Any:
    """Targets in a list as an array, by which their scale is known; anything else, and lists of different lengths, as it is."""
    import numpy as np

    with suppress(ValueError):
        return np.asarray(targets) if isinstance(targets, list) else targets
    return targets


def length_of(data: Any) -> int:
    """The number of examples. Raises `ValueError` for what has no length."""
    shape = getattr(data, "shape", None)
    if not shape and not hasattr(data, "__len__"):
        raise ValueError(f"expected features and targets with one entry for each example; got {type(data).__name__}")
    return int(shape[0]) if shape else len(data)


def _kind_of(data: Any) -> str:
    return f"{len(data)} of them" if isinstance(data, (tuple, list)) else type(data).__name__
