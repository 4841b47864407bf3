"""Read streams, which give their examples from the start alone: whole or not at all, for their start is no random sample."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import n_of, together
from bvtrack.splits.sampling.allowance import MOST_FILE_BYTES, MOST_READ, READ_SECONDS, Allowance, bytes_of

if TYPE_CHECKING:
    from bvtrack.splits.reading.batching import Batch

MOST_COPIED = 1 << 26
"""Limit in bytes for a dataset that is copied, 64 MiB."""


def read_copy(stream: Any, n: int, as_batches: Callable[[Iterable[Any]], Iterable[Any]]) -> Batch:
    """All `n` examples of a stream, from a copy, so that one that a training reads is not moved.

    Raises `ValueError` if they are not read in time or are not `n`, and whatever copying raises, as for an open file.
    """
    whole = read_to_its_end(batches(as_batches(iter(_copy_of(stream))))) if n <= MOST_READ else None
    if whole is None or n_of(whole) != n:
        name = type(stream).__name__
        raise ValueError(f"expected a set that is read by index, or to its end within {READ_SECONDS} s, got a {name}")
    return whole


def read_to_its_end(parts: Iterator[Batch]) -> Batch | None:
    """All batches as one; `None` if there is no time or room for them. The first one is not timed, for it may trace
    functions.
    """
    read: list[Batch] = []
    allowance: Allowance | None = None
    for part in parts:
        read.append(part)
        allowance = allowance or Allowance(MOST_FILE_BYTES, watches_memory=True)
        allowance.spend(n_of(part), bytes_of(list(part[0].values())))
        if allowance.is_used_up or allowance.n_read > MOST_READ:
            return None
    return together(read)


def _copy_of(stream: Any) -> Any:
    """A copy that shares nothing with the original. Raises what pickling raises, as for an iterator or an open file."""
    content = io.BytesIO()
    _SmallPickler(content).dump(stream)
    return pickle.loads(content.getvalue())


class _SmallPickler(pickle.Pickler):
    """Raises `ValueError` for what is larger than `MOST_COPIED`, before it takes as much memory again."""

    def reducer_override(self, held: Any) -> Any:
        n_bytes = getattr(held, "nbytes", 0)  # of torch's storages, which come behind their tensors, it is a method
        if isinstance(n_bytes, int) and n_bytes > MOST_COPIED:
            raise ValueError(f"expected a dataset of at most {MOST_COPIED:,} bytes to copy, got more")
        return NotImplemented
