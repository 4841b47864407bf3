"""Closes the runs that a program leaves open when it ends, and waits for what is still on its way."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Protocol
from weakref import WeakKeyDictionary

from bvtrack.journal.records import EndState
from bvtrack.shipping.unfinished import forget, wait_for_unfinished


class Closable(Protocol):
    """The part of a record log that is needed here."""

    def close(self, state: EndState, timeout: float) -> None: ...


_open: WeakKeyDictionary[Closable, int] = WeakKeyDictionary()


def close_at_exit(logbook: Closable) -> None:
    """Close `logbook` when this process exits, if it is still alive and open; as failed if an exception ended the process."""
    _open[logbook] = os.getpid()


@atexit.register
def _close_all() -> None:
    """Close all at once, so that all are finished at the same time, and wait for their points: never for a report."""
    is_interactive = hasattr(sys, "ps1")  # there the last exception may be an old one
    is_failed = not is_interactive and isinstance(getattr(sys, "last_value", None), Exception)
    for logbook, process in list(_open.items()):
        if process == os.getpid():  # not in a fork
            logbook.close("failed" if is_failed else "interrupted", 0)
    for training in wait_for_unfinished():
        training.say_what_is_left()
        forget(training)
