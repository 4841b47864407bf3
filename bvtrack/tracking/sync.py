"""Sends the journals that trainings left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import Timeout

from bvtrack.tracking import shipper
from bvtrack.tracking.journal import Progress, forget_progress, read_header, unsent_journals
from bvtrack.tracking.target import checked_uri, without_credentials


def sync_journals(directory: Path, tracking_uri: str | None, report: Callable[[str], object]) -> Iterator[Path]:
    """Send every journal in `directory` and `report` on each in a line; yields those that could not be sent.

    Raises `ValueError` for a malformed tracking URI.
    """
    given = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    given = checked_uri(given) if given else None
    journals = unsent_journals(directory)
    if not journals:
        report(f"nothing to send in {directory}")
    for journal in journals:
        is_sent, words = _send_from(journal, given)
        report(f"{journal.name}: {words}")
        if not is_sent:
            yield journal


def _send_from(journal: Path, given: str | None) -> tuple[bool, str]:
    """Whether one journal could be sent to the `given` store, or its own, and that in words."""
    try:
        uri = given or checked_uri(read_header(journal)["store"])
        problem = _send(journal, uri)
    except Exception as error:  # whatever is wrong with one journal, those behind it are sent
        return False, str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return problem is None, problem or f"sent to {without_credentials(uri)}"


def _send(journal: Path, uri: str) -> str | None:
    """Send one journal to the end; what is wrong, where something is."""
    is_over = threading.Event()
    is_over.set()
    lock = shipper.lock_of(journal)
    try:
        with lock.acquire(timeout=0):
            is_sent = shipper.ship_until_over(shipper.Shipper(journal, uri), is_over, patience=0)
    except Timeout:
        return "its own training is still sending it"
    if not is_sent:
        return Progress.of(journal).problem
    forget_progress(journal)
    Path(lock.lock_file).unlink(missing_ok=True)
    return None
