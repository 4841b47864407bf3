"""The shipper as a process of its own.

It is a process because a thread doing the same cost a small training four fifths of its speed. It reads on standard input, a
line of JSON each, first the tracking URI (never from the command line or the journal, because it may hold a password) and which
process it is that trains, then which journals to send, and which of their trainings are over; on standard output it writes
which journals it has left. A training is over, too, when its journal says so, when that pipe closes (the training's own workers
may hold it open a while longer), or when its process is gone.

Each journal has a thread, so that none waits for another whose store or file system hangs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from bvtrack.journal.folder import delete_folder
from bvtrack.journal.journal import JournalError, read_header
from bvtrack.journal.writer_process import lives_on
from bvtrack.shipping.aside import LOOK_SECONDS
from bvtrack.shipping.retrying import EventClock, ship_until_over
from bvtrack.shipping.run_context import note_context
from bvtrack.shipping.shipper import Shipper, is_sent, sending
from bvtrack.store.light_client import import_client
from bvtrack.store.mlflow_settings import settle_mlflow

NICENESS = 10
"""The training has priority if both want the same CPU."""
IDLE_SECONDS = 60.0
"""Time that a sender without a journal is kept for the process's next training."""
Word = dict[str, Any] | None
"""A line of standard input, or `None` for its end."""


def main() -> int:
    """Read what to send from standard input, and send it until all trainings are over and none has come for a while."""
    if sys.platform != "win32":  # there it is started with a lower priority
        os.nice(NICENESS)
    settle_mlflow()
    _outlive_one_sigterm()
    parent = os.getppid()
    lines = _lines()
    first = next(lines, None)
    if first is not None:
        words: SimpleQueue[Word] = SimpleQueue()
        threading.Thread(target=_listen, args=(lines, words), daemon=True).start()
        import_client(first["tracking_uri"])
        Sender(first["tracking_uri"], words, lambda: os.getppid() != parent and not lives_on(first["training"])).serve()
    return 0


class Sender:
    """Sends the journals that it is told of, each in a thread."""

    def __init__(self, tracking_uri: str, words: SimpleQueue[Word], is_gone: Callable[[], bool]) -> None:
        """`is_gone` says whether the process of the trainings has ended."""
        self._uri = tracking_uri
        self._words = words
        self._is_gone = is_gone
        self._notes = _notes()
        self._overs: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def serve(self) -> None:
        """Do as the words say, until the last training is over and all of it sent, and for `IDLE_SECONDS` more if another may
        come.
        """
        is_closed, busy_at = False, time.monotonic()
        while self._threads or not self._words.empty() or not (is_closed or time.monotonic() - busy_at > IDLE_SECONDS):
            with contextlib.suppress(Empty):
                word = self._words.get(timeout=LOOK_SECONDS)
                is_closed = is_closed or word is None
                self._heed(word or {})
                busy_at = time.monotonic()
            is_closed = is_closed or self._is_gone()
            for over in self._overs.values() if is_closed else ():
                over.set()
            self._threads = [thread for thread in self._threads if thread.is_alive()]
        for journal in map(Path, self._overs):
            if self._is_gone() or not _has_its_writer(journal):  # else that reads the run's id and removes it
                delete_folder(journal)

    def _heed(self, word: dict[str, Any]) -> None:
        if journal := word.get("journal"):
            over = self._overs[journal] = threading.Event()
            self._threads.append(threading.Thread(target=self._send, args=(journal, over)))
            self._threads[-1].start()
        elif over_now := self._overs.get(word.get("over", "")):
            over_now.set()

    def _send(self, journal: str, over: threading.Event) -> None:
        try:
            shipper = self._shipped(Path(journal), over)
        except Exception:  # `Held`, a journal that cannot be read: a thread of the training's own, or `bvtrack sync`, says what
            shipper = None
        with contextlib.suppress(OSError):  # nobody listens any more, or not for hundreds of trainings
            os.write(self._notes, f"\n{json.dumps(journal)}\n".encode())
        with contextlib.suppress(Exception):
            if shipper is not None:
                shipper.tie_models()  # from here on, nobody waits
                shipper.write_report()
        self._words.put({"left": journal})

    def _shipped(self, journal: Path, over: threading.Event) -> Shipper | None:
        """The shipper that has sent all of a journal; `None` if it could not, or if `bvtrack sync` did so before it."""
        with sending(journal):
            if is_sent(journal):
                return None
            shipper = Shipper(journal, self._uri, with_report=True)
            sys.argv = [shipper.program]  # MLflow looks up its commit; it is the same for all trainings of a process
            note_context(journal)
            has_arrived = ship_until_over(shipper, over.is_set, clock=EventClock(over))
        if has_arrived:
            shipper.report_completion()
        return shipper if has_arrived else None


def _has_its_writer(journal: Path) -> bool:
    """True if the training's process runs: it may have ended before this one could know it as its parent."""
    with contextlib.suppress(JournalError):
        return lives_on(read_header(journal).get("writer"))
    return False


def _outlive_one_sigterm() -> None:
    """Ignore one SIGTERM, which clusters send to all processes of a job: the training's last records are still to be sent."""
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _lines() -> Iterator[dict[str, Any]]:
    """The lines of standard input, read without a buffer: a thread that waits in one cannot be left at the process's end."""
    with open(0, "rb", buffering=0, closefd=False) as source, contextlib.suppress(ValueError):  # cut off by the writer's end
        while line := source.readline():
            yield json.loads(line)


def _listen(lines: Iterator[dict[str, Any]], words: SimpleQueue[Word]) -> None:
    for line in lines:
        words.put(line)
    words.put(None)


def _notes() -> int:
    """The pipe to the training; from here on what is printed goes nowhere."""
    notes = os.dup(1)
    if hasattr(os, "set_blocking"):
        os.set_blocking(notes, False)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    return notes
