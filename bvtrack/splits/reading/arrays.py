"""Convert the arrays, tensors and columns of any library to NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from numbers import Number
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.splits.reading.distinct import distinct
from bvtrack.splits.reading.kinds import is_of_arrow, is_of_pandas, is_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_NAME = 256
"""Bytes that are read as text; longer ones are files."""
TEXT = "OUST"
"""NumPy's dtype kinds of texts and objects."""
TEXTS_OF_ARROW = tuple(f"{start}{size}string" for start in ("", "dictionary<values=") for size in ("", "large_"))
"""How the names of Arrow's types of texts begin; those of lists and of records of texts hold these words elsewhere."""
REPEATING_OF_PANDAS = ("CategoricalDtype", "StringDtype")
"""Types of pandas whose distinct values it knows, or finds sooner than it makes an object of each."""


def as_array(values: Any) -> NDArray[Any]:
    """A NumPy array `[n, ...]` from any library's array, tensor or column; objects that are all numbers, dates or arrays of one
    shape become such, and lists of different lengths stay objects.

    Raises `ValueError` for input that does not form an array of one shape.
    """
    import numpy as np

    array = _numpy(values)
    if isinstance(values, list) and 0 in array.shape[1:]:  # lists that are all empty
        return objects_of(values)
    if array.ndim == 0 or array.dtype.kind == "V":
        what = f"a single {type(values).__name__}" if array.ndim == 0 else "raw bytes"
        raise ValueError(f"expected an array of examples [n, ...], got {what}")
    if array.dtype.kind == "O":
        return _of_objects(array)
    if array.dtype.kind == "S":
        found = distinct(array)
        return found.of_each(np.char.decode(found.values, "utf-8", "backslashreplace"))
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
        if isinstance(values, (list, tuple)) and all(value is None or is_list_like(value) for value in values):
            return objects_of(values)
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
        return _arrow_texts(values) if str(values.type).startswith(TEXTS_OF_ARROW) else values.to_numpy(zero_copy_only=False)
    if is_of_pandas(values) and type(values.dtype).__name__ in REPEATING_OF_PANDAS:
        codes, names = values.factorize(use_na_sentinel=False)
        return names.to_numpy().take(codes)
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def _arrow_texts(values: Any) -> NDArray[Any]:
    """Texts of Arrow as Python's, of which equal ones are one object, with None for missing ones."""
    import numpy as np

    encoded = values if hasattr(values.type, "index_type") else values.dictionary_encode()
    found = [np.empty(0, object)]
    for chunk in getattr(encoded, "chunks", [encoded]):
        names = objects_of([*chunk.dictionary.to_pylist(), None])
        found.append(names.take(chunk.indices.cast("int64").fill_null(len(names) - 1).to_numpy()))
    return np.concatenate(found)


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
    found = distinct(objects.reshape(-1))
    values = [None if is_missing(value) else value for value in found.values.tolist()]
    array = found.of_each(_of_distinct_objects(values))
    return array.reshape(objects.shape) if array.ndim == 1 else array  # lists have become rows


def _of_distinct_objects(values: list[Any]) -> NDArray[Any]:
    import numpy as np

    first = next((value for value in values if value is not None), np.nan)
    if isinstance(first, bytes):
        values = [_decoded(value) for value in values]
    if is_list_like(first):
        return lists(values)
    if isinstance(first, date) and all(value is None or isinstance(value, date) for value in values):
        return np.array([_without_zone(value) for value in values], "datetime64[us]")
    if not all(value is None or isinstance(value, Number) for value in values) or isinstance(first, complex):
        return objects_of(values)
    if None not in values:
        array = np.array(values)
        if array.dtype.kind in "biuf":
            return array
    return np.array([_as_float(value) for value in values])


def _decoded(value: Any) -> Any:
    """Bytes as text, unless they are longer than names."""
    is_name = isinstance(value, bytes) and len(value) <= LONGEST_NAME
    return value.decode("utf-8", "backslashreplace") if is_name else value


def is_list_like(value: Any) -> bool:
    """True for a list, a tuple, an array or a tensor with at least one dimension."""
    return isinstance(value, (list, tuple)) or bool(getattr(value, "shape", ()))


def lists(values: Sequence[Any]) -> NDArray[Any]:
    """Arrays or lists of one shape as an array `[n, ...]`, with NaN for missing ones; others `[n]` as objects."""
    import numpy as np

    arrays = [_array_or_none(value) for value in values if value is not None]
    shapes = {None if array is None else array.shape for array in arrays}
    (shape,) = shapes if len(shapes) == 1 else (None,)
    are_numbers = all(array is not None and array.dtype.kind in "biuf" for array in arrays)
    if shape is None or 0 in shape or (len(arrays) < len(values) and not are_numbers):
        return objects_of(values)
    given = (array for array in arrays if array is not None)
    return np.stack([np.full(shape, np.nan) if value is None else next(given) for value in values])


def _array_or_none(value: Any) -> NDArray[Any] | None:
    """An array of numbers or texts; `None` for lists within lists of different lengths, and for other objects."""
    import numpy as np

    try:
        array = np.asarray(_for_numpy(value))
    except (TypeError, ValueError, RuntimeError):
        return None
    return None if array.dtype.kind in "OV" else array


def _without_zone(value: Any) -> Any:
    """A date for NumPy, times with a zone in UTC."""
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return None if value is None else value.isoformat()[: len("2024-05-31T12:00:00.000000")]


def as_objects(values: NDArray[Any]) -> NDArray[Any]:
    """An array `[n]` of Python's objects, the rows of an array `[n, ...]` as arrays."""
    return values.astype(object) if values.ndim == 1 else objects_of(list(values))


def plain(value: Any) -> Any:
    """Lists and arrays, whatever their types, as lists of Python's objects; whole numbers as integers."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
