"""Arrays, tables and tensors of any library that `fit` takes: their length, their rows, and their values in NumPy."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from bvtrack_keras.framework import keras


def arrays_in(structure: Any) -> list[Any]:
    """The arrays of a structure, in order, without those that are left out as `None`."""
    return [array for array in keras.tree.flatten(structure) if array is not None]


def is_array(value: Any) -> bool:
    """True for an array, table or tensor of at least one dimension."""
    return len(getattr(value, "shape", None) or ()) > 0


def n_rows(array: Any) -> int:
    """Number of rows; a sparse matrix has no `len`."""
    return int(array.shape[0])


def by_rows(array: Any) -> Any:
    """The same array in a form whose rows can be taken: SciPy's sparse matrices are stored by rows then, as Keras does."""
    return array.tocsr() if hasattr(array, "tocsr") else array


def take_rows(structure: Any, rows: Any) -> Any:
    """These rows, a slice or indices `[n]`, of each array of a structure; by position, for a table's own index may name
    others.
    """
    return keras.tree.map_structure(lambda array: None if array is None else _rows(array, rows), structure)


def as_array(values: Any) -> Any:
    """A NumPy array from any library's array or tensor, on any backend."""
    for dense in ("toarray", "todense", "to_dense"):  # SciPy, JAX, torch
        if hasattr(values, dense) and not isinstance(values, np.ndarray):
            if dense == "to_dense" and not getattr(values, "is_sparse", False):
                continue
            values = getattr(values, dense)()
            break
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def _rows(array: Any, rows: Any) -> Any:
    if hasattr(array, "iloc"):
        return array.iloc[rows]
    if isinstance(rows, slice):
        return array[rows]
    if _is_of_tensorflow(array):
        return sys.modules["tensorflow"].gather(array, rows)
    try:
        return array[rows]
    except TypeError:  # h5py takes indices in increasing order only
        order = np.argsort(rows)
        return array[rows[order]][np.argsort(order)]


def _is_of_tensorflow(array: Any) -> bool:
    return type(array).__module__.startswith("tensorflow.")
