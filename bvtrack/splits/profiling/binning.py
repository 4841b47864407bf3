"""Bin numbers into codes: each column has its own bin edges, at the quantiles of a normal distribution, so that all look alike.

A code is a step of a sixteenth of a standard deviation from the median, on the scale on which the column's sample is normal.
Codes are integers, so their counts are exact: any partition and any order of the rows adds up to the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from bvtrack.special import normal_cdf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.uint8]
    Numbers = NDArray[Any]

STEPS = 16
"""Codes per standard deviation: a shift of a fifth of one moves three codes."""
MIDDLE = 56
"""The code of the median; codes resolve 3.5 standard deviations either way, which 2,048 examples just reach."""
N_CODES = 2 * MIDDLE + 1
INFINITE = N_CODES
MISSING = N_CODES + 1
WIDTH = 128
"""Number of codes in all, a power of two."""
COARSE = 4
"""Codes per step of the scores whose products are summed: quarters of a standard deviation, which stay exact when their squares
are multiplied in single precision."""
LARGEST_SCORE = MIDDLE // COARSE
BITS = 13
"""High bits of the float32 distance from the median, used as lookup key: sign, exponent and 4 bits of the mantissa (6 %)."""
N_KEYS = 1 << BITS
DIGIT_BITS = 8
"""The mantissa bits after those: uniform for continuous values, so that a repeated value stands out."""
N_DIGITS = 1 << DIGIT_BITS
CROWDED = 0.1
"""A column with this share of its values under one lookup key, not all equal, is binned by binary search."""
COLUMNS_AT_ONCE = 32


@dataclass(frozen=True)
class Coding:
    """The binning of `d` numeric columns: `pivots` `[d]`, `edges` `[d, 112]`, and `is_fine` `[d]`, true for columns that need a
    binary search.
    """

    pivots: NDArray[np.float64]
    edges: NDArray[np.float64]
    is_fine: NDArray[np.bool_]

    @classmethod
    def of(cls, sample: Numbers) -> Coding:
        """Bin edges from a sample `[n, d]` of numbers; a column without a finite value gets edges at 0."""
        import numpy as np

        d = sample.shape[1]
        edges, is_fine = np.empty((d, N_CODES - 1)), np.empty(d, bool)
        for start in range(0, d, COLUMNS_AT_ONCE):
            part = slice(start, start + COLUMNS_AT_ONCE)
            edges[part], is_fine[part] = _edges_of(sample[:, part])
        return cls(edges[:, MIDDLE].copy(), edges, is_fine)

    @cached_property
    def tables(self) -> Codes:
        """The code for each lookup key, `[d, 8192]`."""
        import numpy as np

        tables = np.empty((len(self.pivots), N_KEYS), np.uint8)
        in_order = _ranks_of_keys()
        for start in range(0, len(tables), COLUMNS_AT_ONCE):
            part = slice(start, start + COLUMNS_AT_ONCE)
            with np.errstate(over="ignore"):
                near = (self.edges[part] - self.pivots[part, None]).astype(np.float32)
            places = in_order[_keys_of(near)] + N_KEYS * np.arange(len(near))[:, None]
            own = np.bincount(places.ravel(), minlength=len(near) * N_KEYS).astype(np.uint8).reshape(len(near), N_KEYS)
            reached = own.cumsum(axis=1, dtype=np.uint8)
            tables[part] = (reached - own // 2 - own % 2 * (own > 1))[:, in_order]
        tables[:, N_KEYS // 2] = tables[:, 0]  # -0.0 is 0.0
        for sign in (0, N_KEYS // 2):
            infinity = sign + _keys_of(np.array([np.inf], np.float32))[0]
            tables[:, infinity] = INFINITE
            tables[:, infinity + 1 : sign + N_KEYS // 2] = MISSING
        return tables

    @cached_property
    def byte_tables(self) -> tuple[Codes, Codes]:
        """The code and the mantissa bits of each uint8 value, both `[d, 256]`."""
        import numpy as np

        values = np.repeat(np.arange(256, dtype=np.float64)[:, None], len(self.pivots), axis=1)
        parts = [*self.codes(values)] or [(0, np.empty((0, 256), np.uint8), np.empty((0, 256), np.uint8))]
        return np.concatenate([codes for _, codes, _ in parts]), np.concatenate([digits for _, _, digits in parts])

    def codes(self, numbers: Numbers) -> Any:
        """From a few thousand rows `[n, d]`, some columns at a time: the first column, their codes, and their mantissa bits,
        both `[columns, n]`.
        """
        import numpy as np

        if numbers.dtype == np.uint8:
            yield from self._codes_of_bytes(numbers)
            return
        for start in range(0, len(self.pivots), COLUMNS_AT_ONCE):
            part = numbers[:, start : start + COLUMNS_AT_ONCE]
            bits = np.ascontiguousarray(self._distances(part, start).T).view(np.uint32)
            digits = (bits >> np.uint32(32 - BITS - DIGIT_BITS)).astype(np.uint8)
            bits >>= np.uint32(32 - BITS)
            codes = np.empty(bits.shape, np.uint8)
            for index, row in enumerate(bits):
                self.tables[start + index].take(row, out=codes[index], mode="clip")
                if self.is_fine[start + index]:
                    codes[index] = self._codes_by_search(part[:, index], start + index)
            yield start, codes, digits

    def _codes_of_bytes(self, numbers: Numbers) -> Any:
        import numpy as np

        for start in range(0, len(self.pivots), COLUMNS_AT_ONCE):
            part = np.ascontiguousarray(numbers[:, start : start + COLUMNS_AT_ONCE].T)
            found = np.empty((2, *part.shape), np.uint8)
            for tables, values in zip(self.byte_tables, found, strict=True):
                for index, row in enumerate(part):
                    tables[start + index].take(row, out=values[index], mode="clip")
            yield start, *found

    def _distances(self, part: Numbers, start: int) -> NDArray[np.float32]:
        import numpy as np

        pivots = self.pivots[start : start + part.shape[1]]
        if part.dtype == np.float32:
            pivots = pivots.astype(np.float32)
        distances = np.empty(part.shape, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(part, pivots, out=distances, casting="unsafe")  # in double precision, rounded afterwards
        return distances

    def _codes_by_search(self, values: Numbers, column: int) -> Codes:
        import numpy as np

        edges = self.edges[column]
        below, reached = edges.searchsorted(values, "left"), edges.searchsorted(values, "right")
        middle = reached - (reached - below + 1) // 2 * (reached - below > 1)
        codes: Codes = middle.astype(np.uint8)
        codes[np.isinf(values)] = INFINITE
        codes[np.isnan(values)] = MISSING
        return codes


def scores() -> NDArray[np.float32]:
    """The score of each code in quarters of a standard deviation; 0 for missing and infinite values."""
    import numpy as np

    found = np.zeros(WIDTH, np.float32)
    found[:N_CODES] = np.rint((np.arange(N_CODES) - MIDDLE) / COARSE)
    return found


def fine_scores() -> NDArray[np.float64]:
    """The score of each code in standard deviations."""
    import numpy as np

    found = np.zeros(WIDTH)
    found[:N_CODES] = (np.arange(N_CODES) - MIDDLE) / STEPS
    return found


def _edges_of(sample: Numbers) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Bin edges of columns `[n, d]`, and a mask of those that need a binary search."""
    import numpy as np

    columns = np.ascontiguousarray(sample.T, dtype=np.float64)
    columns = np.where(np.isfinite(columns), columns, np.nan)
    columns += 0.0  # -0.0 becomes 0.0
    columns.sort(axis=1)  # NaN last
    n = columns.shape[1] - np.isnan(columns).sum(axis=1, keepdims=True)
    ranks = np.minimum((_edge_quantiles() * n).astype(int), np.maximum(n - 1, 0))
    edges = np.nan_to_num(np.take_along_axis(columns, ranks, axis=1))
    return edges, _is_crowded(columns, edges[:, MIDDLE])


@cache
def _edge_quantiles() -> NDArray[np.float64]:
    import numpy as np

    return normal_cdf((np.arange(1, N_CODES) - MIDDLE - 0.5) / STEPS)


def _keys_of(distances: NDArray[np.float32]) -> NDArray[np.uint32]:
    import numpy as np

    return np.ascontiguousarray(distances).view(np.uint32) >> np.uint32(32 - BITS)


def _ranks_of_keys() -> NDArray[np.int64]:
    """The rank of each lookup key by the number it stands for."""
    import numpy as np

    half = N_KEYS // 2
    return np.concatenate([half + np.arange(half), half - 1 - np.arange(half)])


def _is_crowded(columns: NDArray[np.float64], pivots: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True for columns that lookup keys do not resolve: many unequal values share one, or single precision overflows."""
    import numpy as np

    if columns.shape[1] == 0:
        return np.zeros(len(columns), bool)
    apart = max(1, int(CROWDED * columns.shape[1]))
    some = columns[:, ::apart]
    with np.errstate(over="ignore"):
        distances = (some - pivots[:, None]).astype(np.float32)
    is_same_key = _keys_of(distances[:, 1:]) == _keys_of(distances[:, :-1])
    found: NDArray[np.bool_] = (is_same_key & (some[:, 1:] > some[:, :-1])).any(axis=1) | np.isinf(distances).any(axis=1)
    return found
