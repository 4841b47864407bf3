"""Lock files of journals, on file systems that support locking."""

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
    """The lock, held until `release` or the end of the process; `None` if the file system does not support locks, or if
    anything but an empty file has that name: locking would truncate it.

    Raises `Held` if it is still held by someone else after `timeout` seconds.
    """
    if _is_taken(path):
        return None
    lock = FileLock(path, mode=PRIVATE, thread_local=False)
    try:
        lock.acquire(timeout=timeout)
    except Held:
        raise
    except Exception:  # cluster file systems fail in many ways
        return None
    return lock


def _is_taken(path: Path) -> bool:
    with contextlib.suppress(OSError):
        found = path.lstat()
        return not stat.S_ISREG(found.st_mode) or found.st_size > 0
    return False


@contextlib.contextmanager
def held(path: Path, timeout: float = 0) -> Iterator[None]:
    """Hold the lock within a `with` block. Raises `Held` as `acquired` does."""
    lock = acquired(path, timeout)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
