"""The budget for reading a split before the first training step: examples, bytes, seconds and resident memory."""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_READ = 10_000
"""Random sample size of a larger split: two such samples reveal a K-S statistic of 0.02."""
READ_SECONDS = 0.2
"""Time limit for reading one split to compare distributions, in seconds."""
MOST_BYTES = 1 << 25
"""Limit for data in memory, 32 MiB: 10,000 MNIST digits in single precision (31.4 MB) fit."""
MOST_FILE_BYTES = 1 << 23
"""Limit for data that may lie in a file, 8 MiB, so that it and what is computed from it take at most 50 MB."""
MOST_MEMORY = 1 << 25
"""Limit for further memory that becomes resident, 32 MiB: each row of a memory-mapped file brings in up to 128 KiB around it
for each of its columns. The system may reclaim it."""
GROWTH = 4
"""Each read is at most this many times as large as all before it, from which its cost is known."""


@dataclass
class Allowance:
    """The remaining budget for reading a split, from the cost of what was read; the `first` examples show the cost of one. The
    clock starts at construction.

    >>> allowance = Allowance(n_bytes=1000)
    >>> allowance.spend(1, 100)
    >>> allowance.more
    4
    >>> allowance.spend(4, 400)
    >>> allowance.more
    5
    """

    n_bytes: int = MOST_BYTES
    examples: int = MOST_READ
    first: int = 1
    watches_memory: bool = False
    n_read: int = field(default=0, init=False)
    _n_bytes_read: int = field(default=0, init=False)
    _start: float = field(default_factory=time.monotonic, init=False)
    _last: float = field(default=0.0, init=False)
    _seconds_each: float = field(default=0.0, init=False)
    _resident: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._last = self._start
        self._resident = resident_bytes() if self.watches_memory else 0

    @property
    def more(self) -> int:
        """Number of examples that may be read now: `first`, then as many as memory and time allow, finally 0."""
        if self.n_read == 0:
            return min(self.first, self.examples)
        left = (budget / cost for budget, cost in self._budgets() if cost > 0)
        return max(0, math.floor(min(self.examples - self.n_read, GROWTH * self.n_read, *left)))

    @property
    def is_used_up(self) -> bool:
        """True if the time is over, or the memory used."""
        is_full = self._n_bytes_read >= self.n_bytes or self._grown > MOST_MEMORY
        return is_full or time.monotonic() - self._start > READ_SECONDS

    def has_room_for(self, n: int) -> bool:
        """True if `n` more may be read, all or nothing."""
        return not self.is_used_up and self._grown * (self.n_read + n) <= MOST_MEMORY * max(1, self.n_read)

    @property
    def _grown(self) -> int:
        """Bytes that became resident on top of those that were read."""
        return resident_bytes() - self._resident - self._n_bytes_read if self.watches_memory else 0

    def spend(self, n: int, n_bytes: int) -> None:
        """Record that `n` examples have been read since the last call."""
        now = time.monotonic()
        self._seconds_each, self._last = (now - self._last) / n, now
        self.n_read += n
        self._n_bytes_read += n_bytes

    def _budgets(self) -> tuple[tuple[float, float], ...]:
        """Budget left, and cost of an example, in bytes, seconds and memory; the seconds are those of the last read, because
        each read has an overhead of its own.
        """
        grown = self._grown
        return (
            (self.n_bytes - self._n_bytes_read, self._n_bytes_read / self.n_read),
            (READ_SECONDS - (time.monotonic() - self._start), self._seconds_each),
            (MOST_MEMORY - grown, grown / self.n_read),
        )


def resident_bytes() -> int:
    """Resident memory of this process; 0 if the system does not report it in a file, as Linux does."""
    if sys.platform == "win32":
        return 0
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def bytes_of(value: Any) -> int:
    """Bytes of an example, or of an array of examples: numbers by their arrays, texts by their characters."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(map(bytes_of, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(bytes_of, value))
    if getattr(getattr(value, "dtype", None), "kind", "") == "O":
        return sum(map(bytes_of, value.ravel().tolist()))
    if hasattr(value, "width") and hasattr(value, "height"):  # a Pillow image
        return int(value.width * value.height * len(value.getbands()))
    n_bytes = getattr(value, "nbytes", 8)
    return n_bytes if isinstance(n_bytes, int) else 8
