"""Follow a log that is still written: read it again whenever it has changed, and put up with what is half written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError, merged
from bvtrack.logfiles.opening import read_log

Signature = frozenset[tuple[str, int, int, int]]
"""Path, inode, size and time of change of each file."""


class Follower:
    """A log file, or a folder of them, that may grow, be replaced, be cut, or not be there yet.

    It is opened for each reading only, and read only after a change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Signature | None = None
        self.cost = 0.0
        """Seconds that the last reading took."""
        self.why_not: str | None = None
        """The reason why the last reading gave nothing."""

    def look(self) -> Sequence[LoggedFile] | None:
        """The runs, if the log has changed since the last look; empty, with `why_not`, while there is nothing to read."""
        signature = self._signature()
        if signature == self._seen:
            return None
        self._seen = signature
        started = time.monotonic()
        try:
            runs = list(merged(read_log(self._path, is_growing=True)))
        except (UnreadableLogError, OSError) as error:
            runs, self.why_not = [], str(error) if isinstance(error, UnreadableLogError) else "there is no such file yet"
        self.cost = time.monotonic() - started
        return runs

    def _signature(self) -> Signature:
        paths = self._path.rglob("*") if self._path.is_dir() else [self._path]
        found = set()
        for path in paths:
            try:
                stat = path.stat()
            except OSError:  # not there yet, or no longer
                continue
            found.add((str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return frozenset(found)
