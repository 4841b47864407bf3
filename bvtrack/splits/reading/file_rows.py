"""Rows of an array that a file is mapped into: read from the file, so that they bring no neighbours into memory.

Of a map, each row that is looked at makes up to 128 KiB around it resident: 4,096 rows of 4,000 bytes took 258 MB.
"""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPREAD = 4
"""A row whose values lie apart is read in one piece where that is at most so many times as large."""
PROBES = 4
"""Rows of which one value is looked at in the map, to see that the file is still the one that it is of."""
COPY_ON_WRITE = "c"
"""The mode of a map whose changes are not in its file."""


def is_mapped(array: NDArray[Any]) -> bool:
    """Whether an array, or the one that it is a part of, is a map of a file."""
    owner = _root_of(array).base
    return isinstance(owner.obj if isinstance(owner, memoryview) else owner, mmap.mmap)


def file_rows(array: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any] | None:
    """The chosen rows, `[n_chosen, ...]`; `None` for what is not in a file that is known and holds the same."""
    import numpy as np

    root = _root_of(array)
    if not isinstance(root, np.memmap) or root.filename is None or root.mode == COPY_ON_WRITE or array.dtype.hasobject:
        return None
    start = array.ctypes.data - root.ctypes.data + root.offset
    found = np.empty((len(chosen), *array.shape[1:]), array.dtype)
    try:
        with Path(root.filename).open("rb", buffering=0) as file:
            rows = _Values(file, array.dtype, array.shape[1:], array.strides[1:])
            for place, index in enumerate(chosen):
                found[place] = rows.at(start + int(index) * array.strides[0])
    except (OSError, ValueError):  # the file has gone, or is shorter now
        return None
    first_value = (0,) * (array.ndim - 1)  # no more of a row, which may lie all over the map
    pairs = ((found[(place, *first_value)], array[(index, *first_value)]) for place, index in enumerate(chosen[:PROBES]))
    return found if all(one.tobytes() == other.tobytes() for one, other in pairs) else None


def _root_of(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@dataclass(frozen=True)
class _Values:
    """Arrays of one shape in a file, in steps of `strides` bytes."""

    file: BinaryIO | Any
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def at(self, offset: int) -> Any:
        """The one whose first value is at `offset`. Raises `ValueError` beyond the end of the file."""
        import numpy as np

        if self._within is not None:
            return np.stack([self._within.at(offset + index * self.strides[0]) for index in range(self.shape[0])])
        before, n_bytes = self._span
        self.file.seek(offset - before)
        return np.ndarray(self.shape, self.dtype, self.file.read(n_bytes), before, self.strides)

    @cached_property
    def _span(self) -> tuple[int, int]:
        """The bytes before the first value, and all bytes from the first one to the last."""
        reach = [(side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True)]
        before = -sum(min(0, far) for far in reach)
        return before, before + sum(max(0, far) for far in reach) + self.dtype.itemsize

    @cached_property
    def _within(self) -> _Values | None:
        """The arrays of one dimension less, where values lie too far apart to be read in one piece."""
        is_one_piece = self._span[1] <= SPREAD * self.dtype.itemsize * math.prod(self.shape)
        return None if is_one_piece else _Values(self.file, self.dtype, self.shape[1:], self.strides[1:])
