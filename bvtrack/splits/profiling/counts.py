"""Counts of numeric columns: the histogram of each, and sums of products for each pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvtrack.splits.profiling.binning import LARGEST_SCORE, N_DIGITS, WIDTH, Coding, scores
from bvtrack.splits.profiling.threads import by_parts
from bvtrack.splits.reading.block_sizes import ROWS_AT_ONCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.profiling.binning import Numbers

MOST_PAIRED = 256
"""Columns whose pairwise products are summed; of wider data these are spread evenly over all columns."""
ROWS_FOR_PRODUCTS = 1024
"""The products of centred squares, which are at most 98, add up exactly in single precision over this many rows: 98 * 98 *
1,024 < 2 ** 24."""
CENTRE = LARGEST_SCORE**2 // 2


@dataclass(frozen=True)
class Counts:
    """Exact counts of `n` rows of `d` columns, of which `m` are paired; counts can be added.

    `codes` `[d, 128]` is the histogram of the codes, `digits` `[d, 256]` that of the mantissa bits after them; `products` and
    `squares` `[m, m]` are the sums of products of two columns' scores, and of their squared scores.
    """

    n: int
    codes: NDArray[np.int64]
    digits: NDArray[np.int64]
    products: NDArray[np.int64]
    squares: NDArray[np.int64]

    @classmethod
    def of(cls, coding: Coding, numbers: Numbers) -> Counts:
        """Count rows `[n, d]`, in several threads if there are many."""
        import numpy as np

        assert len(coding.byte_tables[0] if numbers.dtype == np.uint8 else coding.tables) == numbers.shape[1]
        counted = by_parts(len(numbers), lambda rows: cls._counted(coding, numbers[rows]))
        return sum(counted[1:], counted[0])

    @classmethod
    def _counted(cls, coding: Coding, numbers: Numbers) -> Counts:
        import numpy as np

        d = numbers.shape[1]
        paired = paired_columns(d)
        codes, digits = np.zeros((d, WIDTH), np.int64), np.zeros((d, N_DIGITS), np.int64)
        sums = np.zeros((2, len(paired), len(paired)))
        score_of, place = scores(), {column: index for index, column in enumerate(paired)}
        for start in range(0, len(numbers), ROWS_AT_ONCE):
            rows = numbers[start : start + ROWS_AT_ONCE]
            scored = np.empty((len(paired), len(rows)), np.float32)
            for first, found, last in coding.codes(rows):
                for column, (coded, ending) in enumerate(zip(found, last, strict=True), first):
                    codes[column] += np.bincount(coded, minlength=WIDTH)
                    digits[column] += np.bincount(ending, minlength=N_DIGITS)
                    if column in place:
                        score_of.take(coded, out=scored[place[column]], mode="clip")
            sums += _products(scored)
        return cls(len(numbers), codes, digits, *_uncentred(sums, codes[paired], len(numbers)))

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.n + other.n,
            self.codes + other.codes,
            self.digits + other.digits,
            self.products + other.products,
            self.squares + other.squares,
        )


def paired_columns(d: int) -> list[int]:
    """Indices of the paired columns among `d`."""
    import numpy as np

    return [int(column) for column in np.unique(np.linspace(0, d - 1, min(d, MOST_PAIRED)).astype(int))] if d else []


def _products(scored: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums of products of scores, and of centred squares, from scores `[m, n]`, which are overwritten."""
    import numpy as np

    sums = np.zeros((2, len(scored), len(scored)))
    sums[0] = scored @ scored.T
    scored *= scored
    scored -= np.float32(CENTRE)
    for start in range(0, scored.shape[1], ROWS_FOR_PRODUCTS):
        some = scored[:, start : start + ROWS_FOR_PRODUCTS]
        sums[1] += some @ some.T
    return sums


def _uncentred(sums: NDArray[np.float64], codes: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    import numpy as np

    of_squares = codes @ (scores() ** 2).astype(np.int64)
    products, squares = np.rint(sums).astype(np.int64)
    return products, squares + CENTRE * (of_squares[:, None] + of_squares[None, :]) - CENTRE**2 * n
