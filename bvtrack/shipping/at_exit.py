"""What becomes of the runs that a program leaves open when it ends."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

from bvtrack.journal.records import EndState

EXIT_SECONDS = 5.0
"""How long the end of a program waits for a thread that dies with it, and for a report, which its container may end with it."""


class Closable(Protocol):
    """What is needed of a logbook."""

    def close(self, state: EndState, timeout: float) -> None: ...


_open: WeakKeyDictionary[Closable, int] = WeakKeyDictionary()
_last_waits: list[Callable[[float], None]] = []


def close_at_exit(logbook: Closable) -> None:
    """Close `logbook` at the end of this process, if it is still there and open: as failed where an exception ended it."""
    _open[logbook] = os.getpid()


def wait_at_exit(wait: Callable[[float], None]) -> None:
    """Call `wait` with its seconds at the end of this process, behind all closing."""
    _last_waits.append(wait)


@atexit.register
def _close_all() -> None:
    is_interactive = hasattr(sys, "ps1")  # there the last exception may be of long ago
    is_failed = not is_interactive and isinstance(getattr(sys, "last_value", None), Exception)
    for logbook, process in list(_open.items()):
        if process == os.getpid():  # not in one that was forked
            logbook.close("failed" if is_failed else "interrupted", EXIT_SECONDS)
    for wait in _last_waits:
        wait(EXIT_SECONDS)
