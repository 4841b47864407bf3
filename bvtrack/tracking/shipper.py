"""The process that sends a journal to MLflow while the training goes on, and finishes after it.

It is a process because a thread doing the same took four fifths of a small training's speed. It is told the store on
standard input, never on the command line or in the journal, for the address may hold a password. The training has ended when
the journal says so, or when that pipe closes (the training's own workers may hold it open a while longer).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from bvtrack.tracking.cause import short_cause
from bvtrack.tracking.journal import JournalError, Progress, Record, discard, forget_progress, read_header, read_records, record
from bvtrack.tracking.ledger import Bundle, Ledger
from bvtrack.tracking.target import without_credentials

if TYPE_CHECKING:
    from bvtrack.tracking.mlflow_writer import MlflowWriter

POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
"""How long after the training's end a store may stay out of reach before the rest is left in the journal."""
NICENESS = 10
"""The training goes first where both want the same processor."""
HTTP_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
"""One try a call: the pause between tries is ours, and MLflow's own would block for minutes."""
MISSING = "RESOURCE_DOES_NOT_EXIST"
"""What MLflow answers where it has no such run or experiment."""
FINAL_ERRORS = {MISSING, "INVALID_PARAMETER_VALUE", "PERMISSION_DENIED", "UNAUTHENTICATED"}
"""What MLflow answers where the same call would fail again."""


class Shipper:
    """Sends what follows from a journal's records, in order, and notes beside it how far it has come."""

    def __init__(self, journal: Path, tracking_uri: str) -> None:
        self._journal = journal
        self._uri = tracking_uri
        self._progress = Progress.of(journal)
        self._offset = self._progress.offset
        self._header = read_header(journal)
        self._ledger = Ledger(self._header["options"], is_owned=self._header["run_id"] is None)
        self._unsent: list[Record] = []
        self._sent = Bundle()
        if self._offset:
            self._take(read_records(journal, 0, self._offset)[0])
            self._sent, self._unsent = self._ledger.bundle(()), []
        self._writer: MlflowWriter | None = None
        self._went_away = False

    @property
    def has_sent_the_end(self) -> bool:
        return self._ledger.state != "running" and not self._unsent

    def ship(self) -> bool:
        """Send what is new; true where nothing was left to send. Raises what MLflow raises."""
        records, self._offset = read_records(self._journal, self._offset)
        self._take(records)
        if not self._unsent:
            return True
        self._send()
        self._note(offset=self._offset, problem=None, is_run_missing=False)
        return False

    def finish(self) -> None:
        """End the run of a training that went away without a word, and remove the journal, of which nobody will ask then."""
        if self._ledger.state == "running":
            self._went_away = True
            self._take([record("end", state="interrupted")])
            self._send()
        discard(self._journal)
        if self._went_away:
            forget_progress(self._journal)

    def report(self, error: Exception) -> None:
        """Tell the training what is wrong."""
        where = f"MLflow at {without_credentials(self._uri)}"
        cause = short_cause(error, self._uri)
        if _code(error) == MISSING:
            self._note(problem=f"{where} has nothing to take the points ({cause})", is_run_missing=True)
        else:
            self._note(problem=f"{where} does not take the points ({cause})", is_run_missing=False)

    def _take(self, records: Sequence[Record]) -> None:
        for new in records:
            self._ledger.take(new)
        self._unsent += records

    def _send(self) -> None:
        if self._writer is None:
            for name, value in HTTP_DEFAULTS.items():
                os.environ.setdefault(name, value)
            from bvtrack.tracking.mlflow_writer import MlflowWriter  # seconds of import

            self._writer = MlflowWriter(self._uri, self._progress.run_id)
        bundle = self._ledger.bundle(self._unsent)
        try:
            self._writer.write(self._header, bundle.since(self._sent))
        finally:
            if self._writer.run_id != self._progress.run_id:  # a run made now must not be made again after a failure
                self._note(run_id=self._writer.run_id)
        self._sent, self._unsent = bundle, []

    def _note(self, **changes: Any) -> None:
        self._progress = replace(self._progress, **changes)
        self._progress.save(self._journal)


def ship_until_over(shipper: Shipper, training_is_over: threading.Event, patience: float = PATIENCE_SECONDS) -> bool:
    """Ship until the training is over and everything is sent (true).

    False where the store stays out of reach `patience` seconds longer than the training, or refuses for good.
    """
    pause = FIRST_PAUSE_SECONDS
    deadline = float("inf")
    while True:
        was_over = training_is_over.is_set() or shipper.has_sent_the_end
        try:
            if shipper.ship():
                if was_over:
                    shipper.finish()
                    return True
                training_is_over.wait(POLL_SECONDS)
            pause, deadline = FIRST_PAUSE_SECONDS, float("inf")
        except Exception as error:
            shipper.report(error)
            if was_over:
                deadline = min(deadline, time.monotonic() + patience)
            if _is_final(error) or time.monotonic() + pause > deadline:
                return False
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _is_final(error: Exception) -> bool:
    return isinstance(error, JournalError) or _code(error) in FINAL_ERRORS


def _code(error: Exception) -> str | None:
    """MLflow's word for what went wrong."""
    return getattr(error, "error_code", None)


def lock_of(journal: Path) -> FileLock:
    """Held while a journal is being sent, so that nobody else sends it too."""
    return FileLock(journal.with_suffix(".lock"))


def main() -> int:
    """Read `{"journal": …, "tracking_uri": …}` from the first line of standard input and ship until that closes."""
    if sys.platform != "win32":  # there it is started so
        os.nice(NICENESS)
    task = json.loads(sys.stdin.readline())
    journal = Path(task["journal"])
    training_is_over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        training_is_over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    lock = lock_of(journal)
    try:
        with lock.acquire(timeout=0):
            complete = ship_until_over(Shipper(journal, task["tracking_uri"]), training_is_over)
    except Timeout:
        return 1
    if complete:
        Path(lock.lock_file).unlink(missing_ok=True)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
