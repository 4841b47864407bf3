"""Where a training notes its run, for the training that goes on with it after an interruption."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack import Tracker

KEYS = {"id", "run_id", "is_owned", "epochs"}
"""Of the state of a Tracker: by them, and by an id as Trackers have, a note is one of ours."""


class Backup:
    """A file beside the weights that `keras.callbacks.BackupAndRestore` keeps, and there as long as they are."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "bvtrack.json"

    def read(self) -> Mapping[str, Any] | None:
        """What a Tracker needs to go on with the run; `None` where no training was interrupted."""
        with contextlib.suppress(OSError, ValueError):
            state = json.loads(self._file.read_text())
            is_ours = isinstance(state, dict) and state.keys() >= KEYS and re.fullmatch("[0-9a-f]{32}", str(state["id"]))
            return state if is_ours and not self._file.is_symlink() else None
        return None

    def note(self, tracker: Tracker) -> None:
        """Note the run and its epochs in one atomic step. Raises `ValueError` where something else has the file's name."""
        if os.path.lexists(self._file) and self.read() is None:
            raise ValueError(f"{self._file} must be a note of bvtrack's, got another file; give another folder as backup_dir=")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(".tmp", "bvtrack-", self._file.parent)  # a name that no file has
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(tracker.state()))
        Path(draft).replace(self._file)

    def forget(self) -> None:
        """Remove the note of a training that is complete."""
        if self.read() is not None:
            self._file.unlink(missing_ok=True)
