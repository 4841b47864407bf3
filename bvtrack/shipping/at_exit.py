"""Closes the runs that a program leaves open when it ends."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

from bvtrack.journal.records import EndState

EXIT_SECONDS = 5.0
"""Longest wait at exit for a sending thread, which dies with the program, and for a report, which a container may kill too."""


class Closable(Protocol):
    """The part of a record log that is needed here."""

    def close(self, state: EndState, timeout: float) -> None: ...


_open: WeakKeyDictionary[Closable, int] = WeakKeyDictionary()
_last_waits: list[Callable[[float], None]] = []


def close_at_exit(logbook: Closable) -> None:
    """Close `logbook` when this process exits, if it is still alive and open; as failed if an exception ended the process."""
    _open[logbook] = os.getpid()


def wait_at_exit(wait: Callable[[float], None]) -> None:
    """Call `wait` with a number of seconds when this process exits, after all runs are closed."""
    _last_waits.append(wait)


@atexit.register
def _close_all() -> None:
    is_interactive = hasattr(sys, "ps1")  # there the last exception may be an old one
    is_failed = not is_interactive and isinstance(getattr(sys, "last_value", None), Exception)
    for logbook, process in list(_open.items()):
        if process == os.getpid():  # not in a fork
            logbook.close("failed" if is_failed else "interrupted", EXIT_SECONDS)
    for wait in _last_waits:
        wait(EXIT_SECONDS)
