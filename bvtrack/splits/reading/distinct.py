"""The distinct values of an array, and which of them each is: what is done for a value is then done once for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.intp]
    Words = NDArray[Any]

SLOT_BITS = 16
N_SLOTS = 1 << SLOT_BITS
"""Values are told apart by slots, half a MiB of them, which stay in a core's cache."""
WORDS_AT_ONCE = 1 << 15
"""256 KiB of 64-bit words, which stay in a core's cache."""
FEWEST, MOSTLY = 4096, 0.5
"""Objects looked at first: if more than this share of them are objects of their own, so are most of all."""
ROWS_AT_ONCE = 1 << 16
"""Rows among which the first one of each value is looked for at once."""
SEED = 22
LIKE_TEXTS = frozenset((str, bytes, type(None), date))
"""Types of which two values are equal if, and only if, nothing tells them apart."""
ALONE: tuple[set[type], ...] = (set(), {int}, {bool}, {float})
"""Types of which that holds, too, but for 0.0, where no other type of numbers is there."""


@dataclass(frozen=True)
class Distinct:
    """The `values` `[k, ...]` of an array in the order in which they come first, and which of them each of its `n` is, `codes`
    `[n]`; `None` for an array whose values are taken as they come.

    Values that can be told apart, such as -0.0 and 0.0, or True and 1, are two; the same value may be there twice.
    """

    values: NDArray[Any]
    codes: Codes | None = None

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each value comes, `[k]`."""
        import numpy as np

        found: NDArray[np.int64] = (
            np.ones(len(self.values), np.int64)
            if self.codes is None
            else np.bincount(self.codes, minlength=len(self.values)).astype(np.int64)
        )
        return found

    @cached_property
    def first(self) -> Codes:
        """The first row of each value, `[k]`."""
        import numpy as np

        return np.arange(len(self.values)) if self.codes is None else _first_rows(self.codes)

    def of_each(self, found: NDArray[Any]) -> NDArray[Any]:
        """What was found for the distinct values `[k, ...]`, for each of the `n`."""
        return found if self.codes is None else found.take(self.codes, axis=0)


def distinct(values: NDArray[Any]) -> Distinct:
    """The distinct values of an array `[n, ...]`.

    >>> import numpy as np
    >>> found = distinct(np.array(["dog", "cat", "dog"]))
    >>> found.values.tolist(), found.codes.tolist(), found.counts.tolist(), found.first.tolist()
    (['dog', 'cat'], [0, 1, 0], [2, 1], [0, 1])
    """
    if not values.nbytes:
        return Distinct(values)
    if values.dtype.kind == "O":
        return _of_objects(values) if values.ndim == 1 else Distinct(values)
    if values.dtype.kind == "T":  # NumPy's strings of any length
        return _of_objects(values.astype(object)) if values.ndim == 1 else Distinct(values)
    codes = _codes_of_integers(values) if values.dtype.kind in "biu" else None
    return _in_order(values, _codes_of_words(_as_words(values)) if codes is None else codes)


def _in_order(values: NDArray[Any], codes: Codes) -> Distinct:
    """The distinct values by codes, of which some may not occur."""
    import numpy as np

    first = _first_rows(codes)
    order = np.argsort(first)
    order = order[np.searchsorted(first, 0, sorter=order) :]
    places = np.empty(len(first), np.intp)
    places[order] = np.arange(len(order))
    return Distinct(values[first[order]], places.take(codes))


def _first_rows(codes: Codes) -> Codes:
    """The first row of each code; -1 for those that do not occur."""
    import numpy as np

    counts = np.bincount(codes)
    found, n_codes = np.full(len(counts), -1, np.intp), np.count_nonzero(counts)
    for start in range(0, len(codes), ROWS_AT_ONCE):
        some = codes[start : start + ROWS_AT_ONCE]
        rows = np.flatnonzero(found.take(some) < 0)[::-1]
        found[some[rows]] = start + rows  # of several assignments to one place the last one stays
        if np.count_nonzero(found >= 0) == n_codes:
            break
    return found


def _codes_of_integers(values: NDArray[Any]) -> Codes | None:
    """The distances of integers `[n]` from the least of them; `None` if they lie far apart."""
    import numpy as np

    if values.size != len(values):
        return None
    flat = values.reshape(-1).view(np.uint8) if values.dtype.kind == "b" else values.reshape(-1)
    least = flat.min()
    if int(flat.max()) - int(least) >= N_SLOTS:
        return None
    found: Codes = np.subtract(flat, least, dtype=np.intp, casting="unsafe")
    return found


def _as_words(values: NDArray[Any]) -> Words:
    """The bytes of each of an array's values, or rows, as unsigned integers `[n, k]` that are as wide as fits."""
    import numpy as np

    rows = np.ascontiguousarray(values).reshape(len(values), -1).view(np.uint8)
    width = next(width for width in (8, 4, 2, 1) if rows.shape[1] % width == 0)
    return rows.view(f"u{width}")


def _codes_of_words(words: Words) -> Codes:
    """Codes `[n]`, the same for equal rows only: the slots that their hashes lead to, and further numbers for rows whose slot
    is another's.
    """
    import numpy as np

    factors: NDArray[np.uint64] = np.random.default_rng(SEED).integers(2**63, size=(words.shape[1],), dtype=np.uint64)
    factors = factors * np.uint64(2) + np.uint64(1)
    known, firsts = np.zeros(N_SLOTS, np.uint64), np.full(N_SLOTS, -1, np.intp)
    codes, others = np.empty(len(words), np.intp), [np.empty(0, np.intp)]
    step = max(1, WORDS_AT_ONCE // words.shape[1])
    for start in range(0, len(words), step):
        some = words[start : start + step]
        hashes = _hashes(some, factors)
        slots = codes[start : start + step] = (hashes >> np.uint64(64 - SLOT_BITS)).astype(np.intp)
        if not (known.take(slots) == hashes).all():
            new = np.flatnonzero(firsts.take(slots) < 0)[::-1]
            firsts[slots[new]], known[slots[new]] = new + start, hashes[new]
            others.append(start + np.flatnonzero(known.take(slots) != hashes))
            codes[others[-1]] = -1
        if not _are_equal(words, firsts.take(slots), some, codes[start : start + step] >= 0):
            return _codes_by_sorting(words)
    rows = np.concatenate(others)
    if len(rows):
        codes[rows] = N_SLOTS + _codes_by_hashes(words[rows], factors)
    return codes


def _hashes(words: Words, factors: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A number for each row: that of a single word is its alone, others hardly ever meet."""
    import numpy as np

    found: NDArray[np.uint64] = words.astype(np.uint64, copy=False) @ factors
    found ^= found >> np.uint64(32)
    found *= factors[0]
    return found


def _are_equal(words: Words, firsts: Codes, some: Words, is_told: NDArray[np.bool_]) -> bool:
    """True if those of some rows that are told by their hashes equal the first ones of these."""
    if words.shape[1] == 1:
        return True
    are_equal = words.take(firsts, axis=0) == some
    return bool(are_equal.all() or are_equal.all(axis=1)[is_told].all())


def _codes_by_hashes(words: Words, factors: NDArray[np.uint64]) -> Codes:
    """The same for rows of which many are distinct, by sorting their hashes."""
    import numpy as np

    step = max(1, WORDS_AT_ONCE // words.shape[1])
    hashes = np.concatenate([_hashes(words[start : start + step], factors) for start in range(0, len(words), step)])
    _, first, codes = np.unique(hashes, return_index=True, return_inverse=True)
    are_equal = words.shape[1] == 1 or bool((words[first[codes]] == words).all())
    return codes if are_equal else _codes_by_sorting(words)


def _codes_by_sorting(words: Words) -> Codes:
    """The same for rows of which two that differ have one hash."""
    import numpy as np

    found: Codes = np.unique(words, axis=0, return_inverse=True)[1].reshape(-1)
    return found


def _of_objects(objects: NDArray[Any]) -> Distinct:
    """Python's objects `[n]`: one and the same object has one code, and so have equal texts."""
    import numpy as np

    objects = np.ascontiguousarray(objects)
    addresses = np.frombuffer(objects, np.uintp)  # objects are held by their addresses
    some = addresses[:FEWEST]
    if len(set(some.tolist())) > MOSTLY * len(some):
        return _of_equal_objects(objects)
    found = _in_order(addresses, _codes_of_words(addresses[:, None]))
    different = objects[found.first]
    equal = _of_equal_objects(different)
    if equal.codes is None:
        return Distinct(different, found.codes)
    assert found.codes is not None
    return Distinct(equal.values, equal.codes.take(found.codes))


def _of_equal_objects(objects: NDArray[Any]) -> Distinct:
    """Objects `[n]` of which the equal ones have one code, if they are of types of which that says all."""
    import numpy as np

    listed = objects.tolist()
    if set(map(type, listed)) - LIKE_TEXTS not in ALONE:
        return Distinct(objects)
    known: dict[Any, int] = {value: place for place, value in enumerate(dict.fromkeys(listed))}
    if 0.0 in known and float in map(type, known):  # it may be -0.0
        return Distinct(objects)
    codes = np.fromiter(map(known.__getitem__, listed), np.intp, len(listed))
    return Distinct(objects[_first_rows(codes)], codes)
