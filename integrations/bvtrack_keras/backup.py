"""Where a training notes its run, for the training that goes on with it after an interruption."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack import Tracker


class Backup:
    """A file beside the weights that `keras.callbacks.BackupAndRestore` keeps, and there as long as they are."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "bvtrack.json"

    def read(self) -> Mapping[str, Any] | None:
        """What a Tracker needs to go on with the run; `None` where no training was interrupted."""
        with contextlib.suppress(OSError, ValueError):
            state = json.loads(self._file.read_text())
            return state if isinstance(state, dict) and state.keys() >= {"id", "run_id", "epochs"} else None
        return None

    def note(self, tracker: Tracker) -> None:
        """Note the run and its epochs in one atomic step. Raises `ValueError` where something else has the file's name."""
        if self._file.exists() and self.read() is None:
            raise ValueError(f"{self._file} must be a note of bvtrack's, got another file; give another folder as backup_dir=")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".tmp")
        draft.write_text(json.dumps(tracker.state()))
        draft.replace(self._file)

    def forget(self) -> None:
        """Remove the note of a training that is complete."""
        if self.read() is not None:
            self._file.unlink(missing_ok=True)
