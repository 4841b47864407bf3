"""The ways in which sending a journal fails, and what each means for trying again."""

from __future__ import annotations

from bvtrack.journal.journal import JournalError, UnreadableJournalError
from bvtrack.store.mlflow_errors import is_missing, is_refused, short_cause
from bvtrack.store.target import without_credentials


class StillWritingError(Exception):
    """A journal's training still runs, and its own process sends it."""


class UnknownWriterError(JournalError):
    """It cannot be told from here whether a journal's training still runs."""


class DamagedJournalError(JournalError):
    """A journal whose intact records have been sent, and which is kept for the damaged ones."""


class FileError(Exception):
    """An artifact could not be written; the message is its path."""


def problem_of(error: Exception, tracking_uri: str) -> str:
    """The problem with the store or the journal, as a sentence without the store's credentials."""
    if isinstance(error, JournalError):
        return str(error)
    where = f"MLflow at {without_credentials(tracking_uri)}"
    cause = short_cause(error, tracking_uri)
    if is_missing(error):
        return f"{where} has nothing to take the points ({cause})"
    if isinstance(error, FileError):
        return f"{where} has the points, but does not take the file {error} ({cause})"
    return f"{where} does not take the points ({cause})"


def is_final(error: Exception, was_over: bool) -> bool:
    """True if retrying cannot help; during the training, somebody may still fix what MLflow refuses."""
    if isinstance(error, UnreadableJournalError) and not was_over:
        return False  # a network file system may be back in a moment
    return isinstance(error, JournalError) or (was_over and (is_refused(error) or is_missing(error)))


def is_fault_of_journal(error: Exception) -> bool:
    """True if the journal is to blame, and another could be sent to the same store."""
    of_the_journal = (ValueError, TypeError, KeyError, FileNotFoundError, FileError, StillWritingError)
    return isinstance(error, of_the_journal) or is_refused(error) or is_missing(error)
