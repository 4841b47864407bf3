"""Hashes of a split's rows that are the same whatever type a column has in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bvtrack.splits.profiling.key_columns import without
from bvtrack.splits.profiling.layout import Layout
from bvtrack.splits.profiling.row_hash import hashes_of_texts, mixed, row_hashes
from bvtrack.splits.reading.batching import n_of
from bvtrack.splits.reading.distinct import Distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.features import Columns


def hashes_of_rows(layout: Layout, columns: Columns) -> Iterator[NDArray[np.uint64]]:
    """Row hashes after casting to the reference dtypes, with all columns, and without each of the layout's sets of columns;
    where casting changes a value, the original row is hashed in too.
    """
    import numpy as np

    cast, is_changed = dict(columns), np.zeros(n_of((columns, None)), bool)
    for part in layout.parts:
        values = columns[part.name]
        if not part.is_text and values.dtype.str != part.dtype:
            cast[part.name], is_other = _as_type(values, part.dtype)
            is_changed |= is_other.reshape(len(values), -1).any(axis=1)
    originals = {name: _as_float64(values[is_changed]) for name, values in columns.items()} if is_changed.any() else {}
    texts = {part.name: hashes_of_texts(cast[part.name]) for part in layout.parts if part.is_text}
    for left_out in ((), *layout.left_out):
        hashes = row_hashes(without(layout.parts, cast, left_out), texts)
        if originals:
            hashes[is_changed] += mixed(row_hashes(without(layout.parts, originals, left_out)))
        yield hashes


def _as_type(values: NDArray[Any], dtype: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values cast to a dtype, and a mask of those that the cast changed; rounding of floats does not count."""
    import numpy as np

    with np.errstate(all="ignore"):
        if dtype[1] == "c":
            return values.astype(dtype), np.zeros(values.shape, bool)
        found = values.real.astype(dtype)
        if dtype[1] == "f":
            return found, np.isinf(found) & np.isfinite(values)
        return found, (found != values) & ~(np.isnat(values) if dtype[1] in "Mm" else False)


def _as_float64(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype("float64") if values.dtype.kind in "biuf" else values


def fingerprint_of(hashes: NDArray[np.uint64], classes: Distinct | None, quantities: NDArray[Any] | None) -> int:
    """Sum of the hashes of all examples with their targets, which are classes or else quantities; the same in any order."""
    if classes is not None:
        of_targets = classes.of_each(row_hashes({"target": classes.values}))
    elif quantities is not None:
        of_targets = row_hashes({"target": quantities})
    else:
        return int(mixed(hashes).sum(dtype="uint64"))
    return int(mixed(mixed(hashes) + of_targets).sum(dtype="uint64"))
