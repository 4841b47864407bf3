"""Convert the columns of a split to the types of the other split's, or say which value of which column cannot be."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from bvtrack.splits.profiling.columns import Part
from bvtrack.splits.profiling.remarks import MOST_WORDS, Remarks, Words
from bvtrack.splits.reading.arrays import TEXT, family, is_all_missing, is_list_like, is_missing, objects_of
from bvtrack.splits.reading.distinct import distinct
from bvtrack.splits.reading.words_as_numbers import numbers_among, others_among

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[Any]
    Convert = Callable[[Part, Values, "Place"], tuple[Values, Remarks]]

LABEL = "label"
"""The column of the targets."""
MOSTLY = 0.5
"""A column of which more values than this are words, not numbers, is of another type than the other split's."""


@dataclass(frozen=True)
class Place:
    """Where values stand: the column, the split, and the number of its rows before them."""

    column: str
    split: str
    start: int = 0

    def error(self, wanted: str, got: str) -> ValueError:
        """An error for values that are not what they are in the other split."""
        way_out = "" if self.column == LABEL else f", or leave the column out (--without {self.column})"
        return ValueError(
            f"expected {wanted} in {self.column} of {self.split} as in the other split, got {got}; write both alike{way_out}"
        )


def converted(part: Part, values: Values, place: Place) -> tuple[Values, Remarks]:
    """The values as the part holds them. Raises `ValueError` for values of another kind or shape."""
    if part.kind == "lists":
        return _as_lists(values), Remarks()
    if values.shape[1:] != part.shape:
        raise ValueError(
            f"expected {place.column} of {place.split} to be of shape {part.shape} as in the other split, got {_shape(values)}"
        )
    found = family(values.dtype.str)
    if found == part.family:
        return values, Remarks()
    if part.family != "number" and is_all_missing(values):
        return _all_missing(part, values), Remarks()
    convert = CONVERSIONS.get((found, part.family))
    if convert is None or (values.ndim > 1 and part.kind != "table"):
        raise place.error(f"{part.family}s", f"{found}s")
    return convert(part, values, place) if values.ndim == 1 else _each_column(part, values, place, convert)


def _each_column(part: Part, values: Values, place: Place, convert: Convert) -> tuple[Values, Remarks]:
    import numpy as np

    places = [replace(place, column=name) for name in part.columns]
    pairs = [convert(part, column, one) for column, one in zip(values.T, places, strict=True)]
    return np.stack([column for column, _ in pairs], axis=1), reduce(operator.or_, (remarks for _, remarks in pairs))


def to_numbers(values: Values, place: Place) -> tuple[NDArray[np.float64], Remarks]:
    """Texts `[n]` as numbers, NaN for words. Raises `ValueError` if most are words."""
    found = distinct(values)
    numbers, is_word = map(found.of_each, numbers_among(_with_truths(found.values)))
    return numbers, remarks_on(values, is_word, place, "numbers")


def _with_truths(values: Values) -> Values:
    """The values with True and False for their names."""
    names = {"true": True, "false": False}
    return objects_of([names.get(value.lower(), value) if isinstance(value, str) else value for value in values.tolist()])


def check_classes(targets: Values, place: Place) -> None:
    """Raise `ValueError` for targets that are no classes: dates, and numbers with fractions."""
    import numpy as np

    if targets.dtype.kind in "Mmc":
        raise place.error("classes", f"{family(targets.dtype.str)}s")
    if targets.dtype.kind != "f":
        return
    with np.errstate(invalid="ignore"):
        if (distinct(targets).values % 1 > 0).any():
            row = int(np.flatnonzero((targets.reshape(len(targets), -1) % 1 > 0).any(axis=1))[0])
            value = targets[row].reshape(-1)
            raise place.error("classes", f"{value[value % 1 > 0][0]} in row {place.start + row + 1:,}")


def remarks_on(values: Values, is_word: NDArray[np.bool_], place: Place, wanted: str) -> Remarks:
    """The words. Raises `ValueError` if they are more than half of the values that are not missing."""
    import numpy as np

    rows = np.flatnonzero(is_word)
    if not len(rows):
        return Remarks()
    words = values[rows].tolist()
    others = list(others_among(words))
    found = distinct(values)
    n_missing = int(found.counts[[*map(is_missing, found.values.tolist())]].sum())
    n_present = len(values) - n_missing - (len(words) - len(others))
    if len(others) > MOSTLY * n_present:
        row, word = others[0]
        raise place.error(wanted, f"{word!r} in row {place.start + int(rows[row]) + 1:,}")
    counts = dict(Counter(map(repr, words)).most_common(MOST_WORDS))
    return Remarks({place.column: Words(len(words), counts, place.start + int(rows[0]) + 1)})


def _texts_to_numbers(part: Part, values: Values, place: Place) -> tuple[Values, Remarks]:
    return to_numbers(values, place)


def _texts_to_dates(part: Part, values: Values, place: Place) -> tuple[Values, Remarks]:
    import numpy as np

    found = distinct(values)
    dates = np.array([_date(value) for value in found.values.tolist()], "datetime64[us]")
    is_word = np.array([not is_missing(value) for value in found.values.tolist()], bool) & np.isnat(dates)
    return found.of_each(dates.astype(part.dtype)), remarks_on(values, found.of_each(is_word), place, "dates")


def _date(value: Any) -> np.datetime64:
    import numpy as np

    try:
        return np.datetime64(value.strip().removesuffix("Z"), "us")
    except (AttributeError, TypeError, ValueError):
        return np.datetime64("NaT", "us")


def _to_texts(part: Part, values: Values, place: Place) -> tuple[Values, Remarks]:
    found = distinct(values.astype(_precise(values)))
    texts = [None if is_missing(value) else _text_of(value) for value in found.values.tolist()]
    return found.of_each(objects_of(texts)), Remarks(as_texts=frozenset([place.column]))


def _precise(values: Values) -> Any:
    return "datetime64[us]" if values.dtype.kind == "M" else values.dtype


def _text_of(value: Any) -> str:
    """A whole number without a fraction, whatever its type, and a date at midnight without a time."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).removesuffix(" 00:00:00")


CONVERSIONS: Mapping[tuple[str, str], Convert] = {
    ("text", "number"): _texts_to_numbers,
    ("text", "date"): _texts_to_dates,
    ("number", "text"): _to_texts,
    ("date", "text"): _to_texts,
    ("duration", "text"): _to_texts,
}
"""Conversions from one family of types to another."""


def _as_lists(values: Values) -> Values:
    """Rows of an array as the lists that they are in the other split."""
    return values if values.dtype.kind in TEXT and values.ndim == 1 else objects_of(list(values))


def _all_missing(part: Part, values: Values) -> Values:
    """None or NaT in place of an all-missing column that was read as numbers."""
    import numpy as np

    return np.full(values.shape, None, object) if part.is_text else np.full(values.shape, "NaT", part.dtype)


def _shape(values: Values) -> str:
    if values.dtype.kind == "O" and any(map(is_list_like, values.tolist())):
        return "lists of different lengths; pad them, or leave the column out (--without)"
    return str(values.shape[1:])
