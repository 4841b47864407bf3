"""Arrow's columns as arrays of NumPy, of one type for each kind of column whatever is missing in a batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["whole numbers", "numbers", "times", "texts", "lists", "nothing"]


def kind_of(path: Path, name: str, type_: Any) -> Kind:
    """What a column of this type holds. Raises `ValueError` for what cannot be compared."""
    is_a = pa.types
    if is_a.is_dictionary(type_):
        return kind_of(path, name, type_.value_type)
    if is_a.is_null(type_):
        return "nothing"
    if is_a.is_integer(type_) or is_a.is_boolean(type_):
        return "whole numbers"
    if is_a.is_floating(type_) or is_a.is_decimal(type_) or is_a.is_time(type_) or is_a.is_duration(type_):
        return "numbers"
    if is_a.is_timestamp(type_) or is_a.is_date(type_):
        return "times"
    if is_a.is_string(type_) or is_a.is_large_string(type_) or is_a.is_string_view(type_):
        return "texts"
    if _is_list(type_) and kind_of(path, name, type_.value_type) in ("whole numbers", "numbers", "lists"):
        return "lists"
    raise ValueError(
        f"expected numbers, texts in UTF-8, times or lists of numbers in column {name!r} of {path}, got {type_}; "
        "convert the column or leave it out (--without)"
    )


def _is_list(type_: Any) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def values_of(array: Any, kind: Kind) -> NDArray[Any]:
    """A column as an array of NumPy: NaN for missing numbers and times, no letter for missing texts."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    match kind:
        case "texts":
            texts = array.cast(pa.string()).fill_null("")
            return np.array(texts.to_numpy(zero_copy_only=False), dtype=object)
        case "whole numbers":
            return np.asarray(array.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False))
        case "numbers":
            return _floats(array)
    return _seconds(array)


def _floats(array: Any) -> NDArray[np.float64]:
    if pa.types.is_time(array.type) or pa.types.is_duration(array.type):
        array = array.cast(pa.int32() if pa.types.is_time32(array.type) else pa.int64())
    return np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _seconds(array: Any) -> NDArray[np.float64]:
    """Since 1970."""
    if not pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("s" if pa.types.is_date32(array.type) or pa.types.is_null(array.type) else "ms"))
    steps = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[array.type.unit]
    return _floats(array.cast(pa.int64())) / steps


def rows_of(array: Any) -> NDArray[np.float64]:
    """Lists of one length as rows, lists of lists as well. Raises `ValueError`, to be continued, for other lists."""
    if not _is_list(array.type):
        return _floats(array)
    lengths = pc.unique(pc.list_value_length(array)).to_pylist()
    if len(lengths) > 1 or None in lengths:
        found = ", ".join("none at all" if length is None else str(length) for length in lengths[:3])
        raise ValueError(f"lists of one length, got {found},")
    values = rows_of(array.flatten())
    return values.reshape(len(array), -1, *values.shape[1:])


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values of an array `[n]` are missing."""
    if values.dtype == object:
        return np.array([value is None or value == "" for value in values.tolist()], dtype=bool)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
