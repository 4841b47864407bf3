"""Convert the arrays, tensors and columns of any library to NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.splits.reading.kinds import is_of_arrow, is_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT = "OUST"
"""NumPy's dtype kinds of texts and objects."""


def as_array(values: Any) -> NDArray[Any]:
    """A NumPy array `[n, ...]` from any library's array, tensor or column; objects that are all numbers become numbers.

    Raises `ValueError` for input that does not form an array of one shape.
    """
    array = _numpy(values)
    if array.ndim == 0 or array.dtype.kind == "V":
        what = f"a single {type(values).__name__}" if array.ndim == 0 else f"raw bytes ({array.dtype})"
        raise ValueError(f"expected an array of examples [n, ...], got {what}")
    if array.dtype.kind == "O":
        return _of_objects(array)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def is_missing(value: Any) -> bool:
    """True for None, NaN, NaT and pandas' NA."""
    name = type(value).__name__
    may_be = isinstance(value, float) or name in ("datetime64", "timedelta64")
    return value is None or name in ("NAType", "NaTType") or (may_be and bool(value != value))


def _numpy(values: Any) -> NDArray[Any]:
    import numpy as np

    try:
        return np.asarray(_for_numpy(values))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"expected arrays whose rows have one shape, got {type(values).__name__} ({error})") from error


def _for_numpy(values: Any) -> Any:
    """A form of the values that NumPy converts correctly."""
    import numpy as np

    if is_tensor(values):
        values = values.detach().cpu().to_dense().resolve_conj().resolve_neg()
        return values.float() if str(values.dtype) == "torch.bfloat16" else values
    if isinstance(values, np.ma.MaskedArray):
        return _unmasked(values)
    if getattr(getattr(values, "dtype", None), "tz", None) is not None:  # pandas dates with a time zone
        return values.to_numpy("datetime64[us]")
    if is_of_arrow(values):
        return values.to_numpy(zero_copy_only=False)
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def _unmasked(values: Any) -> NDArray[Any]:
    """The data with NaN, NaT or None for masked values."""
    import numpy as np

    mask = np.ma.getmaskarray(values)
    if values.dtype.kind in "Mm":
        return np.where(mask, np.array("NaT", values.dtype), values.data)
    data = values.data.astype(np.promote_types(values.dtype, "f4") if values.dtype.kind in "biuf" else object)
    data[mask] = np.nan if data.dtype.kind == "f" else None
    return np.asarray(data)


def _of_objects(objects: NDArray[Any]) -> NDArray[Any]:
    """Numbers and arrays as such, with NaN for missing ones; other objects unchanged, with None for missing ones."""
    import numpy as np

    values = [None if is_missing(value) else value for value in objects.reshape(-1).tolist()]
    first = next((value for value in values if value is not None), np.nan)
    if isinstance(first, (np.ndarray, list, tuple)) or is_tensor(first):
        return stacked([first if value is None else value for value in values])
    if not all(value is None or isinstance(value, Number) for value in values) or isinstance(first, complex):
        return objects_of(values).reshape(objects.shape)
    if None not in values:
        array = np.array(values)
        if array.dtype.kind in "biuf":
            return array.reshape(objects.shape)
    return np.array([_as_float(value) for value in values]).reshape(objects.shape)


def _as_float(value: Any) -> float:
    try:
        return float("nan") if value is None else float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def printable(name: str) -> str:
    """The name, with escapes for characters that cannot be encoded."""
    return name.encode(errors="backslashreplace").decode()


def objects_of(values: Sequence[Any]) -> NDArray[Any]:
    """An object array `[n]` of the unconverted values."""
    import numpy as np

    array = np.empty(len(values), object)
    array[:] = values
    return array


def stacked(values: Sequence[Any]) -> NDArray[Any]:
    """Stack arrays of one shape. Raises `ValueError` if the shapes differ."""
    import numpy as np

    arrays = [_numpy(value) for value in values]
    if len({array.shape for array in arrays}) > 1:
        shapes = sorted({str(array.shape) for array in arrays})
        raise ValueError(f"expected examples of one shape, got {', '.join(shapes[:3])}; resize them first")
    return np.stack(arrays)


Family = Literal["number", "date", "duration", "text"]


def family(dtype: str) -> Family:
    """The group of comparable dtypes that a dtype, given by NumPy's name, belongs to."""
    kind = dtype[1:2]
    return "text" if kind in TEXT else "date" if kind == "M" else "duration" if kind == "m" else "number"


def is_all_missing(values: NDArray[Any]) -> bool:
    """True if all values are NaN, as an empty column is read."""
    import numpy as np

    return values.dtype.kind == "f" and bool(np.isnan(values).all())
