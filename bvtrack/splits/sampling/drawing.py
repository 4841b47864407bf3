"""A random sample of a split of arrays or tables, the same each time, within the budget for reading."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.arrays import TEXT
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import n_of, together
from bvtrack.splits.reading.kinds import is_dense_tensor, is_of_pandas, is_sparse, is_tensor
from bvtrack.splits.reading.mapped import is_mapped
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.reading.rows import rows_at
from bvtrack.splits.sampling.allowance import MOST_BYTES, MOST_FILE_BYTES, MOST_READ, Allowance, bytes_of
from bvtrack.splits.sampling.sample import SplitSample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.batching import Batch

ROW_FORMATS = ("csr", "lil")
"""Formats of sparse matrices that can be sliced by row without a full scan."""
ROWS_OF_A_TABLE = 64
"""Rows of a pandas table read first: reading one takes as long as reading many."""
BYTES_A_COLUMN = 16
"""Bytes per column that reading a wide sparse matrix takes."""


def drawn(sample: SplitSample) -> SplitSample:
    """A sample of a split: at most 10,000 examples, and no more than time and memory allow.

    If they cannot be read, its `problem` says why. `all_targets` are kept.
    """
    look = partial(_look, sample.features)
    if sample.n_read <= MOST_READ and _is_small(sample.features, sample.targets):
        return replace(sample, look=look)
    try:
        with preserve_random_states():
            rows, (columns, targets) = _drawn(_by_rows(sample.features), sample.targets, sample.n_read)
    except Exception as error:  # any library's arrays may raise anything
        return replace(
            sample, features=None, targets=None, problem=str(error) if isinstance(error, ValueError) else repr(error)
        )
    return SplitSample(sample.n, columns, targets, all_targets=sample.targets, rows=rows.tolist(), look=look)


def _look(features: Any, rows: Sequence[int]) -> Any:
    """The features of the examples with these numbers, in this order."""
    import numpy as np

    ordered, places = np.unique(np.asarray(rows), return_inverse=True)
    columns, _ = together(list(batches(rows_at(features, ordered))))
    return {name: values[places] for name, values in columns.items()}


def _drawn(features: Any, targets: Any, n: int) -> tuple[NDArray[np.int64], Batch]:
    """The numbers of the sampled examples, and their features and targets. Raises `ValueError` if they cannot be read, differ
    in length, or are too large.
    """
    import numpy as np

    if targets is not None and len(targets) != n:
        raise ValueError(f"expected one target an example, got {len(targets):,} for {n:,} examples")
    order, parts = choose_examples(n, MOST_READ), _parts_of(features, targets)
    are_plain = all(map(_is_plain, parts))
    most = MOST_BYTES if are_plain else MOST_FILE_BYTES
    n_bytes = _bytes_each(parts)
    if n_bytes > most:
        raise ValueError(f"expected examples of {most:,} bytes at most to read before a training, got one of {n_bytes:,}")
    if not are_plain:
        return _drawn_within_budget(features, targets, order)
    chosen = order[: most // n_bytes]
    return np.sort(chosen), _read(features, targets, chosen)


def _drawn_within_budget(features: Any, targets: Any, order: NDArray[np.int64]) -> tuple[NDArray[np.int64], Batch]:
    """A sample of data whose cost per example is not known before some have been read."""
    import numpy as np

    first = ROWS_OF_A_TABLE if is_of_pandas(features) else 1
    allowance = Allowance(MOST_FILE_BYTES, len(order), first, watches_memory=True)
    parts: list[Batch] = []
    rows: list[NDArray[np.int64]] = []
    while size := allowance.more:
        rows.append(np.sort(order[allowance.n_read :][:size]))
        parts.append(_read(features, targets, rows[-1]))
        allowance.spend(n_of(parts[-1]), bytes_of(list(parts[-1][0].values())) + bytes_of(parts[-1][1]))
    try:
        return np.concatenate(rows), together(parts)
    except ValueError:  # one part of an object column may hold only numbers, another texts
        chosen = order[: allowance.n_read]
        return np.sort(chosen), _read(features, targets, chosen)


def _read(features: Any, targets: Any, chosen: NDArray[np.int64]) -> Batch:
    """These examples in storage order, in which files are read fastest."""
    import numpy as np

    chosen = np.sort(chosen)
    return together(list(batches(rows_at(features, chosen), None if targets is None else rows_at(targets, chosen))))


def _is_small(features: Any, targets: Any) -> bool:
    """True for data in memory that is small enough to be used whole."""
    parts = _parts_of(features, targets)
    are_in_memory = all(map(_is_in_memory, parts))
    return are_in_memory and sum(map(_bytes_of, parts)) <= (MOST_BYTES if all(map(_is_plain, parts)) else MOST_FILE_BYTES)


def _is_in_memory(part: Any) -> bool:
    """True for an array or a tensor that is not memory-mapped, a table or column of pandas, or a sparse matrix."""
    import numpy as np

    if isinstance(part, np.ndarray) or is_tensor(part):
        return not is_mapped(part)
    return is_of_pandas(part) or hasattr(part, "nnz")


def _bytes_of(part: Any) -> int:
    """Bytes that an array takes when read; if small by its shape, including its texts."""
    n_bytes: int = math.prod(part.shape) * getattr(getattr(part, "dtype", None), "itemsize", 8)
    if n_bytes <= MOST_FILE_BYTES and is_of_pandas(part):
        usage = part.memory_usage(index=False, deep=True)
        n_bytes = int(usage if part.ndim == 1 else usage.sum())
    elif n_bytes <= MOST_FILE_BYTES and getattr(part.dtype, "hasobject", False):
        n_bytes = bytes_of(part)
    return n_bytes


def _is_plain(part: Any) -> bool:
    """True for an in-memory array of numbers, whose rows have a known size and are read quickly."""
    import numpy as np

    if not isinstance(part, np.ndarray):
        return is_dense_tensor(part) and not is_mapped(part)
    return part.dtype.kind not in TEXT and not part.dtype.hasobject and not is_mapped(part)


def _bytes_each(parts: list[Any]) -> int:
    """Bytes of an example as far as shapes and dtypes tell, at least 1."""
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
    """The features in a form that can be sliced by row. Raises `ValueError` if that would mean converting too much."""
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
