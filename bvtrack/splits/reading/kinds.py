"""What a set, or a part of one, is by what it has and can do: no library is imported to tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Number
from os import PathLike
from typing import Any

NO_DATA = (str, bytes, PathLike)
"""What could be iterated over, or opened, and is no set."""


def is_lazy_frame(data: Any) -> bool:
    """Whether it is a lazy frame of Polars."""
    return hasattr(data, "collect") and hasattr(data, "collect_schema")


def is_sparse(data: Any) -> bool:
    """Whether it is a sparse matrix."""
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def is_mapping(data: Any) -> bool:
    """Whether it holds columns, or examples' values, by name."""
    return isinstance(data, Mapping)


def is_table(data: Any) -> bool:
    """Whether it is a table of pandas, Polars or Arrow."""
    return hasattr(data, "columns") and hasattr(data, "shape")


def is_of_pandas(data: Any) -> bool:
    """Whether it is a table or a column of pandas."""
    return hasattr(data, "iloc")


def is_of_arrow(data: Any) -> bool:
    """Whether it is a table or a column of Arrow."""
    return hasattr(data, "to_pylist")


def is_tensor(data: Any) -> bool:
    """Whether it is a tensor of torch, on whatever device."""
    return hasattr(data, "detach")


def is_records(data: Any) -> bool:
    """Whether it is an array of records of NumPy."""
    return bool(getattr(getattr(data, "dtype", None), "names", None))


def is_sequence(data: Any) -> bool:
    """Whether it is a list or a tuple."""
    return isinstance(data, (list, tuple))


def are_arrays(data: Any) -> bool:
    """Whether it is a list or tuple of arrays side by side."""
    return is_sequence(data) and bool(data) and all(hasattr(part, "shape") for part in data)


def is_column(data: Any) -> bool:
    """Whether it is a list of values, or of rows of them, and not of whole examples."""
    return isinstance(data, list) and bool(data) and (data[0] is None or isinstance(data[0], (str, bytes, Number, list)))


def is_single(value: Any) -> bool:
    """Whether it is one number or text, whatever holds it."""
    shape = getattr(value, "shape", None)
    return isinstance(value, (str, bytes, Number)) if shape is None else len(shape) == 0


def is_hugging_face(data: Any) -> bool:
    """Whether it is a dataset of Hugging Face, which has a shape, too."""
    return hasattr(data, "with_format") and hasattr(data, "column_names")


def is_side_by_side(data: Any) -> bool:
    """Whether its examples lie side by side, as those of an array or a table do."""
    return is_mapping(data) or (not is_hugging_face(data) and (is_table(data) or hasattr(data, "shape") or is_column(data)))


def is_list(data: Any) -> bool:
    """Whether it is a list, of examples where it is no column."""
    return isinstance(data, list)


def is_of_tensorflow(data: Any) -> bool:
    """Whether it is a tf.data.Dataset."""
    return hasattr(data, "element_spec")


def is_loader(data: Any) -> bool:
    """Whether it is a DataLoader of torch."""
    return hasattr(data, "batch_sampler")


def is_of_keras(data: Any) -> bool:
    """Whether it is a PyDataset of Keras."""
    return hasattr(data, "num_batches")


def is_in_record_batches(data: Any) -> bool:
    """Whether it is a dataset of Arrow."""
    return hasattr(data, "to_batches")


def is_of_tensors(data: Any) -> bool:
    """Whether it is a TensorDataset of torch."""
    return isinstance(getattr(data, "tensors", None), tuple)


def is_stream(data: Any) -> bool:
    """Whether it is a dataset that has no indices, though torch gives it the method."""
    return any(base.__name__ == "IterableDataset" for base in type(data).__mro__)


def is_by_index(data: Any) -> bool:
    """Whether it gives its examples by index, and knows how many there are."""
    has_indices = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    return has_indices and not is_stream(data) and not isinstance(data, NO_DATA)


def is_iterable(data: Any) -> bool:
    """Whether it gives examples, or batches of them, one after another."""
    return isinstance(data, Iterable) and not isinstance(data, NO_DATA)


def is_anything(data: Any) -> bool:
    """Of what no entry before was for."""
    return True
