"""How the end of a training waits for its last points."""

from __future__ import annotations

import time
from typing import Protocol

from bvtrack.shipping.progress import Progress

POLL_SECONDS = 0.02
LAST_TRY_SECONDS = 5.0
"""Given to a store that is known to be out of reach, which may hang, to take the rest after all."""


class RunningShipper(Protocol):
    """What sends a journal beside the training, started with its first record."""

    @property
    def progress(self) -> Progress:
        """How far it has come, as it last said."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether it is gone, which it should not be before `close`."""
        ...

    def close(self, timeout: float) -> bool:
        """Say that the training is over and wait up to `timeout` seconds; true where everything has arrived.

        A store that is out of reach is tried once more and not waited for.
        """
        ...


class NoShipper:
    """Stands where neither a process nor a thread can be started: the journal keeps all, for `bvtrack sync` to send."""

    progress = Progress()
    has_ended = True

    def close(self, timeout: float) -> bool:
        return False


def wait_for_the_last(shipper: RunningShipper, timeout: float) -> None:
    """Wait until `shipper`, which knows that the training is over, has sent all, or failed; `timeout` seconds at most."""
    before = shipper.progress
    deadline = time.monotonic() + (min(timeout, LAST_TRY_SECONDS) if before.problem else timeout)
    while not shipper.has_ended and time.monotonic() < deadline:
        now = shipper.progress
        if now.is_complete or (now.problem and now.n_failures > before.n_failures):
            return
        time.sleep(POLL_SECONDS)
