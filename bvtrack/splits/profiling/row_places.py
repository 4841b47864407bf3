"""Where in a split the rows with certain hashes are, so that copies are named by their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Rows = NDArray[np.int64]

MOST_PLACED = 1 << 18
"""Rows that are placed, 4 MiB: of a larger split those with the smallest hashes, which are the same rows in every split."""


@dataclass(frozen=True, eq=False)
class RowPlaces:
    """The `hashes` of a split's `n` rows, or of some of them, whose numbers `kept` are, from 0, ascending."""

    hashes: Hashes
    n: int
    kept: Rows | None = None

    @property
    def rows(self) -> Rows:
        """The numbers of the rows."""
        import numpy as np

        return np.arange(self.n) if self.kept is None else self.kept

    @classmethod
    def of(cls, hashes: Hashes) -> RowPlaces:
        """The places of rows with these hashes.

        >>> import numpy as np
        >>> RowPlaces.of(np.array([7, 3], np.uint64)).rows.tolist()
        [0, 1]
        """
        return cls(hashes, len(hashes))._bounded()

    def followed_by(self, other: RowPlaces) -> RowPlaces:
        """The places in both, of which `other` was read after this one."""
        import numpy as np

        are_all = self.kept is None and other.kept is None
        kept = None if are_all else np.concatenate([self.rows, other.rows + self.n])
        return RowPlaces(np.concatenate([self.hashes, other.hashes]), self.n + other.n, kept)._bounded()

    def _bounded(self) -> RowPlaces:
        import numpy as np

        if len(self.hashes) <= MOST_PLACED:
            return self
        kept = self.hashes < np.partition(self.hashes, MOST_PLACED)[MOST_PLACED]
        return RowPlaces(self.hashes[kept], self.n, self.rows[kept])


def shared_rows(earlier: RowPlaces, later: RowPlaces) -> tuple[Rows, Rows]:
    """The first row of each hash that both have, in `later` and in `earlier`, in the order of `later`.

    >>> import numpy as np
    >>> one, other = (RowPlaces.of(np.array(hashes, np.uint64)) for hashes in ([5, 7, 7], [1, 7, 5, 7]))
    >>> [rows.tolist() for rows in shared_rows(one, other)]
    [[1, 2], [1, 0]]
    """
    import numpy as np

    _, of_earlier, of_later = np.intersect1d(earlier.hashes, later.hashes, return_indices=True)
    order = np.argsort(of_later)
    return later.rows[of_later[order]], earlier.rows[of_earlier[order]]


def is_shared(earlier: RowPlaces, later: RowPlaces) -> Rows:
    """The placed rows of `later` that `earlier` has too."""
    import numpy as np

    found: Rows = later.rows[np.isin(later.hashes, earlier.hashes)]
    return found
