"""Which of several processes writes the run of a Tracker that was made before they were forked: the first that asks."""

from __future__ import annotations

import contextlib
import os
from weakref import WeakSet

_unclaimed: WeakSet[Claim] = WeakSet()


class Claim:
    """The right to write, of which a process and those that it forks have one between them. A copy is another one."""

    def __init__(self) -> None:
        self._maker = os.getpid()
        self._owner: int | None = None
        """The process that has it; 0 for another than this one, -1 where that cannot be told."""
        self._token: tuple[int, int] | None = None
        self._pipe: tuple[int, int] | None = None
        _unclaimed.add(self)

    def take(self) -> bool | None:
        """Whether the right is this process's, from now on; `None` where a forked process cannot tell."""
        if self._owner is None:
            self._owner = self._first()
        self._drop_token()
        return None if self._owner < 0 else self._owner == os.getpid()

    def share(self) -> None:
        """Put the token into a pipe that the process to be forked has too: of all who read from it one gets it."""
        if self._token is None:
            with contextlib.suppress(OSError):  # where there is no room for files, the maker has the right
                self._token = os.pipe()
                self._pipe = _identity(self._token[0])
                os.set_blocking(self._token[0], False)
                os.write(self._token[1], b"t")

    def _first(self) -> int:
        """The process that has the right, if this one asks now."""
        if self._token is None or _identity(self._token[0]) != self._pipe:  # a daemon closes all files, and opens others
            return os.getpid() if os.getpid() == self._maker else -1
        with contextlib.suppress(OSError):
            return os.getpid() if os.read(self._token[0], 1) else 0
        return 0

    def _drop_token(self) -> None:
        _unclaimed.discard(self)
        for descriptor in self._token or ():
            if _identity(descriptor) == self._pipe:
                os.close(descriptor)
        self._token = None

    def __del__(self) -> None:
        self._drop_token()

    def __reduce__(self) -> tuple[type[Claim], tuple[()]]:
        return Claim, ()


def _identity(descriptor: int) -> tuple[int, int] | None:
    """What file this is; `None` where it is none. Both ends of a pipe are one."""
    with contextlib.suppress(OSError):
        found = os.fstat(descriptor)
        return found.st_dev, found.st_ino
    return None


def _share_all() -> None:
    for claim in list(_unclaimed):
        claim.share()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_share_all)
