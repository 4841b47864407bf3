"""Numbers that are written as texts, and the words among them that stand for missing ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.arrays import is_missing
from bvtrack.splits.reading.distinct import distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MISSING_WORDS = frozenset(
    ("", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "nat", "null", "(null)", "none", "nil", "?", "-", "--", ".", "missing")
)
"""Words for missing values, in lower case."""
FEW_WORDS = 0.05
"""A column of numbers, of which this share at most are other words."""
FEW_CODES = 20
"""So few distinct whole numbers that are all written as texts are the codes of categories."""


def numbers_among(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The numbers of an array `[n]` of objects, NaN for what is none, and a mask of the words: what is none, and not missing.

    >>> import numpy as np
    >>> numbers_among(np.array(["1.5", " ", None], dtype=object))
    (array([1.5, nan, nan]), array([False,  True, False]))
    """
    import numpy as np

    found = distinct(values)
    pairs = [(np.nan, False) if is_missing(value) else _number(value) for value in found.values.tolist()]
    numbers, are_words = np.array([number for number, _ in pairs], float), np.array([is_word for _, is_word in pairs], bool)
    return found.of_each(numbers), found.of_each(are_words)


def stand_for_missing(words: Sequence[Any]) -> bool:
    """True if all of the words are those for missing values."""
    return all(_is_for_missing(word) for word in words)


def are_numbers(values: NDArray[Any]) -> bool:
    """True for an array `[n]` of objects that is numbers but for a few words, and for words that stand for missing values.

    Texts of digits are numbers unless they are few categories or begin with zeros, as codes do.
    """
    _, is_word = numbers_among(values)
    kept = [value for value in values[~is_word].tolist() if not is_missing(value)]
    n_others = sum(not _is_for_missing(word) for word in values[is_word].tolist())
    if not kept or n_others > FEW_WORDS * (n_others + len(kept)):
        return False
    texts = [value.strip() for value in kept if isinstance(value, str)]
    return len(texts) < len(kept) or _are_quantities(texts)


def others_among(words: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """The words that do not stand for missing values, with their places."""
    return ((place, word) for place, word in enumerate(words) if not _is_for_missing(word))


def _are_quantities(texts: Sequence[str]) -> bool:
    if any(len(text) > 1 and text[0] == "0" and text[1].isdigit() for text in texts):
        return False
    return len(set(texts)) > FEW_CODES or not all(text.lstrip("+-").isdigit() for text in texts)


def _number(value: Any) -> tuple[float, bool]:
    """The number, or NaN and true for a word."""
    is_text = isinstance(value, str)
    if not (is_text or isinstance(value, Number)) or (is_text and ("_" in value or _is_for_missing(value))):
        return float("nan"), True
    try:
        return float(value), False
    except (TypeError, ValueError, OverflowError):
        return float("nan"), True


def _is_for_missing(word: Any) -> bool:
    return isinstance(word, str) and word.strip().lower() in MISSING_WORDS
