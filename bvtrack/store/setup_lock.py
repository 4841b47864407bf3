"""Only one process at a time sets up a new SQLite store: two migrations by MLflow at once corrupt it for good."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bvtrack.journal.file_lock import held
from bvtrack.journal.private_files import remove_file
from bvtrack.tracking_uri.sqlite_file import sqlite_file

SETUP_SECONDS = 120.0
"""Longer than MLflow takes to set up a store (usually 2 s) on a busy machine with several processes waiting."""


def is_set_up(tracking_uri: str) -> bool:
    """False for an SQLite store that is not there yet, or that a process of ours is making just now."""
    database = sqlite_file(tracking_uri)
    try:
        return database is None or (database.exists() and not _guard(database).exists())
    except OSError:  # on a file system that does not answer, nothing is made
        return True


@contextlib.contextmanager
def first_use_of(tracking_uri: str) -> Iterator[None]:
    """Within a `with` block, no other process of ours opens the store for the first time.

    Raises `Held` if another process takes minutes.
    """
    database = sqlite_file(tracking_uri)
    if database is None:
        yield
        return
    guard = _guard(database)
    if database.exists() and not guard.exists():
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with held(guard, SETUP_SECONDS):
        yield
        if guard.exists() and not guard.stat().st_size:
            remove_file(guard)  # whoever waits for it finds the store set up


def _guard(database: Path) -> Path:
    return database.with_name(f"{database.name}.bvtrack-setup")
