"""Columns that differ in (nearly) every row, such as row numbers, file names and times, or in each set: they hide copies.

Copies are also looked for without them. Which of them is a key and which is the example itself, such as a text beside its
number, cannot be known, so several sets of columns are left out, one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.splits.profiling.columns import Part, numeric
from bvtrack.splits.reading.arrays import TEXT, is_missing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.features import Columns

Key = Literal["counter", "content", "quantity"]
"""Row numbers, times, numbered names and what tells the sets apart; other texts; other whole numbers."""
LeftOut = tuple[str, ...]

FEWEST_ROWS = 20
DISTINCT = 0.95
"""Share of a sample's values that are distinct, from which a column is a key: some rows come more than once with their key."""
DISTINCT_TIMES = 0.5
"""The same for times, and for columns named as keys are: several rows may be of one second."""
WIDEST = 256
"""Arrays with more numbers per example, such as images, hold no keys."""
MOST_TEXTS = 3
"""Texts of which each is taken for the example itself once."""
EVEN = 1.63
"""The 99 % quantile of the Kolmogorov distribution: row numbers are spread evenly over their range, prices are not."""
MOST_PATTERNS = 0.05
"""Distinct texts after their numbers are taken out, as a share of all texts, up to which they are numbered names."""
MOST_NUMBERS = 3
"""Numbers in a numbered name; in texts with more of them, such as sums, the numbers are what is said."""
A_DATE = re.compile(r"0[-/.]0[-/.]0")
KEY_NAME = re.compile(
    r"\b(ids?|idx|index|unnamed|key|uuid|guid|hash|row|rowid|no|nr|number|serial|seq|times?|timestamp|ts|date|datetime|"
    r"created|updated|epoch|file|filename|path|filepath|url|uri)\b"
)
"""Words in the names of keys."""
SET_NAME = re.compile(r"\b(split|folds?|subset|partition|train)\b")
"""Words in the names of columns that tell the sets apart."""


def columns_to_leave_out(parts: Sequence[Part], columns: Columns) -> tuple[LeftOut, ...]:
    """The sets of columns to leave out, by a sample of the examples, the smallest set first."""
    keys = dict(_keys(parts, columns))
    n_columns = sum(_width(part) for part in parts)
    found = (tuple(name for name in keys if name in chosen) for chosen in _chosen(keys))
    return tuple(left_out for left_out in dict.fromkeys(found) if 0 < len(left_out) < n_columns)


def without(parts: Sequence[Part], columns: Columns, left_out: LeftOut) -> dict[str, NDArray[Any]]:
    """The columns without those of these names; arrays lose some of their numbers."""
    import numpy as np

    found = {}
    for part in parts:
        gone = [index for index, name in enumerate(_names(part)) if name in left_out]
        if len(gone) < _width(part):
            values = columns[part.name]
            found[part.name] = np.delete(values, gone, axis=1) if gone else values
    return found


def _chosen(keys: Mapping[str, Key]) -> Iterator[set[str]]:
    counters, texts = ({name for name, key in keys.items() if key == wanted} for wanted in ("counter", "content"))
    yield counters
    yield counters | texts
    yield set(keys)
    if 1 < len(texts) <= MOST_TEXTS:
        yield from (set(keys) - {text} for text in keys if text in texts)


def _keys(parts: Sequence[Part], columns: Columns) -> Iterator[tuple[str, Key]]:
    for part in parts:
        for name, values in zip(_names(part), _single_columns(part, columns[part.name]), strict=False):
            if len(values) >= FEWEST_ROWS and (key := _key(name, values)):
                yield name, key


def _names(part: Part) -> Sequence[str]:
    """Names of the columns that can be left out one by one."""
    return part.columns if part.kind == "table" else (part.name,)


def _width(part: Part) -> int:
    return len(_names(part))


def _single_columns(part: Part, values: NDArray[Any]) -> Iterable[NDArray[Any]]:
    if part.kind in ("number", "words", "text"):
        return [values]
    is_narrow = part.kind == "table" and values.ndim == 2 and values.shape[1] <= WIDEST
    return values.T if is_narrow else []


def _key(name: str, values: NDArray[Any]) -> Key | None:
    if SET_NAME.search(_in_words(name)):
        return "counter"
    if values.dtype.kind in TEXT:
        return _key_of_texts(name, [value for value in values.tolist() if not is_missing(value)])
    return None if values.dtype.kind in "bc" else _key_of_numbers(name, values)


def _key_of_texts(name: str, texts: Sequence[Any]) -> Key | None:
    n_distinct = len({str(text) for text in texts})
    if not _is_distinct(n_distinct, len(texts), is_time=_is_named_as_key(name)):
        return "counter" if n_distinct == 1 and texts[0] else None
    patterns = {re.sub(r"\d+", "0", str(text)) for text in texts}
    are_few = len(patterns) <= max(1, MOST_PATTERNS * len(texts))
    return (
        "counter"
        if are_few and all(pattern.count("0") <= MOST_NUMBERS or A_DATE.match(pattern) for pattern in patterns)
        else "content"
    )


def _key_of_numbers(name: str, values: NDArray[Any]) -> Key | None:
    import numpy as np

    is_time, numbers = values.dtype.kind in "Mm" or _is_named_as_key(name), np.asarray(numeric(values), np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not _is_distinct(len(np.unique(numbers)), len(numbers), is_time=is_time):
        return None
    if is_time:
        return "counter"
    if (numbers % 1 != 0).any():
        return None
    return "counter" if _is_even(numbers) else "quantity"


def _is_distinct(n_distinct: int, n: int, *, is_time: bool) -> bool:
    return n >= FEWEST_ROWS and n_distinct >= (DISTINCT_TIMES if is_time else DISTINCT) * n


def _is_named_as_key(name: str) -> bool:
    return KEY_NAME.search(_in_words(name)) is not None


def _in_words(name: str) -> str:
    """A column's name in lower case, with spaces between its words, whether they were written apart or in camel case."""
    return re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def _is_even(numbers: NDArray[np.float64]) -> bool:
    """True for numbers that are spread evenly between the least and the greatest."""
    import numpy as np

    places = (np.sort(numbers) - numbers.min()) / (numbers.max() - numbers.min())
    apart = abs(places - np.linspace(0, 1, len(places))).max()
    return bool(apart * len(places) ** 0.5 < EVEN)
