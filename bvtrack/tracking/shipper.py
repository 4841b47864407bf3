"""Sends a journal to MLflow while the training goes on, and finishes after it."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bvtrack.tracking import journal as journals
from bvtrack.tracking import names
from bvtrack.tracking.address import read_address
from bvtrack.tracking.cause import is_missing, is_refused, short_cause
from bvtrack.tracking.context import read_context
from bvtrack.tracking.harmless import logger
from bvtrack.tracking.journal import JournalError, Record, read_header, read_kept, read_records, record
from bvtrack.tracking.ledger import Bundle, Ledger
from bvtrack.tracking.lock import Held, held
from bvtrack.tracking.progress import Progress
from bvtrack.tracking.report_writer import ReportWriter
from bvtrack.tracking.target import without_credentials

if TYPE_CHECKING:
    from bvtrack.tracking.mlflow_writer import MlflowWriter

POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
"""Between two tries of a store that is down: how late its return may be noticed."""
LONGEST_REST_SECONDS = 2.0
"""Of a thread that keeps to its share of the time: setting up a store takes seconds, once."""
PATIENCE_SECONDS = 60.0
"""How long after the training's end a store may stay out of reach before the rest is left in the journal."""
FINISH_SECONDS = 600.0
"""How long after the training's end a slow store is given to take the rest."""
SHOWN_CHUNK_BYTES = 1 << 17
"""Of some thousand points: how often somebody who waits hears of it."""
MLFLOW_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""One try a call: the pause between tries is ours, and MLflow's own would block for minutes. And no word on the address, which
may hold a password, and no bar for a file of some kilobytes.
"""
LOOK_AROUND_SECONDS = 60.0
"""Between two looks at how the experiment's other runs do; the last is at the training's end."""
NORMAL_TRIES = 2
"""A store that fails once may be locked by another training for a moment; one that fails again is out of reach."""


class StillWritingError(Exception):
    """The training of a journal is still there, and its own process sends it."""


class FileError(Exception):
    """An artifact could not be written; its path."""


class Clock(Protocol):
    """What is needed of the module `time`."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Shipper:
    """Sends what follows from a journal's records, in order, and notes beside it how far it has come.

    The journals that the same training left before it was interrupted go first.
    """

    def __init__(
        self,
        journal: Path,
        tracking_uri: str,
        *,
        experiment: str | None = None,
        chunk_bytes: int = journals.CHUNK_BYTES,
        with_report: bool = False,
    ) -> None:
        """Take up where the last one stopped, by chunks of that size. Raises `JournalError` where `journal` is none.

        `with_report` keeps the run's report up to date, which takes a process of its own: Matplotlib's state is the user's.
        """
        self._journal = journal
        self._uri = tracking_uri
        self._chunk_bytes = chunk_bytes
        self._header = read_header(journal)
        if experiment is not None:
            self._header = {**self._header, "experiment": experiment}
        self._ledger = Ledger(self._header["options"])
        self._unsent: list[Record] = []
        self._sent = Bundle()
        self._progress = Progress.towards(journal, read_address(tracking_uri).place)
        self._earlier = list(_earlier_journals(journal, self._header))
        self._writer: MlflowWriter | None = None
        self._files: dict[str, Any] = {}
        self._report = ReportWriter() if with_report else None
        self._is_latest = True
        self._went_away = False
        self._look_again_at = -math.inf
        self._offset = self._take_again()

    @property
    def has_sent_the_end(self) -> bool:
        """Whether the journal says that the training is over, and all of it is sent."""
        return self._ledger.state != "running" and not self._unsent

    @property
    def program(self) -> str:
        """The path of the training's script."""
        return str(self._header["tags"]["mlflow.source.name"])

    @property
    def offset(self) -> int:
        """How far the journal has been sent."""
        return self._progress.offset

    @property
    def refused(self) -> list[str]:
        """What MLflow refuses for good, in words."""
        return list(self._writer.refused if self._writer else self._progress.refused)

    def ship(self, *, is_over: bool = False) -> bool:
        """Send some of what is new; true where nothing was left to send. Raises what MLflow raises.

        `is_over` says that the training is: if it went away without a word, its run is ended as interrupted.
        """
        if not self._has_sent_earlier():
            return False
        if not self._unsent:  # what an outage holds up stays on disk
            records, self._offset = read_records(self._journal, self._offset, chunk_bytes=self._chunk_bytes)
            self._take(records)
        if is_over and not self._unsent and self._ledger.state == "running":
            self._went_away = True
            self._take([{**record("end", state="interrupted"), "timestamp": self._ledger.timestamp}])
        is_idle = not self._unsent and not self._files
        if self._unsent:
            self._send()
        self._send_files()
        if self._report and self._writer and not is_over and self._is_latest and self._report.is_due(self._ledger.timestamp):
            self._report.begin(self._ledger, self._writer)
        if self._progress.problem:
            self._note(problem=None, is_run_missing=False)
        return is_idle

    def finish(self) -> None:
        """Remove the journal, and what stands beside it where its training went away: nobody will ask for that then."""
        journals.discard(self._journal)
        if self._went_away:
            journals.forget(self._journal)

    def say_that_all_has_arrived(self) -> None:
        """Let the training go, which waits for that."""
        with contextlib.suppress(OSError):  # it has ended already, and what it left is tidied up
            self._note(is_complete=True)

    def write_report(self) -> None:
        """Write the run's report as it is now; it holds up nothing, for it can be made at any time (`bvtrack report`)."""
        if self._report and self._writer and self._is_latest:
            self._report.write(self._ledger, self._writer)

    def report(self, error: Exception) -> None:
        """Tell the training what is wrong."""
        self._note(
            problem=problem_of(error, self._uri),
            is_run_missing=is_missing(error),
            n_failures=self._progress.n_failures + 1,
        )

    def _take_again(self) -> int:
        """Take what was acknowledged by the last one; the offset behind it."""
        kept, offset = read_kept(self._journal)
        self._take(kept)
        while offset < self._progress.offset:
            records, offset = read_records(self._journal, offset, self._progress.offset)
            self._take(records)
            if not records:
                break
        if self._progress.offset:
            self._sent, self._unsent = self._ledger.bundle(()), []
            self._files = dict(self._sent.files)  # of which the offset knows nothing
        return offset

    def _take(self, records: Sequence[Record]) -> None:
        for new in records:
            self._ledger.take(new)
        self._unsent += records

    def _has_sent_earlier(self) -> bool:
        """Send the journals that the training left before; false where the process of one is still at it.

        What is wrong with one of them is for `bvtrack sync` to say, and holds up nothing here.
        """
        while self._earlier:
            try:
                refused = send_left_behind(self._earlier[0], self._uri)
                if refused:
                    self._note(refused=[*self._progress.refused, *refused])
            except Held:
                return False
            except Exception as error:
                if not _is_its_own_fault(error):
                    raise
            self._earlier.pop(0)
        return True

    def _connected(self) -> MlflowWriter:
        if self._writer is None:
            from bvtrack.tracking.mlflow_writer import MlflowWriter  # seconds of import

            is_moved = self._header["store"] != read_address(self._uri).place
            header = {**self._header, "tags": {**read_context(self._journal), **self._header["tags"]}}
            has_report = self._report is not None
            self._writer = MlflowWriter(
                self._uri,
                header,
                self._progress.run_id,
                is_moved=is_moved,
                has_report=has_report,
                refused=self._progress.refused,
            )
        return self._writer

    def _send(self) -> None:
        writer = self._connected()
        if writer.find_run() != self._progress.run_id:
            self._note(run_id=writer.run_id)
        self._write(writer, self._ledger.bundle(self._unsent))
        if self._is_time_to_look_around and self._looked_around(writer):
            self._write(writer, self._ledger.bundle(()))
        self._unsent = []
        self._note(offset=self._offset, refused=self.refused)
        if journals.spent_segments(self._journal, self._offset):
            journals.fold(self._journal, self._header, self._ledger.folded(), self._offset)

    def _write(self, writer: MlflowWriter, bundle: Bundle) -> None:
        news = bundle.since(self._sent)
        self._is_latest = writer.write(news)
        if self._is_latest:
            self._sent = bundle
            self._files |= news.files

    @property
    def _is_time_to_look_around(self) -> bool:
        has_dev_error = self._ledger.dev_digest is not None and self._ledger.verdict is not None
        return has_dev_error and (self._ledger.state != "running" or time.monotonic() >= self._look_again_at)

    def _looked_around(self, writer: MlflowWriter) -> bool:
        """Whether the experiment's other runs change what is to be said of this one; what hinders the look holds up nothing."""
        self._look_again_at = time.monotonic() + LOOK_AROUND_SECONDS
        try:
            return self._ledger.compare_with(writer.best_other_run(self._ledger.dev_digest or "", self._ledger.measure))
        except Exception as error:
            logger.debug("bvtrack: the experiment's other runs cannot be read (%s)", short_cause(error, self._uri))
            return False

    def _send_files(self) -> None:
        """Write the files that have changed. Raises `FileError` where one cannot be written; the points have arrived then."""
        for path in list(self._files):
            try:
                self._connected().write_file(path, self._files[path])
            except Exception as error:
                raise FileError(path) from error
            del self._files[path]
        if self.refused != list(self._progress.refused):
            self._note(refused=self.refused)

    def _note(self, **changes: Any) -> None:
        self._progress = replace(self._progress, **changes)
        self._progress.save(self._journal)


def send_left_behind(
    journal: Path,
    tracking_uri: str,
    report: Callable[[int], object] = lambda offset: None,
    *,
    experiment: str | None = None,
    with_report: bool = False,
) -> Sequence[str]:
    """Send a journal, whose training is over, to the end and remove it; what MLflow refuses of it for good, in words.

    `report` is told how far it is.

    A run that is still to be made goes into `experiment`, by default the one that its training meant.

    Raises what MLflow raises, `JournalError` where it is none, `StillWritingError` where its training is not over, and
    `Held` where another process is at it.
    """
    if journals.is_being_written(journal):
        raise StillWritingError
    with sending(journal, POLL_SECONDS):
        shipper = Shipper(journal, tracking_uri, experiment=experiment, chunk_bytes=SHOWN_CHUNK_BYTES, with_report=with_report)
        while not shipper.ship(is_over=True):
            report(shipper.offset)
        shipper.finish()
    journals.forget(journal)
    shipper.write_report()
    return shipper.refused


def ship_until_over(
    shipper: Shipper,
    is_over: Callable[[], bool],
    *,
    patience: float = PATIENCE_SECONDS,
    share: float = 1.0,
    clock: Clock = time,
) -> bool:
    """Ship until the training is over and everything is sent (true), at work for a `share` of the time at most.

    A store that fails is left alone for a while that doubles. False where it stays out of reach `patience` seconds longer than
    the training, takes too long for the rest, or refuses for good.
    """
    n_failures, give_up_at, finish_by = 0, math.inf, math.inf
    while True:
        was_over = is_over() or shipper.has_sent_the_end
        began = clock.monotonic()
        if was_over:
            finish_by = min(finish_by, began + FINISH_SECONDS)
        try:
            is_idle = shipper.ship(is_over=was_over)
            if is_idle and was_over:
                shipper.finish()
                return True
            n_failures, give_up_at = 0, math.inf
            worked = clock.monotonic() - began
            rest = min(worked * (1 / share - 1), LONGEST_REST_SECONDS)
            pause = 0.0 if was_over else max(rest, POLL_SECONDS if is_idle else 0.0)
            is_last = clock.monotonic() > finish_by
        except Exception as error:
            n_failures += 1
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (n_failures - 1), LONGEST_PAUSE_SECONDS)
            give_up_at = min(give_up_at, clock.monotonic() + patience) if was_over else math.inf
            is_last = _is_final(error, was_over) or clock.monotonic() + pause > min(give_up_at, finish_by)
            if is_last or n_failures >= NORMAL_TRIES:
                with contextlib.suppress(OSError):  # the disk that it is noted on may be what is full
                    shipper.report(error)
        if is_last:
            return False
        wake_up = clock.monotonic() + pause
        while (left := wake_up - clock.monotonic()) > 0 and (was_over or not is_over()):  # its end is worth a try at once
            clock.sleep(min(left, POLL_SECONDS))


def settle_mlflow() -> None:
    """Have MLflow in this process, which must be ours, fail at once and print nothing; a user's own settings stay."""
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)


def problem_of(error: Exception, tracking_uri: str) -> str:
    """What is wrong with the store, in a sentence without its credentials."""
    where = f"MLflow at {without_credentials(tracking_uri)}"
    cause = short_cause(error, tracking_uri)
    if is_missing(error):
        return f"{where} has nothing to take the points ({cause})"
    if isinstance(error, FileError):
        return f"{where} has the points, but does not take the file {error} ({cause})"
    return f"{where} does not take the points ({cause})"


def _is_final(error: Exception, was_over: bool) -> bool:
    """Whether waiting would not help; while the training goes on, somebody may put right what MLflow refuses."""
    return isinstance(error, JournalError) or (was_over and (is_refused(error) or is_missing(error)))


def _is_its_own_fault(error: Exception) -> bool:
    """Whether something else could be sent to the same store."""
    of_the_journal = (ValueError, TypeError, KeyError, FileNotFoundError, FileError, StillWritingError)
    return isinstance(error, of_the_journal) or is_refused(error) or is_missing(error)


def sending(journal: Path, timeout: float = 0) -> AbstractContextManager[None]:
    """While this lasts nobody else sends the journal. Raises `Held` where somebody does."""
    return held(journal / "lock", timeout)


def _earlier_journals(journal: Path, header: Record) -> Iterator[Path]:
    """The journals beside this one that the same training left before, oldest first."""
    for other in journals.unsent_journals(journal.parent):
        if other.name < journal.name:
            with contextlib.suppress(JournalError, OSError):
                found = read_header(other)
                if found["store"] == header["store"] and found["tags"][names.ID] == header["tags"][names.ID]:
                    yield other
