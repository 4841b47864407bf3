"""Decides which process writes the run of a Tracker that was made before a fork: the first to ask."""

from __future__ import annotations

import contextlib
import os
import sys
from weakref import WeakSet

_unclaimed: WeakSet[Claim] = WeakSet()


class Claim:
    """The right to write a run, shared by a process and its forks: only one of them gets it. A copy is a claim of its own."""

    def __init__(self) -> None:
        self._maker = os.getpid()
        self._owner: int | None = None
        """Process id of the owner; 0 for some other process, -1 if unknown."""
        self._token: tuple[int, int] | None = None
        self._pipe: tuple[int, int] | None = None
        _unclaimed.add(self)

    def take(self) -> bool | None:
        """True if this process has the right from now on; `None` if a forked process cannot tell."""
        if self._owner is None:
            self._owner = self._first()
        _unclaimed.discard(self)
        self._drop_token()
        return None if self._owner < 0 else self._owner == os.getpid()

    def share(self) -> None:
        """Put a token into a pipe that the forked process inherits: exactly one reader gets it."""
        if self._token is None and sys.platform != "win32":  # where nothing forks
            with contextlib.suppress(OSError):  # out of file descriptors: the maker has the right
                self._token = os.pipe()
                self._pipe = _identity(self._token[0])
                os.set_blocking(self._token[0], False)
                os.write(self._token[1], b"t")

    def _first(self) -> int:
        """The owner (as in `_owner`) once this process has asked."""
        if self._token is None or _identity(self._token[0]) != self._pipe:  # a daemon closes all its files and opens others
            return os.getpid() if os.getpid() == self._maker else -1
        with contextlib.suppress(OSError):
            return os.getpid() if os.read(self._token[0], 1) else 0
        return 0

    def _drop_token(self) -> None:
        for descriptor in self._token or ():
            if _identity(descriptor) == self._pipe:
                os.close(descriptor)
        self._token = None

    def __del__(self) -> None:
        self._drop_token()

    def __reduce__(self) -> tuple[type[Claim], tuple[()]]:
        return Claim, ()


def _identity(descriptor: int) -> tuple[int, int] | None:
    """Device and inode of an open file, else `None`. Both ends of a pipe have the same."""
    with contextlib.suppress(OSError):
        found = os.fstat(descriptor)
        return found.st_dev, found.st_ino
    return None


def _share_all() -> None:
    for claim in list(_unclaimed):
        claim.share()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_share_all)
