"""Classes from classification targets of any encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.arrays import TEXT
from bvtrack.splits.reading.distinct import Distinct, distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.profiling.layout import Layout


def class_labels(layout: Layout, targets: NDArray[Any]) -> Distinct:
    """The classes of targets `[n, ...]` by name: for one-hot rows the index of the column, for other rows of them all columns
    set; whole floats as integers.

    Raises `ValueError` for targets of another shape than the other split's, and for numbers that are no classes.
    """
    if targets.ndim > 2 or (targets.ndim == 2 and targets.shape[1] > 1 and layout.targets != "one_hot"):
        raise ValueError(f"expected one class an example as in the other split, got targets of shape {targets.shape}")
    found = distinct(targets)
    return Distinct(_class_names(found.values), found.codes)


def _class_names(targets: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if targets.ndim == 2 and targets.shape[1] > 1:
        return _columns_set(targets)
    flat = targets.reshape(-1)
    if flat.dtype.kind in TEXT:
        return flat
    found = np.isfinite(flat) if flat.dtype.kind == "f" else np.ones(len(flat), bool)
    if flat.dtype.kind not in "biuf" or bool((flat[found] % 1 != 0).any() if flat.dtype.kind == "f" else False):
        raise ValueError("expected classes as in the other split, got numbers")
    if found.all():
        integers: NDArray[Any] = flat.astype(np.uint64 if flat.dtype.kind == "u" else np.int64)
        return integers
    names = flat.astype(object)
    names[found] = flat[found].astype(np.int64)
    names[~found] = None
    return names


def _columns_set(targets: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    is_one_hot = (np.count_nonzero(targets, axis=1) == 1) & (targets.max(axis=1) == 1)
    if is_one_hot.all():
        found: NDArray[Any] = targets.argmax(axis=1)
        return found
    names: NDArray[Any] = targets.argmax(axis=1).astype(object)
    names[~is_one_hot] = ["+".join(map(str, np.flatnonzero(row))) or "none" for row in targets[~is_one_hot]]
    return names
