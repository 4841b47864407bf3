"""Only one process at a time sets up a new SQLite store: two migrations by MLflow at once corrupt it for good."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bvtrack.journal.file_lock import held
from bvtrack.journal.private_files import remove_file
from bvtrack.tracking_uri.sqlite_file import sqlite_file

SETUP_SECONDS = 120.0
"""Longer than MLflow takes to set up a store (usually 2 s) on a busy machine with several processes waiting."""


@contextlib.contextmanager
def first_use_of(tracking_uri: str) -> Iterator[None]:
    """Within a `with` block, no other process of ours opens the store for the first time.

    Raises `Held` if another process takes minutes.
    """
    database = sqlite_file(tracking_uri)
    if database is None:
        yield
        return
    guard = database.with_name(f"{database.name}.bvtrack-setup")
    if database.exists() and not guard.exists():
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with held(guard, SETUP_SECONDS):
        yield
        if guard.exists() and not guard.stat().st_size:
            remove_file(guard)  # whoever waits for it finds the store set up
