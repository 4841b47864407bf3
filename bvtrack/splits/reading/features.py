"""Convert the features of a batch to named arrays, and its targets to one array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.arrays import TEXT, as_array, printable
from bvtrack.splits.reading.kinds import are_arrays, is_anything, is_mapping, is_records, is_sparse, is_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[Any]]

FEATURES = "feature"
WIDEST_SPARSE = 1024
"""Maximum number of columns of a sparse matrix; those of a wider one are hashed into this many buckets."""


def columns_of(features: Any) -> Columns:
    """The features of a batch by name. Raises `ValueError` for columns of different lengths, or with the same name."""
    given = next(named for recognises, named in NAMED_ARRAYS if recognises(features))(features)
    found: dict[str, NDArray[Any]] = {}
    for name, values in given:
        for column, array in _split_texts(printable(str(name)), as_array(values)):
            if column in found:
                raise ValueError(f"expected columns of different names, got {column} twice")
            found[column] = array
    return _checked(found)


def column_names(table: Any) -> list[Any]:
    """The column names of a table of any library."""
    return list(getattr(table, "column_names", None) or table.columns)


NAMED_ARRAYS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Iterable[tuple[Any, Any]]]], ...] = (
    (is_table, lambda table: [(name, table[name]) for name in dict.fromkeys(column_names(table))]),
    (is_mapping, lambda columns: list(columns.items())),
    (are_arrays, lambda parts: [(f"{FEATURES} {index}", part) for index, part in enumerate(parts)]),
    (is_records, lambda records: [(name, records[name]) for name in records.dtype.names]),
    (is_sparse, lambda matrix: [(FEATURES, dense(matrix))]),
    (is_anything, lambda array: [(FEATURES, array)]),
)
"""Converters of features to pairs of a name and an array; the first whose predicate holds is used."""


def _checked(columns: dict[str, NDArray[Any]]) -> Columns:
    if not columns:
        raise ValueError("expected at least 1 column of features, got none")
    if len({len(values) for values in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(values):,}" for name, values in columns.items())
        raise ValueError(f"expected columns of one length, got {lengths}")
    for name, values in columns.items():
        if 0 in values.shape[1:]:
            raise ValueError(f"expected at least 1 value an example in {name}, got an array of shape {values.shape}")
    return columns


def _split_texts(name: str, array: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Split an array of texts `[n, k]` into columns, which may hold numbers; other arrays stay whole."""
    if array.dtype.kind not in TEXT or array.ndim == 1:
        yield name, array
        return
    if array.ndim > 2:
        raise ValueError(f"expected texts [n] or [n, k] in {name}, got an array of shape {array.shape}")
    for index in range(array.shape[1]):
        yield f"{name} {index}", as_array(array[:, index])


def target_array(targets: Any) -> NDArray[Any]:
    """Targets `[n, ...]`, texts as `[n]`. Raises `ValueError` for empty targets and for texts `[n, k]`."""
    array = as_array(dense(targets) if is_sparse(targets) else targets)
    if 0 in array.shape[1:]:
        raise ValueError(f"expected at least 1 target an example, got an array of shape {array.shape}")
    if array.dtype.kind in TEXT and array.size != len(array):
        raise ValueError(f"expected one class or name an example, or numbers [n, k], got names of shape {array.shape}")
    return array.reshape(-1) if array.dtype.kind in TEXT else array


def dense(matrix: Any) -> NDArray[Any]:
    """A sparse matrix as an array; the columns of a wide one are added, with random signs, into random buckets."""
    if len(matrix.shape) == 2 and matrix.shape[1] > WIDEST_SPARSE:
        return _in_buckets(matrix.tocoo())
    array: NDArray[Any] = matrix.toarray()
    return array


def _in_buckets(matrix: Any) -> NDArray[Any]:
    import numpy as np

    n, n_columns = matrix.shape
    generator = np.random.default_rng(0)
    signs, buckets = generator.choice([-1.0, 1.0], n_columns), generator.integers(WIDEST_SPARSE, size=n_columns)
    array: NDArray[Any] = np.zeros((n, WIDEST_SPARSE), np.result_type(matrix.data, np.float64))
    np.add.at(array, (matrix.row, buckets[matrix.col]), signs[matrix.col] * matrix.data)
    return array
