"""Concatenate small batches, and take examples from all over the first batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.arrays import TEXT, as_objects, family, is_all_missing
from bvtrack.splits.reading.block_sizes import ROWS_AT_ONCE, SAMPLE
from bvtrack.splits.reading.random_subset import choose_examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.reading.features import Columns

    Batch = tuple[Columns, Any]

BYTES_AT_ONCE = 1 << 25
"""Small batches are concatenated up to this size, 32 MiB."""
BYTES_HELD = 1 << 28
"""Batches held in memory until the bin edges are set, 256 MiB."""


def gathered(parts: Iterator[Batch]) -> Iterator[Batch]:
    """Concatenate small batches, to save the overhead of each."""
    waiting: list[Batch] = []
    n = size = 0
    for part in parts:
        waiting.append(part)
        n, size = n + n_of(part), size + _bytes_of(part)
        if n >= ROWS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield together(waiting)
            waiting, n, size = [], 0, 0
    if waiting:
        yield together(waiting)


def head(parts: Iterator[Batch]) -> tuple[Batch, Iterator[Batch]]:
    """A few thousand examples from all over the first batches, to set the bin edges, and an iterator over all batches."""
    read, n, size = [], 0, 0
    for part in parts:
        read.append(part)
        n, size = n + n_of(part), size + _bytes_of(part)
        if n >= SAMPLE or size >= BYTES_HELD:
            break
    some = [_some(*part, most=max(1, SAMPLE * n_of(part) // n)) for part in read]
    return together(some), itertools.chain(read, parts)


def n_of(part: Batch) -> int:
    """Number of examples in a batch."""
    return len(next(iter(part[0].values())))


def _bytes_of(part: Batch) -> int:
    return sum(values.nbytes for values in part[0].values())


def _some(columns: Columns, targets: Any, most: int) -> Batch:
    chosen = choose_examples(n_of((columns, targets)), most)
    return {name: values[chosen] for name, values in columns.items()}, None if targets is None else targets[chosen]


def together(parts: list[Batch]) -> Batch:
    """Concatenate batches. Raises `ValueError` if their columns differ."""
    if len(parts) == 1:
        return parts[0]
    names = list(parts[0][0])
    for columns, targets in parts:
        if set(columns) != set(names):
            raise ValueError(f"expected batches with the same columns, got {', '.join(names)} and then {', '.join(columns)}")
        if (targets is None) != (parts[0][1] is None):
            raise ValueError("expected targets in all batches or in none, got some with and some without")
    columns = {name: _concatenated(name, [columns[name] for columns, _ in parts]) for name in names}
    return columns, None if parts[0][1] is None else _concatenated("the targets", [targets for _, targets in parts])


def _concatenated(name: str, arrays: list[NDArray[Any]]) -> NDArray[Any]:
    import numpy as np

    if any(array.dtype.kind in TEXT for array in arrays):
        arrays = [np.full(array.shape, None, object) if is_all_missing(array) else array for array in arrays]
        arrays = arrays if len({family(array.dtype.str) for array in arrays}) == 1 else [as_objects(array) for array in arrays]
    found = sorted({(family(array.dtype.str), array.shape[1:]) for array in arrays})
    if len(found) > 1:
        kinds = ", ".join(f"{kind}s {list(shape)}" for kind, shape in (found[0], found[-1]))
        raise ValueError(f"expected batches of {name} to be of one type and shape, got {kinds}")
    return np.concatenate(arrays)
