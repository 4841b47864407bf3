"""A split of whatever kind as batches of named arrays, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[Any]]

FEATURES = "feature"
TARGET_NAMES = ("label", "labels", "target", "targets", "y")
"""Under which batches that are mappings keep their targets."""
ROWS_AT_ONCE = 8192
EXAMPLES_AT_ONCE = 256
WIDEST_SPARSE = 1024
"""Columns up to which a sparse matrix is read as a table; of a wider one, columns are added up into so many buckets."""


def batches(data: Any, targets: Any = None) -> Iterator[tuple[Columns, Any]]:
    """Named arrays `[n, ...]` of features, and the targets `[n, ...]` or `None`, batch by batch.

    `data` is an array, a table (of pandas, Polars, Arrow), a sparse matrix, a mapping of columns, a pair `(features, targets)`,
    or a dataset, a loader or a generator of examples or batches of these. It is read once.

    Raises `ValueError` for what cannot be read so, for a set without examples, and for targets of another length.
    """
    if targets is None and isinstance(data, tuple) and len(data) in (2, 3):
        data, targets = data[0], data[1]
    n = 0
    for features, labels in _batches(data, targets):
        columns = columns_of(features)
        length = _length_of(columns)
        labels = None if labels is None else as_array(labels)
        if labels is not None and len(labels) != length:
            raise ValueError(f"expected one target an example, got {len(labels):,} for {length:,} examples")
        n += length
        if length:
            yield columns, labels
    if n == 0:
        raise ValueError("a split must have at least 1 example; got none (leave a missing set out)")


def as_array(values: Any) -> NDArray[Any]:
    """An array of NumPy, from any library's array, tensor or column.

    Raises `ValueError` for what is no array of one shape.
    """
    import numpy as np

    if hasattr(values, "detach"):  # a tensor of torch, on whatever device
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"expected arrays whose rows have one shape, got {type(values).__name__} ({error})") from error
    return array if array.ndim else array[None]


def columns_of(features: Any) -> Columns:
    """The features of some examples by name. Raises `ValueError` for columns of different lengths."""
    if _is_table(features):
        return {str(name): as_array(features[name]) for name in _column_names(features)}
    if isinstance(features, Mapping):
        found = {str(name): as_array(values) for name, values in features.items()}
    elif isinstance(features, (list, tuple)) and features and all(hasattr(part, "shape") for part in features):
        found = {f"{FEATURES} {index}": as_array(part) for index, part in enumerate(features)}
    else:
        found = {FEATURES: as_array(_dense(features) if _is_sparse(features) else features)}
    if len({len(values) for values in found.values()}) > 1:
        lengths = ", ".join(f"{name} {len(values):,}" for name, values in found.items())
        raise ValueError(f"expected columns of one length, got {lengths}")
    return found


def _length_of(columns: Columns) -> int:
    return len(next(iter(columns.values()))) if columns else 0


def _batches(data: Any, targets: Any) -> Iterator[tuple[Any, Any]]:
    if _is_sparse(data):
        yield from _slices(data.tocsr(), targets)
    elif isinstance(data, Mapping):
        yield _without_target(data) if targets is None else (data, targets)
    elif _is_table(data) or hasattr(data, "shape") or _is_column(data):
        yield data, targets
    elif hasattr(data, "element_spec") or hasattr(data, "batch_sampler"):  # tf.data, a DataLoader
        yield from map(_pair, data)
    elif hasattr(data, "num_batches"):  # a PyDataset of Keras
        yield from map(_pair, (data[index] for index in range(data.num_batches)))
    elif hasattr(data, "with_format") and hasattr(data, "column_names"):  # a dataset of Hugging Face
        for batch in data.with_format("numpy").iter(ROWS_AT_ONCE):
            yield _without_target(batch)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        yield from _of_examples(data)
    elif isinstance(data, Iterable):
        yield from map(_pair, data)
    else:
        raise ValueError(f"expected arrays, a table, a dataset or a loader, got {type(data).__name__}")


def _of_examples(dataset: Any) -> Iterator[tuple[Any, Any]]:
    """Of a dataset by index, a few hundred examples at once."""
    for start in range(0, len(dataset), EXAMPLES_AT_ONCE):
        yield _stacked([dataset[index] for index in range(start, min(start + EXAMPLES_AT_ONCE, len(dataset)))])


def _stacked(examples: Sequence[Any]) -> tuple[Any, Any]:
    """Examples, each of them features, a pair or a mapping, as one batch."""
    import numpy as np

    first = examples[0]
    if isinstance(first, Mapping):
        return _without_target({name: np.stack([as_array(one[name])[()] for one in examples]) for name in first})
    if isinstance(first, tuple) and len(first) >= 2:
        features, targets = (_stacked_values([one[index] for one in examples]) for index in (0, 1))
        return features, targets
    values = [one[0] if isinstance(one, tuple) else one for one in examples]
    return _stacked_values(values), None


def _stacked_values(values: Sequence[Any]) -> Any:
    import numpy as np

    if isinstance(values[0], (str, bytes)):
        return np.array(values, dtype=object)
    if isinstance(values[0], Mapping):
        return {name: _stacked_values([value[name] for value in values]) for name in values[0]}
    arrays = [np.asarray(value.detach().cpu() if hasattr(value, "detach") else value) for value in values]
    if len({array.shape for array in arrays}) > 1:
        shapes = sorted({str(array.shape) for array in arrays})
        raise ValueError(f"expected examples of one shape, got {', '.join(shapes[:3])}; resize them first")
    return np.stack(arrays)


def _pair(batch: Any) -> tuple[Any, Any]:
    if isinstance(batch, Mapping):
        return _without_target(batch)
    if isinstance(batch, (list, tuple)) and len(batch) in (2, 3):  # a third one is sample weights
        return batch[0], batch[1]
    return (batch[0], None) if isinstance(batch, (list, tuple)) and len(batch) == 1 else (batch, None)


def _without_target(batch: Mapping[str, Any]) -> tuple[Any, Any]:
    """The features and the targets of a mapping; everything is a feature where no name is that of targets."""
    name = next((name for name in TARGET_NAMES if name in batch), None)
    if name is None or len(batch) == 1:
        return batch, None
    return {key: values for key, values in batch.items() if key != name}, batch[name]


def _slices(matrix: Any, targets: Any) -> Iterator[tuple[Any, Any]]:
    labels = None if targets is None else as_array(targets)
    for start in range(0, matrix.shape[0], ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield _dense(matrix[rows]), None if labels is None else labels[rows]


def _dense(matrix: Any) -> NDArray[Any]:
    """A sparse matrix as an array; the columns of a wide one are added up, with a sign each, into buckets."""
    import numpy as np
    from scipy import sparse

    n_columns = matrix.shape[1]
    if n_columns > WIDEST_SPARSE:
        generator = np.random.default_rng(0)
        signs, buckets = generator.choice([-1.0, 1.0], n_columns), generator.integers(WIDEST_SPARSE, size=n_columns)
        matrix = matrix @ sparse.csr_matrix((signs, (np.arange(n_columns), buckets)), shape=(n_columns, WIDEST_SPARSE))
    dense: NDArray[Any] = matrix.toarray()
    return dense


def _is_sparse(data: Any) -> bool:
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def _is_table(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "shape")


def _is_column(data: Any) -> bool:
    return isinstance(data, (list,)) and bool(data) and isinstance(data[0], (str, int, float, bool))


def _column_names(table: Any) -> list[Any]:
    return list(getattr(table, "column_names", None) or table.columns)
