"""Locks that processes hold on a journal, where its file system knows locks."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock
from filelock import Timeout as Held

from bvtrack.journal.private_files import PRIVATE

__all__ = ["Held", "acquired", "held"]


def acquired(path: Path, timeout: float = 0) -> FileLock | None:
    """The lock, held until its `release` or the end of the process; `None` on a file system that knows none, and where a file
    with content, or something else, has that name: locking would empty it.

    Raises `Held` where another one holds it for longer than `timeout` seconds.
    """
    if _is_taken(path):
        return None
    lock = FileLock(path, mode=PRIVATE, thread_local=False)
    try:
        lock.acquire(timeout=timeout)
    except Held:
        raise
    except Exception:  # what a cluster's file system answers is as different as they are
        return None
    return lock


def _is_taken(path: Path) -> bool:
    with contextlib.suppress(OSError):
        found = path.lstat()
        return not stat.S_ISREG(found.st_mode) or found.st_size > 0
    return False


@contextlib.contextmanager
def held(path: Path, timeout: float = 0) -> Iterator[None]:
    """Hold the lock while this lasts. Raises `Held` as `acquired` does."""
    lock = acquired(path, timeout)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
