"""Detects augmentation: examples that differ when they are read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_same(once: Any, again: Any) -> bool:
    """True if two readings are equal: arrays, tensors, strings or images, or lists and mappings of these. Other objects, which
    may be made anew each time, are not compared.

    >>> is_same({"x": [1, 2]}, {"x": [1, 2]}), is_same(([1.0], "a"), ([1.5], "a"))
    (True, False)
    """
    import numpy as np

    pairs = zip_longest(_arrays_in(once), _arrays_in(again), fillvalue=np.empty(0))
    return all(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc") for one, other in pairs)


def _arrays_in(values: Any) -> Iterator[NDArray[Any]]:
    import numpy as np

    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, (list, tuple)):
        for part in values:
            yield from _arrays_in(part)
    elif (array := np.asarray(values)).dtype.kind != "O":
        yield array
