"""Read rows of a memory-mapped array from its file, without making neighbouring rows resident.

Reading a row through the map makes up to 128 KiB around it resident: 4,096 rows of 4,000 bytes took 258 MB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bvtrack.splits.reading.mapped import root_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPREAD = 4
"""A row whose values are not contiguous is read in one piece if that is at most this many times as large."""
PROBES = 4
"""Rows whose first value is compared with the map, to check that the file is still the mapped one."""
COPY_ON_WRITE = "c"
"""The mode of a map whose changes are not written to its file."""


def file_rows(array: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any] | None:
    """The chosen rows, `[n_chosen, ...]`; `None` if no file is known, or it no longer holds the same values."""
    import numpy as np

    root = root_of(array)
    if not isinstance(root, np.memmap) or root.filename is None or root.mode == COPY_ON_WRITE or array.dtype.hasobject:
        return None
    start = array.ctypes.data - root.ctypes.data + root.offset
    found = np.empty((len(chosen), *array.shape[1:]), array.dtype)
    try:
        with Path(root.filename).open("rb", buffering=0) as file:
            rows = _Values(file, array.dtype, array.shape[1:], array.strides[1:])
            for place, index in enumerate(chosen):
                found[place] = rows.at(start + int(index) * array.strides[0])
    except (OSError, ValueError):  # the file was removed or truncated
        return None
    first_value = (0,) * (array.ndim - 1)  # one value only: a row may be spread all over the map
    pairs = ((found[(place, *first_value)], array[(index, *first_value)]) for place, index in enumerate(chosen[:PROBES]))
    return found if all(one.tobytes() == other.tobytes() for one, other in pairs) else None


@dataclass(frozen=True)
class _Values:
    """Arrays of one shape in a file, with `strides` in bytes."""

    file: BinaryIO | Any
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def at(self, offset: int) -> Any:
        """The array whose first value is at byte `offset`. Raises `ValueError` beyond the end of the file."""
        import numpy as np

        if self._within is not None:
            return np.stack([self._within.at(offset + index * self.strides[0]) for index in range(self.shape[0])])
        before, n_bytes = self._span
        self.file.seek(offset - before)
        return np.ndarray(self.shape, self.dtype, self.file.read(n_bytes), before, self.strides)

    @cached_property
    def _span(self) -> tuple[int, int]:
        """Number of bytes before the first value (negative strides), and in all."""
        reach = [(side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True)]
        before = -sum(min(0, far) for far in reach)
        return before, before + sum(max(0, far) for far in reach) + self.dtype.itemsize

    @cached_property
    def _within(self) -> _Values | None:
        """Sub-arrays with one dimension less, if the values lie too far apart to be read in one piece."""
        is_one_piece = self._span[1] <= SPREAD * self.dtype.itemsize * math.prod(self.shape)
        return None if is_one_piece else _Values(self.file, self.dtype, self.shape[1:], self.strides[1:])
