"""The shipper as a thread, if no process can be started."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path

from bvtrack.journal.file_lock import Held
from bvtrack.log import logger
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.retrying import EventClock, ship_until_over
from bvtrack.shipping.run_context import note_context
from bvtrack.shipping.shipper import Shipper, is_sent, sending
from bvtrack.shipping.waiting import wait_for_the_last
from bvtrack.store.target import without_credentials

SHARE = 0.05
"""Largest share of the time that the thread may be busy: a busy thread costs a small training nearly all of its speed, as
Python runs one thread at a time."""
CHUNK_BYTES = 4096
"""Some hundred points, or 20 ms of work, at a time."""


class ShipperThread:
    """The shipper of one journal, as a thread of the training's process that ends with it."""

    def __init__(self, journal: Path, tracking_uri: str) -> None:
        self._journal = journal
        self._uri = tracking_uri
        self._is_over = threading.Event()
        self._has_arrived = False
        self._thread = threading.Thread(target=self._run, name="bvtrack", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        return Progress.of(self._journal)

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def close(self, timeout: float) -> bool:
        self._is_over.set()
        return self.wait(timeout)

    def wait(self, timeout: float) -> bool:
        wait_for_the_last(self, timeout)
        return self._has_arrived or self.progress.is_complete

    def _run(self) -> None:
        try:
            with sending(self._journal):
                if is_sent(self._journal):
                    return
                note_context(self._journal)
                shipper = Shipper(self._journal, self._uri, chunk_bytes=CHUNK_BYTES)
                self._has_arrived = ship_until_over(shipper, self._is_over.is_set, share=SHARE, clock=EventClock(self._is_over))
        except Held:
            pass
        except Exception:
            trace = without_credentials(traceback.format_exc(), self._uri)
            logger.debug("the thread that sends the points has ended:\n%s", trace)
