"""Recognise kinds of data by duck typing, without importing their libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Number
from os import PathLike
from typing import Any

NO_DATA = (str, bytes, PathLike)
"""Types that are iterable, or paths, but not data sets."""


def is_lazy_frame(data: Any) -> bool:
    """True for a lazy frame of Polars."""
    return hasattr(data, "collect") and hasattr(data, "collect_schema")


def is_sparse(data: Any) -> bool:
    """True for a sparse matrix."""
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def is_mapping(data: Any) -> bool:
    """True for a mapping of names to columns, or to an example's values."""
    return isinstance(data, Mapping)


def is_table(data: Any) -> bool:
    """True for a table of pandas, Polars or Arrow."""
    return hasattr(data, "columns") and hasattr(data, "shape")


def is_of_pandas(data: Any) -> bool:
    """True for a table or a column of pandas."""
    return hasattr(data, "iloc")


def is_of_arrow(data: Any) -> bool:
    """True for a table or a column of Arrow."""
    return hasattr(data, "to_pylist")


def is_tensor(data: Any) -> bool:
    """True for a tensor of torch, on any device."""
    return hasattr(data, "detach")


def is_dense_tensor(data: Any) -> bool:
    """True for a dense array of numbers of torch, JAX or TensorFlow, on any device; TensorFlow aborts the process if asked to
    share one of texts.
    """
    if not hasattr(data, "__dlpack__") or (is_tensor(data) and "sparse" in str(data.layout)):
        return False
    dtype = getattr(data, "dtype", None)
    name = str(getattr(dtype, "name", dtype)).removeprefix("torch.")
    return name.rstrip("0123456789") in ("int", "uint", "float", "bool", "complex")


def is_records(data: Any) -> bool:
    """True for a structured array of NumPy."""
    return bool(getattr(getattr(data, "dtype", None), "names", None))


def is_sequence(data: Any) -> bool:
    """True for a list or a tuple."""
    return isinstance(data, (list, tuple))


def are_arrays(data: Any) -> bool:
    """True for a list or tuple of arrays."""
    return is_sequence(data) and bool(data) and all(hasattr(part, "shape") for part in data)


def is_column(data: Any) -> bool:
    """True for a list of values, or of rows of values, rather than of whole examples."""
    return isinstance(data, list) and bool(data) and (data[0] is None or isinstance(data[0], (str, bytes, Number, list)))


def is_single(value: Any) -> bool:
    """True for one number or text, or a scalar array or tensor."""
    shape = getattr(value, "shape", None)
    return isinstance(value, (str, bytes, Number)) if shape is None else len(shape) == 0


def is_hugging_face(data: Any) -> bool:
    """True for a dataset of Hugging Face, which also has a shape."""
    return hasattr(data, "with_format") and hasattr(data, "column_names")


def as_arrays(dataset: Any) -> Any:
    """A dataset of Hugging Face that gives NumPy arrays. Its own formatting makes 32-bit numbers of 64-bit ones, which a stream
    cannot be told not to.
    """
    return dataset.with_format("numpy", dtype=None) if hasattr(dataset, "num_rows") else dataset.with_format("numpy")


def is_side_by_side(data: Any) -> bool:
    """True for columnar data: mappings, tables, arrays and columns."""
    return is_mapping(data) or (not is_hugging_face(data) and (is_table(data) or hasattr(data, "shape") or is_column(data)))


def is_list(data: Any) -> bool:
    """True for a list; unless it is a column, of examples."""
    return isinstance(data, list)


def is_of_tensorflow(data: Any) -> bool:
    """True for a tf.data.Dataset."""
    return hasattr(data, "element_spec")


def is_loader(data: Any) -> bool:
    """True for a DataLoader of torch."""
    return hasattr(data, "batch_sampler")


def is_of_keras(data: Any) -> bool:
    """True for a PyDataset of Keras."""
    return hasattr(data, "num_batches")


def is_in_record_batches(data: Any) -> bool:
    """True for a dataset of Arrow."""
    return hasattr(data, "to_batches")


def is_of_tensors(data: Any) -> bool:
    """True for a TensorDataset of torch."""
    return isinstance(getattr(data, "tensors", None), tuple)


def is_stream(data: Any) -> bool:
    """True for an IterableDataset of torch, which has `__getitem__` but no indices."""
    return any(base.__name__ == "IterableDataset" for base in type(data).__mro__)


def is_by_index(data: Any) -> bool:
    """True for a map-style dataset, with `__getitem__` and `__len__`."""
    has_indices = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    return has_indices and not is_stream(data) and not isinstance(data, NO_DATA)


def is_iterable(data: Any) -> bool:
    """True for an iterable of examples or batches."""
    return isinstance(data, Iterable) and not isinstance(data, NO_DATA)


def is_anything(data: Any) -> bool:
    """Always true, for the last entry of a table."""
    return True
