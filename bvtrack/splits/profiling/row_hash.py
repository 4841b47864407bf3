"""Row hashes: equal for equal rows, so that duplicates are found without keeping the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bvtrack.splits.profiling.threads import by_parts
from bvtrack.splits.reading.arrays import plain
from bvtrack.splits.reading.distinct import distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

SEED = 20_090_918
MULTIPLIER = 0x9E3779B97F4A7C15
"""2 ** 64 divided by the golden ratio, made odd (Knuth's multiplicative hashing)."""
VALUES_AT_ONCE = 32_768
"""256 KiB of values, which stay in a core's cache with what is made of them."""
MOST_KEPT = 1 << 22
"""Number of hashes kept, 32 MiB: of a larger set the smallest ones, a random sample of its rows."""
MOST_KEPT_WITHOUT = 1 << 20
"""Number of hashes kept of the rows without some columns, 8 MiB each."""


def row_hashes(columns: Mapping[str, Any], known: Mapping[str, Hashes] = MappingProxyType({})) -> Hashes:
    """One hash per row of arrays `[n, ...]`: numbers by value and dtype (-0.0 as 0.0, all NaN alike), texts as they are.

    `known` are the hashes of texts, by column, if they were computed before.

    >>> import numpy as np
    >>> hashes = row_hashes({"x": np.array([1.0, 2.0, 1.0])})
    >>> bool(hashes[0] == hashes[2] != hashes[1])
    True
    """
    import numpy as np

    total: Hashes | None = None
    generator = np.random.default_rng(SEED)
    for name, values in columns.items():
        seed = generator.integers(2**62)
        if values.dtype.kind in "OUST":
            part = known[name] if name in known else hashes_of_texts(values)
        else:
            part = _hashes_of_numbers(values, int(seed))
        total = part if total is None else mixed(total) + part
    assert total is not None
    return mixed(total)


def mixed(values: Hashes) -> Hashes:
    """Mix the bits: every bit of a value changes bits all over its hash."""
    import numpy as np

    mixed_values = values ^ (values >> np.uint64(32))
    mixed_values *= np.uint64(MULTIPLIER)
    mixed_values ^= mixed_values >> np.uint64(29)
    return mixed_values


def smallest(parts: Iterable[Hashes], most: int = MOST_KEPT) -> Hashes:
    """The hashes of all parts, sorted; at most the `most` smallest."""
    import numpy as np

    return np.sort(np.concatenate(list(parts)))[:most]


def _hashes_of_numbers(values: Any, seed: int) -> Hashes:
    import numpy as np

    width = values[:1].size * (2 if values.dtype.kind == "c" else 1)
    factors = np.random.default_rng(seed).integers(2**63, size=max(width, 1), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    found = np.empty(len(values), np.uint64)
    step = max(1, VALUES_AT_ONCE // max(width, 1))

    def fill(rows: slice) -> None:
        for start in range(rows.start, min(rows.stop, len(values)), step):
            some = slice(start, min(start + step, rows.stop))
            words = _as_words(values[some].reshape(-1, values[:1].size))
            found[some] = mixed(words) @ factors[: words.shape[1]]

    by_parts(len(values), fill)
    return found


def _as_words(rows: Any) -> Hashes:
    """Rows as 64-bit words, with several small values to a word."""
    import numpy as np

    if rows.dtype.kind in "Mm":
        rows = rows.astype(np.int64)
    if rows.dtype.kind == "f":
        rows = rows + rows.dtype.type(0)  # -0.0 becomes 0.0
        rows[np.isnan(rows)] = np.nan
    if rows.dtype.kind == "c":
        rows = np.ascontiguousarray(rows).view(rows.real.dtype)
    if rows.dtype.itemsize > 8:
        rows = rows.astype(np.float64)
    rows = np.ascontiguousarray(rows)
    spare = -rows.shape[1] % (8 // rows.dtype.itemsize)
    if spare:
        rows = np.hstack([rows, np.zeros((len(rows), spare), rows.dtype)])
    words: Hashes = rows.view(np.uint64)
    return words


def hashes_of_texts(values: Any) -> Hashes:
    """Hashes of texts, and of other objects in a table's column by their `repr`."""
    import hashlib

    import numpy as np

    known: dict[str, int] = {}

    def hash_of(value: Any) -> int:
        text = value if isinstance(value, str) else repr(plain(value))
        if text not in known:
            known[text] = int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest())
        return known[text]

    found = distinct(values.reshape(-1))
    return found.of_each(np.fromiter(map(hash_of, found.values.tolist()), np.uint64, len(found.values)))
