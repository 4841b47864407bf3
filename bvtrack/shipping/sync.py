"""Sends the journals that trainings left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bvtrack.journal.file_lock import Held
from bvtrack.journal.folder import NAME, size_of, unsent_journals
from bvtrack.journal.journal import JournalError, read_header, read_kept
from bvtrack.journal.private_files import check_own
from bvtrack.journal.reader import JournalReader
from bvtrack.journal.record_line import Record
from bvtrack.shipping.failures import StillWritingError, problem_of
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.shipper import send_left_behind
from bvtrack.store.target import checked_uri, without_credentials
from bvtrack.text import printable
from bvtrack.tracking_uri.address import read_address


@dataclass(frozen=True, slots=True)
class PendingJournal:
    """One journal and the store that it goes to, or the problem with it."""

    journal: Path
    tracking_uri: str = ""
    problem: str | None = None

    @property
    def offset(self) -> int:
        """Byte offset up to which the journal has been sent there."""
        return Progress.towards(self.journal, read_address(self.tracking_uri).place).offset

    @property
    def n_bytes(self) -> int:
        """Number of bytes left to send."""
        return 0 if self.problem else max(0, size_of(self.journal) - self.offset)

    def in_words(self) -> str:
        """The training's start, the epochs left to send, and the store; or the problem."""
        try:
            return self.problem or printable(self._described())
        except Exception as error:  # version 0.1 has no checksums, and another process may just have sent it
            return f"{type(error).__name__}: {error}"

    def _described(self) -> str:
        header = read_header(self.journal)
        began = datetime.fromtimestamp(header["timestamp"] / 1000).astimezone()
        which = header["run_id"] or header["run_name"] or "a run of its own"
        n_epochs = sum(record["kind"] == "epoch" for record in self._records())
        epochs = f"{n_epochs} epoch{'' if n_epochs == 1 else 's'}"
        return f"{which}, begun {began:%Y-%m-%d %H:%M}, {epochs} to send to {without_credentials(self.tracking_uri)}"

    def _records(self) -> Iterator[Record]:
        kept, offset, _ = read_kept(self.journal)
        yield from () if self.offset else kept
        reader = JournalReader(self.journal, max(offset, self.offset))
        while records := reader.read():
            yield from records


def pending_journals(directory: Path, tracking_uri: str | None) -> list[PendingJournal]:
    """The journals in `directory`, oldest first, for the given store, else `MLFLOW_TRACKING_URI`, else each for its own.

    Raises `ValueError` for a malformed tracking URI.
    """
    given = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    given = checked_uri(given) if given else None
    return [_pending_journal(journal, given) for journal in unsent_journals(directory)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of sending a journal: the problem, if any, and what MLflow permanently refuses."""

    problem: str | None = None
    refused: Sequence[str] = ()


def send(
    pending: PendingJournal, report: Callable[[int], object], *, experiment: str | None = None, is_over: bool = False
) -> Outcome:
    """Send one journal to the end, into `experiment` if its run is still to be created.

    `report` is called with the offset reached. `is_over` says that the training is over, if that cannot be told from here.
    """
    if pending.problem:
        return Outcome(pending.problem)
    try:
        return Outcome(
            refused=send_left_behind(
                pending.journal, pending.tracking_uri, report, experiment=experiment, with_report=True, is_over=is_over
            )
        )
    except StillWritingError:
        return Outcome("its training goes on, and sends it by itself")
    except Held:
        return Outcome("its training, or the process that it left behind, is still sending it; try again in a minute")
    except Exception as error:  # a problem with one journal does not block the next
        return Outcome(problem_of(error, pending.tracking_uri))


def _pending_journal(journal: Path, given: str | None) -> PendingJournal:
    try:
        check_own(journal)
        if not NAME.fullmatch(journal.name):
            raise JournalError(f"{journal.name!r} is no name of a journal's; give it back the one that it had, or remove it")
        return PendingJournal(journal, given or checked_uri(_kept_address(read_header(journal))))
    except (ValueError, OSError) as error:
        return PendingJournal(journal, problem=str(error))


def _kept_address(header: Record) -> str:
    """The intended store's address. Raises `ValueError` if it was not kept because it needs its credentials."""
    address = header.get("address", header["store"])  # version 0.1 kept the address as shown
    if address is None:
        shown = str(header["store"]).partition("#")[0]
        raise ValueError(
            f"the address that its training sent to, {shown}, held credentials and is not kept;"
            " pass it again as --tracking-uri (or MLFLOW_TRACKING_URI)"
        )
    return str(address)
