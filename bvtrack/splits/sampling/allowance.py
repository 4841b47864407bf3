"""How much of a set a training may read before its first step: so many examples, bytes and seconds, and so much memory."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

MOST_READ = 10_000
"""Of a larger split so many examples, drawn at random, are read: of two such sets a K-S statistic of 0.02 is seen."""
READ_SECONDS = 0.2
"""How long a training reads of one set to compare distributions, where that is what ends first."""
MOST_BYTES = 1 << 25
"""Of data in memory 32 MiB: 10,000 digits of MNIST in single precision (31.4 MB) fit."""
MOST_FILE_BYTES = 1 << 23
"""Of data that may lie in a file 8 MiB, so that these and what is worked out of them take 50 MB at most."""
MOST_MEMORY = 1 << 25
"""What may become resident beside that, 32 MiB: a row of a file that is mapped into memory brings up to 128 KiB around it for
each of its columns. The system may take it back."""
GROWTH = 4
"""What is read next is no more than so many times what has been read, by which its price is known."""

_Batch = TypeVar("_Batch")


@dataclass
class Allowance:
    """What is left to be read of a set, by what has been read of it: the `first` examples tell what one takes. The clock starts
    when it is made.

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
        """How many examples may be read now: the first ones, then as many as there is room and time for; in the end none."""
        if self.n_read == 0:
            return min(self.first, self.examples)
        left = (room / price for room, price in self._rooms() if price > 0)
        return max(0, math.floor(min(self.examples - self.n_read, GROWTH * self.n_read, *left)))

    @property
    def is_used_up(self) -> bool:
        """Whether the time is over, or the room full."""
        is_full = self._n_bytes_read >= self.n_bytes or self._grown > MOST_MEMORY
        return is_full or time.monotonic() - self._start > READ_SECONDS

    def has_room_for(self, n: int) -> bool:
        """Whether `n` more may be read, where that is all or nothing."""
        return not self.is_used_up and self._grown * (self.n_read + n) <= MOST_MEMORY * max(1, self.n_read)

    @property
    def _grown(self) -> int:
        """The bytes that have become resident beside those that were read."""
        return resident_bytes() - self._resident - self._n_bytes_read if self.watches_memory else 0

    def spend(self, n: int, n_bytes: int) -> None:
        """Note that `n` examples have been read since the last time."""
        now = time.monotonic()
        self._seconds_each, self._last = (now - self._last) / n, now
        self.n_read += n
        self._n_bytes_read += n_bytes

    def _rooms(self) -> tuple[tuple[float, float], ...]:
        """Bytes, seconds and memory: what is left, and what an example takes; of the time, what it took in the last reading,
        for each reading has a price of its own.
        """
        grown = self._grown
        return (
            (self.n_bytes - self._n_bytes_read, self._n_bytes_read / self.n_read),
            (READ_SECONDS - (time.monotonic() - self._start), self._seconds_each),
            (MOST_MEMORY - grown, grown / self.n_read),
        )


def resident_bytes() -> int:
    """The memory of this process that is resident; 0 where the system does not say so in a file, as Linux does."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


def bytes_of(value: Any) -> int:
    """What an example, or an array of examples, takes: numbers by their arrays, texts by their characters."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(map(bytes_of, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(bytes_of, value))
    if getattr(getattr(value, "dtype", None), "kind", "") == "O":
        return sum(map(bytes_of, value.ravel().tolist()))
    if hasattr(value, "width") and hasattr(value, "height"):  # a picture of Pillow
        return int(value.width * value.height * len(value.getbands()))
    n_bytes = getattr(value, "nbytes", 8)
    return n_bytes if isinstance(n_bytes, int) else 8


def in_time(batches: Iterable[_Batch]) -> Iterator[_Batch]:
    """As many batches of a set as a training has time to read: the first, and those that come within `READ_SECONDS`.

    >>> list(in_time(["a batch", "another"]))
    ['a batch', 'another']
    """
    deadline = time.monotonic() + READ_SECONDS
    for batch in batches:
        yield batch
        if time.monotonic() > deadline:
            return
