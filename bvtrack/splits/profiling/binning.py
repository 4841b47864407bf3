"""Numbers as codes: every column on edges of its own, at the quantiles of a normal distribution, so that all look alike.

A code is a step of a sixteenth of a standard deviation from the median, on the scale on which the column's sample is normal.
Codes are whole numbers, so what is counted of them is exact: any partition and any order of the rows adds up to the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.uint8]
    Numbers = NDArray[Any]

STEPS = 16
"""Codes to a standard deviation: a shift of a fifth of one moves three codes."""
MIDDLE = 56
"""The code of the median; 3.5 standard deviations either way are told apart, which 2,048 examples just reach."""
N_CODES = 2 * MIDDLE + 1
INFINITE = N_CODES
MISSING = N_CODES + 1
WIDTH = 128
"""Codes in all, a power of two."""
COARSE = 4
"""Codes to a step of the scores of which products are summed: quarters of a standard deviation, which are still exact when
their squares are multiplied in single precision."""
LARGEST_SCORE = MIDDLE // COARSE
BITS = 13
"""Of the distance from the median in single precision: the sign, the exponent, and 4 bits of the digits (6 %)."""
N_CELLS = 1 << BITS
DIGIT_BITS = 8
"""The digits behind those: of continuous values all are equally frequent, so that a value that comes again stands out."""
N_DIGITS = 1 << DIGIT_BITS
CROWDED = 0.1
"""A column with so large a part of its values in one cell, which are not all the same value, is looked up edge by edge."""
COLUMNS_AT_ONCE = 32


@dataclass(frozen=True)
class Coding:
    """How `d` numeric columns become codes: `pivots` `[d]`, `edges` `[d, 112]`, and `is_fine` `[d]`, true for columns that
    need every edge compared.
    """

    pivots: NDArray[np.float64]
    edges: NDArray[np.float64]
    is_fine: NDArray[np.bool_]

    @classmethod
    def of(cls, sample: Numbers) -> Coding:
        """Laid through a sample `[n, d]` of numbers; a column without a finite value gets edges at 0."""
        import numpy as np

        d = sample.shape[1]
        edges, is_fine = np.empty((d, N_CODES - 1)), np.empty(d, bool)
        for start in range(0, d, COLUMNS_AT_ONCE):
            part = slice(start, start + COLUMNS_AT_ONCE)
            edges[part], is_fine[part] = _edges_of(sample[:, part])
        return cls(edges[:, MIDDLE].copy(), edges, is_fine)

    @cached_property
    def tables(self) -> Codes:
        """The code of each cell, `[d, 8192]`."""
        import numpy as np

        tables = np.empty((len(self.pivots), N_CELLS), np.uint8)
        in_order = _order_of_cells()
        for start in range(0, len(tables), COLUMNS_AT_ONCE):
            part = slice(start, start + COLUMNS_AT_ONCE)
            with np.errstate(over="ignore"):
                near = (self.edges[part] - self.pivots[part, None]).astype(np.float32)
            places = in_order[_cells(near)] + N_CELLS * np.arange(len(near))[:, None]
            own = np.bincount(places.ravel(), minlength=len(near) * N_CELLS).astype(np.uint8).reshape(len(near), N_CELLS)
            reached = own.cumsum(axis=1, dtype=np.uint8)
            tables[part] = (reached - own // 2 - own % 2 * (own > 1))[:, in_order]
        tables[:, N_CELLS // 2] = tables[:, 0]  # -0.0 is 0.0
        for sign in (0, N_CELLS // 2):
            infinity = sign + _cells(np.array([np.inf], np.float32))[0]
            tables[:, infinity] = INFINITE
            tables[:, infinity + 1 : sign + N_CELLS // 2] = MISSING
        return tables

    @cached_property
    def byte_tables(self) -> tuple[Codes, Codes]:
        """The code and the last digits of each value of an unsigned byte, both `[d, 256]`."""
        import numpy as np

        values = np.repeat(np.arange(256, dtype=np.float64)[:, None], len(self.pivots), axis=1)
        parts = [*self.codes(values)] or [(0, np.empty((0, 256), np.uint8), np.empty((0, 256), np.uint8))]
        return np.concatenate([codes for _, codes, _ in parts]), np.concatenate([digits for _, _, digits in parts])

    def codes(self, numbers: Numbers) -> Any:
        """Of a few thousand rows `[n, d]`, some columns at once: the first column, their codes, and their last digits, both
        `[columns, n]`.
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
                    codes[index] = self._compared(part[:, index], start + index)
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
            np.subtract(part, pivots, out=distances, casting="unsafe")  # in double precision, and only then rounded
        return distances

    def _compared(self, values: Numbers, column: int) -> Codes:
        import numpy as np

        edges = self.edges[column]
        below, reached = edges.searchsorted(values, "left"), edges.searchsorted(values, "right")
        middle = reached - (reached - below + 1) // 2 * (reached - below > 1)
        codes: Codes = middle.astype(np.uint8)
        codes[np.isinf(values)] = INFINITE
        codes[np.isnan(values)] = MISSING
        return codes


def scores() -> NDArray[np.float32]:
    """The score of each code in quarters of a standard deviation; 0 for what is missing or infinite."""
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
    """Of some columns `[n, d]` the edges, and which of them need every edge compared."""
    import numpy as np

    columns = np.ascontiguousarray(sample.T, dtype=np.float64)
    columns = np.where(np.isfinite(columns), columns, np.nan)
    columns += 0.0  # -0.0 becomes 0.0
    columns.sort(axis=1)  # NaN last
    n = columns.shape[1] - np.isnan(columns).sum(axis=1, keepdims=True)
    ranks = np.minimum((_edge_quantiles() * n).astype(int), np.maximum(n - 1, 0))
    edges = np.nan_to_num(np.take_along_axis(columns, ranks, axis=1))
    return edges, _is_crowded(columns, edges[:, MIDDLE])


def _edge_quantiles() -> NDArray[np.float64]:
    import numpy as np
    from scipy.special import ndtr

    quantiles: NDArray[np.float64] = ndtr((np.arange(1, N_CODES) - MIDDLE - 0.5) / STEPS)
    return quantiles


def _cells(distances: NDArray[np.float32]) -> NDArray[np.uint32]:
    import numpy as np

    return np.ascontiguousarray(distances).view(np.uint32) >> np.uint32(32 - BITS)


def _order_of_cells() -> NDArray[np.int64]:
    """The place of each cell when they are put in order of their numbers."""
    import numpy as np

    half = N_CELLS // 2
    return np.concatenate([half + np.arange(half), half - 1 - np.arange(half)])


def _is_crowded(columns: NDArray[np.float64], pivots: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether cells do not fit a column: many values lie in one, and are not all the same, or are beyond single precision."""
    import numpy as np

    if columns.shape[1] == 0:
        return np.zeros(len(columns), bool)
    apart = max(1, int(CROWDED * columns.shape[1]))
    some = columns[:, ::apart]
    with np.errstate(over="ignore"):
        distances = (some - pivots[:, None]).astype(np.float32)
    is_same_cell = _cells(distances[:, 1:]) == _cells(distances[:, :-1])
    found: NDArray[np.bool_] = (is_same_cell & (some[:, 1:] > some[:, :-1])).any(axis=1) | np.isinf(distances).any(axis=1)
    return found
