"""Sends a journal to MLflow during the training, and finishes after it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bvtrack.journal.file_lock import Held, held
from bvtrack.journal.folder import delete_folder, delete_segments, has_records, size_of, unsent_journals, writer_lock
from bvtrack.journal.journal import CHUNK_BYTES, JournalError, compact, has_end_record, read_header, read_kept, spent_segments
from bvtrack.journal.private_files import ForeignFileError, check_own
from bvtrack.journal.reader import JournalReader
from bvtrack.journal.record_line import Record
from bvtrack.journal.records import EndRecord, TrainingRecord
from bvtrack.journal.writer_process import is_writing, lives_on
from bvtrack.log import logger
from bvtrack.schema.tags import ID
from bvtrack.shipping.failures import (
    DamagedJournalError,
    FileError,
    StillWritingError,
    UnknownWriterError,
    is_fault_of_journal,
    problem_of,
)
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.report_writer import SHORTEST_TRAINING_SECONDS, ReportWriter
from bvtrack.shipping.run_context import read_context
from bvtrack.shipping.run_state import Ledger
from bvtrack.store.bundle import Bundle
from bvtrack.store.mlflow_errors import is_missing, short_cause
from bvtrack.tracking_uri.address import read_address

if TYPE_CHECKING:
    from bvtrack.store.writer import MlflowWriter

POLL_SECONDS = 0.1
SHOWN_CHUNK_BYTES = 1 << 17
"""Chunk of some thousand points, after which a waiting user sees progress."""
COMPARE_SECONDS = 60.0
"""Time between two comparisons with the experiment's other runs; the last is at the training's end."""


class Shipper:
    """Sends what follows from a journal's records, in order, and saves its progress beside them.

    Earlier journals, which the same training left when it was interrupted, go first.
    """

    def __init__(
        self,
        journal: Path,
        tracking_uri: str,
        *,
        experiment: str | None = None,
        chunk_bytes: int = CHUNK_BYTES,
        with_report: bool = False,
        is_left_behind: bool = False,
    ) -> None:
        """Resume where the last shipper stopped, in chunks of `chunk_bytes`. Raises `JournalError` if `journal` is not one.

        `is_left_behind` says that nobody can name another run any more: a run that the store does not have is created.

        `with_report` keeps the run's report up to date, where it `has_report`, only in a process of its own: Matplotlib's
        state is the user's.
        """
        self._journal = journal
        self._uri = tracking_uri
        self._chunk_bytes = chunk_bytes
        self._header = read_header(journal)
        if experiment is not None:
            self._header = {**self._header, "experiment": experiment}
        self._progress = Progress.towards(journal, read_address(tracking_uri).place)
        self._is_cut = Progress.of(journal).offset > size_of(journal)
        self._earlier = list(_earlier_journals(journal, self._header))
        self._writer: MlflowWriter | None = None
        self._files: dict[str, Any] = {}
        self._report = ReportWriter() if with_report else None
        self._is_latest = True
        self._was_interrupted = False
        self._next_comparison_at = -math.inf
        self._is_left_behind = is_left_behind
        self._is_run_gone = False
        self._begin()

    @property
    def has_sent_the_end(self) -> bool:
        """True if the journal says that the training is over, and all of it is sent."""
        return self._ledger.state != "running" and not self._unsent

    @property
    def has_report(self) -> bool:
        """True if the run has a report, or gets one: where the training has asked for it, or has lasted long enough by its
        records, and was not asked to leave it out.
        """
        chosen = self._header["options"].get("report")
        seconds = (self._ledger.timestamp - self._first_timestamp) / 1000
        return self._report is not None and (seconds >= SHORTEST_TRAINING_SECONDS if chosen is None else bool(chosen))

    @property
    def program(self) -> str:
        """The path of the training's script."""
        return str(self._header["tags"]["mlflow.source.name"])

    @property
    def offset(self) -> int:
        """Byte offset up to which the journal has been sent."""
        return self._progress.offset

    @property
    def refused(self) -> list[str]:
        """Descriptions of what MLflow permanently refuses."""
        return list(self._writer.refused if self._writer else self._progress.refused)

    def ship(self, *, is_over: bool = False) -> bool:
        """Send the next chunk; true if nothing was left to send. Raises what MLflow raises.

        `is_over` says that the training is over: without a record of its end, its run is ended as interrupted.
        """
        if not self._has_sent_earlier():
            return False
        if not self._unsent:  # during an outage the backlog stays on disk
            self._take(self._reader.read(chunk_bytes=self._chunk_bytes))
        if is_over and not self._unsent:
            self._take(self._reader.read_tail())
        if is_over and not self._unsent and self._has_no_end_record():
            self._was_interrupted = True
            self._take([EndRecord(state="interrupted", timestamp=self._ledger.timestamp)])
        is_idle = not (self._unsent or self._files or self._is_unshown)
        is_unchecked = self._is_left_behind and self._writer is None  # the run may be gone, though all was acknowledged
        if (self._unsent or is_unchecked or self._is_unshown) and not self._has_sent(is_over=is_over):
            return False
        self._send_files()
        if not is_over:
            self._begin_report()
        if self._progress.problem:
            self._note(problem=None, is_run_missing=False)
        return is_idle

    def finish(self) -> None:
        """Remove the records, and the whole folder if the training was interrupted: nobody will read the progress then.

        Raises `DamagedJournalError` if any of it is damaged: the journal then stays as it is.
        """
        if trouble := self._trouble():
            raise DamagedJournalError(f"all that is whole has been sent, and the journal is kept: {trouble}")
        if self._header.get("group"):
            self._tag_parent()
        if self._is_left_behind:  # so that the next sync finishes an interrupted removal
            self._note(is_complete=True)
        delete_segments(self._journal)
        if self._was_interrupted:
            delete_folder(self._journal)

    def _tag_parent(self) -> None:
        """Bring the verdict over the group's repeats up to date; what is in the way of that is left to an audit."""
        try:
            self._connected().tag_parent()
        except Exception as error:
            logger.debug("bvtrack: the run's parent is not tagged (%s)", short_cause(error, self._uri))

    def report_completion(self) -> None:
        """Tell the waiting training that everything has arrived."""
        with contextlib.suppress(OSError):  # the training has ended already, and its folder is removed
            self._note(is_complete=True)

    def write_report(self) -> None:
        """Write the run's report as of now; it can also be made at any later time (`bvtrack report`)."""
        if self._report and self._writer and self._is_latest and self.has_report:
            self._report.write(self._ledger, self._writer)

    def _begin_report(self) -> None:
        due = self._report if self._is_latest and self.has_report else None
        if due and self._writer and due.is_due(self._ledger.timestamp):
            due.begin(self._ledger, self._writer)

    def tie_models(self) -> None:
        """Tie the verdict to the models that the run has logged; a store that has or takes none loses nothing else."""
        training = self._ledger.training
        if training is None or self._writer is None or not self._is_latest:
            return
        try:
            self._writer.tie_models(training)
        except Exception as error:
            logger.debug("bvtrack: the verdict is not tied to the run's models (%s)", short_cause(error, self._uri))

    def report(self, error: Exception) -> None:
        """Tell the training the problem."""
        self._note(
            problem=problem_of(error, self._uri),
            is_run_missing=is_missing(error),
            n_failures=self._progress.n_failures + 1,
        )

    def _trouble(self) -> str | None:
        """The reason to keep a journal of which everything that can be sent has been, or `None`."""
        damage = self._reader.damage
        if damage:
            others = f" and {len(damage) - 1} more" if len(damage) > 1 else ""
            return f"{damage[min(damage)]}{others}"
        if self._progress.offset < size_of(self._journal):
            return f"it has grown to {size_of(self._journal)} bytes, of which {self._progress.offset} have been sent"
        return None

    def _has_no_end_record(self) -> bool:
        """True if the training's end is not recorded; a damaged last record counts as that of the end."""
        return self._ledger.state == "running" and not (self._reader.ends_in_damage or self._is_cut)

    def _begin(self) -> None:
        """Replay the acknowledged records; if there are none, the compacted ones are to be sent.

        What the run shows may be another training's by now, in part, so its tags, verdict and files are compared anew, as one.
        """
        self._ledger = Ledger(self._header["options"])
        self._first_timestamp = int(self._header["timestamp"])
        self._unsent: list[TrainingRecord] = []
        self._sent = Bundle()
        kept, offset, is_whole = read_kept(self._journal)
        self._is_cut = self._is_cut or offset > size_of(self._journal)
        self._reader = JournalReader(self._journal, offset, header=self._header)
        if self._is_cut:
            self._reader.note(size_of(self._journal), "its end is missing, of which more had been sent")
        if not is_whole:
            self._reader.note(0, "what was kept of the epochs before is not what was written")
        self._take(kept)
        while self._reader.offset < self._progress.offset:
            records = self._reader.read(end=self._progress.offset)
            self._take(records)
            if not records:
                break
        self._is_unshown = self._progress.offset > 0
        if self._is_unshown:
            self._unsent = []

    def _take(self, records: Sequence[TrainingRecord | Record]) -> None:
        for new in records:
            try:
                taken = self._ledger.take(new)
            except (LookupError, TypeError, ValueError, AttributeError):  # version 0.1 has no checksums
                self._reader.note(self._reader.offset, f"a record before byte {self._reader.offset} is none of a training's")
            else:
                self._unsent.append(taken)
                self._first_timestamp = min(self._first_timestamp, taken.timestamp)

    def _has_sent_earlier(self) -> bool:
        """Send the training's earlier journals; false if another process is still sending one.

        A problem with one of them is left for `bvtrack sync` to report, and blocks nothing here.
        """
        while self._earlier:
            try:
                refused = send_left_behind(self._earlier[0], self._uri)
                if refused:
                    self._note(refused=[*self._progress.refused, *refused])
            except Held:
                return False
            except Exception as error:
                if not is_fault_of_journal(error):
                    raise
            self._earlier.pop(0)
        return True

    def _connected(self) -> MlflowWriter:
        if self._writer is None:
            from bvtrack.store.writer import MlflowWriter  # seconds of import

            is_moved = self._header["store"] != read_address(self._uri).place
            header = {**self._header, "tags": {**read_context(self._journal), **self._header["tags"]}}
            writer = MlflowWriter(
                self._uri,
                header,
                self._progress.run_id,
                is_moved=is_moved,
                has_report=self.has_report,
                refused=self._progress.refused,
            )
            if self._is_left_behind:
                writer.check_run()
            self._writer = writer
        return self._writer

    def _has_sent(self, *, is_over: bool) -> bool:
        """Send what is unsent; false if the run is gone, so that all of it goes to a new one. Raises what MLflow raises.

        A run named by the user is retried as long as they can name another. One that was just created may be missing from a
        server that reads a database replica, so during a training it is tried twice.
        """
        try:
            self._send()
        except Exception as error:
            is_ours = self._header["run_id"] is None or self._is_left_behind
            if not (is_missing(error) and is_ours and self._progress.run_id):
                raise
            if not self._is_run_gone and not is_over:
                self._is_run_gone = True
                raise
            self._start_over()
            return False
        self._is_run_gone = False
        return True

    def _start_over(self) -> None:
        """Drop the run, which a newly set up store does not have, and all that it has acknowledged."""
        self._header = {**self._header, "run_id": None}
        self._progress = Progress(store=self._progress.store)
        self._writer = None
        self._is_run_gone = False
        self._begin()

    def _send(self) -> None:
        writer, bundle = self._connected(), self._ledger.bundle(self._unsent)
        if writer.find_run(bundle.tags) != self._progress.run_id:
            self._note(run_id=writer.run_id)
        if writer.has_report != self.has_report:
            writer.has_report, self._sent = self.has_report, replace(self._sent, note=None)
        self._write(writer, bundle)
        if self._is_comparison_due and self._compared_with_other_runs(writer):
            self._write(writer, self._ledger.bundle(()))
        self._unsent, self._is_unshown = [], False
        experiment_id = writer.experiment_id or self._progress.experiment_id
        self._note(
            offset=self._reader.offset,
            refused=self.refused,
            experiment_id=experiment_id,
            has_view=writer.has_view or self._progress.has_view,
            headline=self._ledger.headline,
        )
        if not self._reader.damage and spent_segments(self._journal, self._reader.offset):
            compact(self._journal, self._header, self._ledger.compacted(), self._reader.offset)

    def _write(self, writer: MlflowWriter, bundle: Bundle) -> None:
        news = bundle.since(self._sent)
        self._is_latest = writer.write(news)
        if self._is_latest:
            self._sent = bundle
            self._files |= news.files
        else:
            self._sent, self._files = Bundle(), {}  # a later training has the run; if ever it has it no more, all is news

    @property
    def _is_comparison_due(self) -> bool:
        has_dev_error = self._ledger.dev_digest is not None and self._ledger.verdict is not None
        return has_dev_error and (self._ledger.state != "running" or time.monotonic() >= self._next_comparison_at)

    def _compared_with_other_runs(self, writer: MlflowWriter) -> bool:
        """True if the experiment's other runs change this run's verdict; errors in reading them block nothing."""
        self._next_comparison_at = time.monotonic() + COMPARE_SECONDS
        try:
            return self._ledger.compare_with(writer.best_other_run(self._ledger.dev_digest or "", self._ledger.measure))
        except Exception as error:
            logger.debug("bvtrack: the experiment's other runs cannot be read (%s)", short_cause(error, self._uri))
            return False

    def _send_files(self) -> None:
        """Write the files that have changed. Raises `FileError` if one cannot be written; the points have arrived then."""
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
    is_over: bool = False,
) -> Sequence[str]:
    """Send the journal of a finished training to the end and remove it; descriptions of what MLflow permanently refuses.

    `report` is called with the offset reached.

    A run still to be created goes into `experiment`, by default the one that its training named. `is_over` is the user's word
    that the training is over, if that cannot be told from here.

    Raises what MLflow raises, `JournalError` if it is not a journal, `DamagedJournalError` if part of it is damaged,
    `StillWritingError` if its training is not over, `UnknownWriterError` if that is unknown, and `Held` if another process is
    sending it.
    """
    _check_that_it_is_over(journal, is_said=is_over)
    writer = read_header(journal).get("writer")
    with sending(journal, POLL_SECONDS):
        if Progress.of(journal).is_complete:
            delete_segments(journal)
            delete_folder(journal)
            return ()
        shipper = Shipper(
            journal,
            tracking_uri,
            experiment=experiment,
            chunk_bytes=SHOWN_CHUNK_BYTES,
            with_report=with_report,
            is_left_behind=True,
        )
        while not shipper.ship(is_over=True):
            report(shipper.offset)
        shipper.finish()
    if not lives_on(writer):  # else it may ask for the run, and removes the folder itself
        delete_folder(journal)
    shipper.tie_models()
    shipper.write_report()
    return shipper.refused


def _check_that_it_is_over(journal: Path, *, is_said: bool) -> None:
    header = read_header(journal)
    writer = header.get("writer")
    has_ended = has_end_record(journal, header)
    answer = is_writing(writer_lock(journal), writer, has_ended=has_ended)
    if answer:
        raise StillWritingError
    if answer is None and not is_said:
        where = f"on {writer['host']} " if writer else ""
        raise UnknownWriterError(
            f"whether its training {where}goes on cannot be told from here, so nothing of it is sent or removed; "
            "run this there, or add --ended where you know that it is over"
        )


def sending(journal: Path, timeout: float = 0) -> AbstractContextManager[None]:
    """Lock the journal for sending, within a `with` block. Raises `Held` if somebody else is sending it."""
    return held(journal / "lock", timeout)


def is_sent(journal: Path) -> bool:
    """True if another process has sent all of it, so that only its progress is left, for the training to read."""
    return Progress.of(journal).is_complete and not has_records(journal)


def _earlier_journals(journal: Path, header: Record) -> Iterator[Path]:
    """The same training's earlier journals beside this one, oldest first."""
    beside: Sequence[Path] = ()
    with contextlib.suppress(OSError):
        beside = unsent_journals(journal.parent)
    for other in beside:
        if other.name < journal.name:
            with contextlib.suppress(JournalError, ForeignFileError, OSError):
                check_own(other)
                found = read_header(other)
                if found["store"] == header["store"] and found["tags"][ID] == header["tags"][ID]:
                    yield other
