"""A split of whatever kind as batches of named arrays, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Number
from os import PathLike
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.arrays import TEXT, as_array, objects_of, printable, stacked
from bvtrack.splits.reading.block_sizes import ROWS_AT_ONCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[Any]]

FEATURES = "feature"
TARGET_NAMES = ("label", "labels", "target", "targets", "y")
"""Under which mappings and tables keep their targets, where none are given beside them."""
EXAMPLES_AT_ONCE = 256
WIDEST_SPARSE = 1024
"""Columns up to which a sparse matrix is read as a table; of a wider one, columns are added up into so many buckets."""


def batches(data: Any, targets: Any = None) -> Iterator[tuple[Columns, Any]]:
    """Named arrays `[n, ...]` of features, and the targets `[n, ...]` or `None`, batch by batch.

    `data` is an array, a table (of pandas, Polars, Arrow), a sparse matrix, a mapping of columns, a pair `(features, targets)`,
    or a dataset, a loader or a generator of examples or batches of these. It is read once. Without `targets`, those of a table
    or a mapping are its column `label`, `labels`, `target`, `targets` or `y`, the first that it has.

    Raises `ValueError` for what cannot be read so, for a set without examples, and for targets of another length.
    """
    if targets is None and isinstance(data, tuple) and len(data) in (2, 3):
        data, targets = data[0], data[1]
    n = 0
    for features, labels in _batches(data, targets):
        columns = columns_of(features)
        length = _length_of(columns)
        labels = None if labels is None else target_array(labels)
        if labels is not None and len(labels) != length:
            raise ValueError(f"expected one target an example, got {len(labels):,} for {length:,} examples")
        n += length
        if length:
            yield columns, labels
    if n == 0:
        raise ValueError("a split must have at least 1 example; got none (leave a missing set out)")


def columns_of(features: Any) -> Columns:
    """The features of some examples by name. Raises `ValueError` for columns of different lengths."""
    if _is_table(features):
        given = [(name, features[name]) for name in dict.fromkeys(_column_names(features))]
    elif isinstance(features, Mapping):
        given = list(features.items())
    elif isinstance(features, (list, tuple)) and features and all(hasattr(part, "shape") for part in features):
        given = [(f"{FEATURES} {index}", part) for index, part in enumerate(features)]
    elif names := getattr(getattr(features, "dtype", None), "names", None):  # records
        given = [(name, features[name]) for name in names]
    else:
        given = [(FEATURES, _dense(features) if _is_sparse(features) else features)]
    found: dict[str, NDArray[Any]] = {}
    for name, values in given:
        for column, array in _split_texts(printable(str(name)), as_array(values)):
            if column in found:
                raise ValueError(f"expected columns of different names, got {column} twice")
            found[column] = array
    return _checked(found)


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
    """An array of texts `[n, k]` as columns, each of which may hold numbers; others as they are."""
    if array.dtype.kind not in TEXT or array.ndim == 1:
        yield name, array
        return
    if array.ndim > 2:
        raise ValueError(f"expected texts [n] or [n, k] in {name}, got an array of shape {array.shape}")
    for index in range(array.shape[1]):
        yield f"{name} {index}", as_array(array[:, index])


def target_array(targets: Any) -> NDArray[Any]:
    """Targets `[n, ...]`, texts as `[n]`. Raises `ValueError` for what are no targets."""
    array = as_array(_dense(targets) if _is_sparse(targets) else targets)
    if 0 in array.shape[1:]:
        raise ValueError(f"expected at least 1 target an example, got an array of shape {array.shape}")
    if array.dtype.kind in TEXT and array.size != len(array):
        raise ValueError(f"expected one class or name an example, or numbers [n, k], got names of shape {array.shape}")
    return array.reshape(-1) if array.dtype.kind in TEXT else array


def _length_of(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _batches(data: Any, targets: Any) -> Iterator[tuple[Any, Any]]:
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):  # a lazy frame of Polars
        data = data.collect()
    if _is_sparse(data):
        yield from _slices(data.tocsr(), targets)
    elif isinstance(data, Mapping) or (
        not _is_dataset(data) and (_is_table(data) or hasattr(data, "shape") or _is_column(data))
    ):
        yield _without_target(data) if targets is None else (data, targets)
    elif isinstance(data, list):
        yield from _of_examples(data, targets)
    elif targets is not None:
        raise ValueError(f"expected the targets of a {type(data).__name__} in its batches, got them beside it")
    else:
        yield from _read(data)


def _read(data: Any) -> Iterator[tuple[Any, Any]]:
    """From a dataset, a loader or a generator."""
    if hasattr(data, "element_spec"):  # tf.data
        yield from _of_items(data)
    elif hasattr(data, "batch_sampler"):  # a DataLoader
        yield from _of_loader(data)
    elif hasattr(data, "num_batches"):  # a PyDataset of Keras
        if data.num_batches is None:
            raise ValueError(f"expected a {type(data).__name__} with a number of batches, got one without end")
        yield from map(_pair, (data[index] for index in range(data.num_batches)))
    elif _is_dataset(data):
        yield from map(_without_target, data.with_format("numpy").iter(EXAMPLES_AT_ONCE))
    elif hasattr(data, "to_batches"):  # a dataset of Arrow
        yield from map(_pair, data.to_batches())
    elif isinstance(getattr(data, "tensors", None), tuple):  # a TensorDataset
        yield _pair(data.tensors)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__") and not is_stream(data) and not isinstance(data, NO_DATA):
        yield from _of_examples(data)
    elif isinstance(data, Iterable) and not isinstance(data, NO_DATA):
        yield from _of_items(data)
    else:
        raise ValueError(f"expected arrays, a table, a dataset or a loader, got {type(data).__name__}")


NO_DATA = (str, bytes, PathLike)


def _of_loader(loader: Any) -> Iterator[tuple[Any, Any]]:
    """Of a DataLoader, whose own generator is left as it was."""
    generator = getattr(loader, "generator", None)
    state = None if generator is None else generator.get_state()
    try:
        yield from _of_items(loader)
    finally:
        if generator is not None:
            generator.set_state(state)


def _of_examples(dataset: Any, targets: Any = None) -> Iterator[tuple[Any, Any]]:
    """Of a dataset by index, a few hundred examples at once."""
    if targets is not None:
        yield _stacked_values(dataset), targets
        return
    for start in range(0, len(dataset), EXAMPLES_AT_ONCE):
        yield as_batch([dataset[index] for index in range(start, min(start + EXAMPLES_AT_ONCE, len(dataset)))])


def _of_items(items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Batches as they are, examples a few hundred at once."""
    waiting: list[Any] = []
    for item in items:
        if not _is_example(item):
            yield _pair(item)
            continue
        waiting.append(item)
        if len(waiting) == EXAMPLES_AT_ONCE:
            yield as_batch(waiting)
            waiting = []
    if waiting:
        yield as_batch(waiting)


def _is_example(item: Any) -> bool:
    if isinstance(item, Mapping):
        return any(_is_single(value) for value in item.values())
    return _is_single(item[1] if _is_pair(item) else item)


def _is_pair(item: Any) -> bool:
    """Whether it is features and targets, and maybe a weight; loaders of torch make tuples lists."""
    return (
        len(item) in (2, 3) and not _is_single(item[0]) if isinstance(item, list) else isinstance(item, tuple) and len(item) > 1
    )


def _is_single(value: Any) -> bool:
    shape = getattr(value, "shape", None)
    return isinstance(value, (str, bytes, Number)) if shape is None else len(shape) == 0


def as_batch(examples: Sequence[Any]) -> tuple[Any, Any]:
    """Examples, each of them features, a pair or a mapping, as one batch: features and targets."""
    first = examples[0]
    if isinstance(first, Mapping):
        return _without_target(_stacked_values(examples))
    if _is_pair(first):
        features, targets = (_stacked_values([one[index] for one in examples]) for index in (0, 1))
        return features, targets
    values = [one[0] if isinstance(one, tuple) else one for one in examples]
    return _stacked_values(values), None


def _stacked_values(values: Sequence[Any]) -> Any:
    if isinstance(values[0], Mapping):
        if any(value.keys() != values[0].keys() for value in values):
            raise ValueError(f"expected examples with the same names, got {', '.join(map(str, values[0]))} and others")
        return {name: _stacked_values([value[name] for value in values]) for name in values[0]}
    if any(value is None or isinstance(value, (str, bytes)) for value in values):
        return objects_of(values)
    return stacked(values)


def _pair(batch: Any) -> tuple[Any, Any]:
    if isinstance(batch, list) and batch and _is_single(batch[0]):
        return batch, None
    if isinstance(batch, (list, tuple)) and len(batch) in (2, 3):  # a third one is sample weights
        return batch[0], batch[1]
    return (batch[0], None) if isinstance(batch, (list, tuple)) and len(batch) == 1 else _without_target(batch)


def _without_target(batch: Any) -> tuple[Any, Any]:
    """The features and the targets of a mapping or a table; everything is a feature where no name is that of targets."""
    names = _names_in(batch)
    name = next((name for name in TARGET_NAMES if name in names), None)
    if name is None or len(names) == 1:
        return batch, None
    return {key: batch[key] for key in names if key != name}, batch[name]


def _names_in(batch: Any) -> list[Any]:
    """Of a mapping's arrays, a table's columns or the fields of records; none of anything else."""
    if isinstance(batch, Mapping):
        return list(batch)
    return _column_names(batch) if _is_table(batch) else list(getattr(getattr(batch, "dtype", None), "names", None) or ())


def _slices(matrix: Any, targets: Any) -> Iterator[tuple[Any, Any]]:
    labels = None if targets is None else target_array(targets)
    n = matrix.shape[0]
    if labels is not None and len(labels) != n:
        raise ValueError(f"expected one target an example, got {len(labels):,} for {n:,} examples")
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield _dense(matrix[rows]), None if labels is None else labels[rows]


def _dense(matrix: Any) -> NDArray[Any]:
    """A sparse matrix as an array; the columns of a wide one are added up, with a sign each, into buckets."""
    import numpy as np
    from scipy import sparse

    n_columns = matrix.shape[-1]
    if n_columns > WIDEST_SPARSE and len(matrix.shape) == 2:
        generator = np.random.default_rng(0)
        signs, buckets = generator.choice([-1.0, 1.0], n_columns), generator.integers(WIDEST_SPARSE, size=n_columns)
        matrix = matrix @ sparse.csr_matrix((signs, (np.arange(n_columns), buckets)), shape=(n_columns, WIDEST_SPARSE))
    dense: NDArray[Any] = matrix.toarray()
    return dense


def _is_sparse(data: Any) -> bool:
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def _is_table(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "shape")


def _is_dataset(data: Any) -> bool:
    """Whether it is a dataset of Hugging Face, which has a shape, too."""
    return hasattr(data, "with_format") and hasattr(data, "column_names")


def is_stream(data: Any) -> bool:
    """Whether it is a dataset that has no indices, though torch gives it the method."""
    return any(base.__name__ == "IterableDataset" for base in type(data).__mro__)


def _is_column(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and (data[0] is None or isinstance(data[0], (str, bytes, Number, list)))


def _column_names(table: Any) -> list[Any]:
    return list(getattr(table, "column_names", None) or table.columns)
