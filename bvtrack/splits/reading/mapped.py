"""Tell arrays and tensors that lie in a file from those in memory: reading a row of them brings in the file around it."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL = 1 << 20
"""Data that spans less than this, 1 MiB, costs nothing to read wherever it lies, and is not looked up."""
MAPS = Path("/proc/self/maps")
IN_MEMORY = ("/dev/", "/memfd:", "/SYSV", "[")
"""Beginnings of the paths of mapped files that are memory, such as what processes share."""


def is_mapped(values: Any) -> bool:
    """True for an array or a tensor of torch that lies in a memory-mapped file, itself or what it is a view of.

    Tensors and buffers do not say so; Linux says of their addresses.
    """
    import numpy as np

    if isinstance(values, np.ndarray):
        owner = root_of(values).base
        if isinstance(owner.obj if isinstance(owner, memoryview) else owner, mmap.mmap):
            return True
    try:
        address, n_bytes = _place_of(values)
    except (AttributeError, TypeError, RuntimeError, NotImplementedError):  # of no memory of this process
        return False
    return n_bytes >= SMALL and _is_of_a_file(address)


def root_of(array: NDArray[Any]) -> NDArray[Any]:
    """The array that an array is a view of, in the end."""
    import numpy as np

    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _place_of(values: Any) -> tuple[int, int]:
    """The address of the first value, and how many bytes it is from there to the last one."""
    import numpy as np

    if isinstance(values, np.ndarray):
        return values.ctypes.data, sum(
            (side - 1) * abs(stride) for side, stride in zip(values.shape, values.strides, strict=True)
        )
    if values.device.type != "cpu":
        raise TypeError(f"expected a tensor in this process' memory, got one on {values.device}")
    steps = sum((side - 1) * stride for side, stride in zip(values.shape, values.stride(), strict=True))
    return int(values.data_ptr()), int(steps) * int(values.element_size())


def _is_of_a_file(address: int) -> bool:
    try:
        lines = MAPS.read_text(errors="replace").splitlines()
    except OSError:  # not Linux
        return False
    for line in lines:
        span, *_, path = [*line.split(maxsplit=5), ""][:6]
        start, end = (int(part, 16) for part in span.split("-"))
        if start <= address < end:
            return bool(path) and not path.startswith(IN_MEMORY)
    return False
