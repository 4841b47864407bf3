"""Waits, after a training, until its last points are sent."""

from __future__ import annotations

import time
from typing import Protocol

from bvtrack.shipping.progress import Progress

POLL_SECONDS = 0.02
LAST_TRY_SECONDS = 5.0
"""Time for a last try with a store that is known to be unreachable, and that may hang."""


class RunningShipper(Protocol):
    """The process or thread that sends a journal during the training, started with its first record."""

    @property
    def progress(self) -> Progress:
        """Its progress as last saved."""
        ...

    @property
    def has_ended(self) -> bool:
        """True if it has ended, which it should not before `close`."""
        ...

    def close(self, timeout: float) -> bool:
        """Say that the training is over and wait up to `timeout` seconds; true if everything has arrived.

        An unreachable store is tried once more and not waited for.
        """
        ...

    def wait(self, timeout: float) -> bool:
        """After `close`, wait up to `timeout` seconds more, likewise; true if everything has arrived."""
        ...


class NoShipper:
    """The substitute if neither a process nor a thread can be started: the journal keeps all, for `bvtrack sync` to send."""

    progress = Progress()
    has_ended = True

    def close(self, timeout: float) -> bool:
        return False

    def wait(self, timeout: float) -> bool:
        return False


def wait_for_the_last(shipper: RunningShipper, timeout: float) -> None:
    """Wait up to `timeout` seconds until `shipper`, which knows that the training is over, has sent everything or failed."""
    before = shipper.progress
    deadline = time.monotonic() + (min(timeout, LAST_TRY_SECONDS) if before.problem else timeout)
    while not shipper.has_ended and time.monotonic() < deadline:
        now = shipper.progress
        if now.is_complete or (now.problem and now.n_failures > before.n_failures):
            return
        time.sleep(POLL_SECONDS)
