"""What becomes of the Trackers that a program leaves open when it ends."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Literal, Protocol
from weakref import WeakKeyDictionary

EXIT_SECONDS = 5.0
"""How long the end of a program waits for a thread that dies with it."""


class Closable(Protocol):
    """What is needed of a Tracker."""

    def close(self, state: Literal["interrupted", "failed"], timeout: float) -> None: ...


_open: WeakKeyDictionary[Closable, int] = WeakKeyDictionary()


def close_at_exit(tracker: Closable) -> None:
    """Close `tracker` at the end of this process, if it is still there and open: as failed where an exception ended it."""
    if not _open:
        atexit.unregister(_close_all)
        atexit.register(_close_all)
    _open[tracker] = os.getpid()


def _close_all() -> None:
    is_interactive = hasattr(sys, "ps1")  # there the last exception may be of long ago
    is_failed = not is_interactive and isinstance(getattr(sys, "last_value", None), Exception)
    for tracker, process in list(_open.items()):
        if process == os.getpid():  # not in one that was forked
            tracker.close("failed" if is_failed else "interrupted", EXIT_SECONDS)
