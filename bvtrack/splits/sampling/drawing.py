"""Some examples of a split that is at hand: drawn at random, the same each time, as many as a training may read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.arrays import TEXT
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import n_of, together
from bvtrack.splits.reading.file_rows import is_mapped
from bvtrack.splits.reading.kinds import is_of_pandas, is_sparse, is_tensor
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.reading.rows import rows_at
from bvtrack.splits.sampling.allowance import MOST_BYTES, MOST_FILE_BYTES, MOST_READ, Allowance, bytes_of
from bvtrack.splits.sampling.sample import SplitSample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.batching import Batch

ROW_FORMATS = ("csr", "lil")
"""Sparse matrices that give some of their rows without looking at all."""
ROWS_OF_A_TABLE = 64
"""What is read first of a table of pandas, of which one row takes as long as many."""
BYTES_A_COLUMN = 16
"""What a wide sparse matrix takes to be read, for each of its columns."""


def drawn(sample: SplitSample) -> SplitSample:
    """A sample of what a split holds: at most 10,000 examples, and no more of them than there is time and room for.

    Where they cannot be read, its `problem` says why. `all_targets` are kept aside.
    """
    if sample.n_read <= MOST_READ and _is_little(sample.features, sample.targets):
        return sample
    try:
        with preserve_random_states():
            columns, targets = _drawn(_by_rows(sample.features), sample.targets, sample.n_read)
    except Exception as error:  # arrays of any library may raise anything
        return replace(
            sample, features=None, targets=None, problem=str(error) if isinstance(error, ValueError) else repr(error)
        )
    return SplitSample(sample.n, columns, targets, all_targets=sample.targets)


def _drawn(features: Any, targets: Any, n: int) -> Batch:
    """Raises `ValueError` for what cannot be read, is of another length than its targets, or is too large."""
    if targets is not None and len(targets) != n:
        raise ValueError(f"expected one target an example, got {len(targets):,} for {n:,} examples")
    order, parts = choose_examples(n, MOST_READ), _parts_of(features, targets)
    are_plain = all(map(_is_plain, parts))
    most = MOST_BYTES if are_plain else MOST_FILE_BYTES
    n_bytes = _bytes_each(parts)
    if n_bytes > most:
        raise ValueError(f"expected examples of {most:,} bytes at most to read before a training, got one of {n_bytes:,}")
    return _read(features, targets, order[: most // n_bytes]) if are_plain else _drawn_by_price(features, targets, order)


def _drawn_by_price(features: Any, targets: Any, order: NDArray[np.int64]) -> Batch:
    """Of what has a price that is not known before some of it has been read."""
    first = ROWS_OF_A_TABLE if is_of_pandas(features) else 1
    allowance = Allowance(MOST_FILE_BYTES, len(order), first, watches_memory=True)
    parts: list[Batch] = []
    while size := allowance.more:
        parts.append(_read(features, targets, order[allowance.n_read :][:size]))
        allowance.spend(n_of(parts[-1]), bytes_of(list(parts[-1][0].values())) + bytes_of(parts[-1][1]))
    try:
        return together(parts)
    except ValueError:  # of a column of objects, one part may hold numbers alone and another one texts
        return _read(features, targets, order[: allowance.n_read])


def _read(features: Any, targets: Any, chosen: NDArray[np.int64]) -> Batch:
    """These examples, in the order in which they are stored, which files are read fastest in."""
    import numpy as np

    chosen = np.sort(chosen)
    return together(list(batches(rows_at(features, chosen), None if targets is None else rows_at(targets, chosen))))


def _is_little(features: Any, targets: Any) -> bool:
    """Whether these are in memory, and all of them may be read."""
    parts = _parts_of(features, targets)
    are_in_memory = all(map(_is_in_memory, parts))
    return are_in_memory and sum(map(_bytes_of, parts)) <= (MOST_BYTES if all(map(_is_plain, parts)) else MOST_FILE_BYTES)


def _is_in_memory(part: Any) -> bool:
    """Whether this is an array that no file is mapped into, a table or column of pandas, a tensor, or a sparse matrix."""
    import numpy as np

    if isinstance(part, np.ndarray):
        return not is_mapped(part)
    return is_of_pandas(part) or is_tensor(part) or hasattr(part, "nnz")


def _bytes_of(part: Any) -> int:
    """What an array takes when it is read; where that is little by its shape, with its texts."""
    n_bytes: int = math.prod(part.shape) * getattr(getattr(part, "dtype", None), "itemsize", 8)
    if n_bytes <= MOST_FILE_BYTES and is_of_pandas(part):
        usage = part.memory_usage(index=False, deep=True)
        n_bytes = int(usage if part.ndim == 1 else usage.sum())
    elif n_bytes <= MOST_FILE_BYTES and getattr(part.dtype, "hasobject", False):
        n_bytes = bytes_of(part)
    return n_bytes


def _is_plain(part: Any) -> bool:
    """Whether this is an array of numbers, in memory: it is known what its rows take, and that they are quickly read."""
    import numpy as np

    return isinstance(part, np.ndarray) and part.dtype.kind not in TEXT and not part.dtype.hasobject and not is_mapped(part)


def _bytes_each(parts: list[Any]) -> int:
    """What an example takes, as far as shapes and types tell, at least 1."""
    n_bytes = 1
    for part in parts:
        itemsize = getattr(getattr(part, "dtype", None), "itemsize", None)
        if itemsize is not None and hasattr(part, "shape") and not hasattr(part, "nnz"):
            n_bytes += itemsize * math.prod(part.shape[1:])
    return n_bytes


def _parts_of(features: Any, targets: Any) -> list[Any]:
    parts = list(features.values()) if isinstance(features, Mapping) else [features]
    return parts if targets is None else [*parts, targets]


def _by_rows(features: Any) -> Any:
    """The same in a form that gives its rows. Raises `ValueError` where that would take all of it."""
    if not is_sparse(features):
        return features
    stored = features.nnz * (features.dtype.itemsize + 8)
    if features.format not in ROW_FORMATS and stored > MOST_FILE_BYTES:
        raise ValueError(
            f"expected a sparse matrix that is stored by rows, got one of the format {features.format!r} with {features.nnz:,} "
            "values: pass it on as .tocsr()"
        )
    if BYTES_A_COLUMN * features.shape[-1] > MOST_BYTES:
        raise ValueError(f"expected a sparse matrix of {MOST_BYTES // BYTES_A_COLUMN:,} columns at most, got one of more")
    return features if features.format in ROW_FORMATS else features.tocsr()
