"""Which of several processes writes the run of a Tracker that was made before they were forked: the first that asks."""

from __future__ import annotations

import contextlib
import os
from weakref import WeakSet

_unclaimed: WeakSet[Claim] = WeakSet()


class Claim:
    """The right to write, of which a process and those that it forks have one between them. A copy is another one."""

    def __init__(self) -> None:
        self._owner: int | None = None
        """The process that has it; 0 for another than this one."""
        self._token: tuple[int, int] | None = None
        _unclaimed.add(self)

    def take(self) -> bool:
        """Whether the right is this process's, from now on."""
        if self._owner is None:
            self._owner = os.getpid() if self._is_first() else 0
        self._drop_token()
        return self._owner == os.getpid()

    def share(self) -> None:
        """Put the token into a pipe that the process to be forked has too: of all who read from it one gets it."""
        if self._token is None:
            self._token = os.pipe()
            os.set_blocking(self._token[0], False)
            os.write(self._token[1], b"t")

    def _is_first(self) -> bool:
        if self._token is None:
            return True
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._token[0], 1))
        return False

    def _drop_token(self) -> None:
        _unclaimed.discard(self)
        if self._token is not None:
            for descriptor in self._token:
                os.close(descriptor)
            self._token = None

    def __del__(self) -> None:
        self._drop_token()

    def __reduce__(self) -> tuple[type[Claim], tuple[()]]:
        return Claim, ()


def _share_all() -> None:
    for claim in list(_unclaimed):
        claim.share()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_share_all)
