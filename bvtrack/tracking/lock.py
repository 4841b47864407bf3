"""Locks that processes hold on a journal, where its file system knows locks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock
from filelock import Timeout as Held

from bvtrack.tracking.journal import PRIVATE

__all__ = ["Held", "acquired", "held"]


def acquired(path: Path, timeout: float = 0) -> FileLock | None:
    """The lock, held until its `release` or the end of the process; `None` on a file system that knows none.

    Raises `Held` where another one holds it for longer than `timeout` seconds.
    """
    lock = FileLock(path, mode=PRIVATE, thread_local=False)
    try:
        lock.acquire(timeout=timeout)
    except Held:
        raise
    except Exception:  # what a cluster's file system answers is as different as they are
        return None
    return lock


@contextlib.contextmanager
def held(path: Path, timeout: float = 0) -> Iterator[None]:
    """Hold the lock while this lasts. Raises `Held` as `acquired` does."""
    lock = acquired(path, timeout)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
