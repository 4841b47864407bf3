"""Read a split of any kind in one pass, as batches of named arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.features import columns_of, target_array
from bvtrack.splits.reading.kinds import are_arrays, is_mapping
from bvtrack.splits.reading.readers import read

if TYPE_CHECKING:
    from bvtrack.splits.reading.features import Columns


def batches(data: Any, targets: Any = None) -> Iterator[tuple[Columns, Any]]:
    """Named arrays `[n, ...]` of features, and the targets `[n, ...]` or `None`, batch by batch.

    `data` is an array, a table (of pandas, Polars, Arrow), a sparse matrix, a mapping of columns, a pair `(features, targets)`,
    or a dataset, a loader or a generator of examples or batches of these. It is read once. Without `targets`, those of a table
    or a mapping are its column `label`, `labels`, `target`, `targets` or `y`, the first that it has. Several arrays of targets,
    those of a model of several outputs, are none.

    Raises `ValueError` for unsupported data, for a set without examples, and for targets of another length.
    """
    if targets is None and isinstance(data, tuple) and len(data) in (2, 3):
        data, targets = data[0], data[1]
    n = 0
    for features, labels in read(data, targets):
        columns = columns_of(features)
        length = len(next(iter(columns.values())))
        labels = None if labels is None or _are_several(labels, length) else target_array(labels)
        if labels is not None and len(labels) != length:
            raise ValueError(f"expected one target an example, got {len(labels):,} for {length:,} examples")
        n += length
        if length:
            yield columns, labels
    if n == 0:
        raise ValueError("a split must have at least 1 example; got none (leave a missing set out)")


def _are_several(targets: Any, n: int) -> bool:
    """True for arrays of targets `[n, ...]` side by side, False for a list of the targets of `n` examples."""
    return is_mapping(targets) or (are_arrays(targets) and len(targets) != n)
