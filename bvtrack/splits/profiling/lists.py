"""Lists of different lengths by summary statistics: their length, the mean and spread of their numbers, and their items."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Number
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.arrays import is_missing, plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXT_BUCKETS = 32
"""Words and items are counted in this many buckets, by their hashes."""
LIST_COLUMNS = ("length", "mean", "spread")


def list_numbers(values: NDArray[Any]) -> NDArray[np.float32]:
    """The numbers that stand for each list of an array `[n]` of lists, perhaps nested; NaN for a missing one."""
    import zlib

    import numpy as np

    found = np.zeros((len(values), len(LIST_COLUMNS) + TEXT_BUCKETS), np.float32)
    for row, value in enumerate(values.tolist()):
        if is_missing(value):
            found[row] = np.nan
            continue
        items = list(_items(plain(value)))
        numbers = np.array([item for item in items if isinstance(item, Number) and not isinstance(item, complex)], float)
        numbers = numbers[np.isfinite(numbers)]
        of_numbers = (numbers.mean(), numbers.std()) if len(numbers) else (np.nan, np.nan)
        found[row, : len(LIST_COLUMNS)] = len(items), *of_numbers
        for item in items:
            bucket = zlib.crc32(str(item).encode(errors="replace")) % TEXT_BUCKETS
            found[row, len(LIST_COLUMNS) + bucket] += 1 / len(items)
    return found


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _items(item)
    else:
        yield value
