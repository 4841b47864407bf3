"""The file by which a resumed training finds the run of the one that was interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

KEYS = {"id", "run_id", "is_owned", "epochs"}
"""Keys of a Tracker's state: a file with these, and with an id as Trackers have, is ours."""


class HasState(Protocol):
    """A session, or a Tracker."""

    def state(self) -> Mapping[str, Any]: ...


class Backup:
    """A file beside the weights that `keras.callbacks.BackupAndRestore` keeps, and there as long as they are."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "bvtrack.json"

    def read(self) -> Mapping[str, Any] | None:
        """The state for a Tracker to resume from; `None` if no training was interrupted."""
        with contextlib.suppress(OSError, ValueError):
            state = json.loads(self._file.read_text())
            is_ours = isinstance(state, dict) and state.keys() >= KEYS and re.fullmatch("[0-9a-f]{32}", str(state["id"]))
            return state if is_ours and not self._file.is_symlink() else None
        return None

    def note(self, writer: HasState) -> None:
        """Note the run and its epochs, by the `state()` of a session or a Tracker, in one atomic step.

        Raises `ValueError` where something else has the file's name.
        """
        if os.path.lexists(self._file) and self.read() is None:
            raise ValueError(f"{self._file} must be a note of bvtrack's, got another file; give another folder as backup_dir=")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(".tmp", "bvtrack-", self._file.parent)  # a name that no file has
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(writer.state()))
        Path(draft).replace(self._file)

    def forget(self) -> None:
        """Remove the note of a training that is complete."""
        if self.read() is not None:
            self._file.unlink(missing_ok=True)
