"""Tells the process that started a training of its run, where the training is in processes of its own (`ddp_spawn`)."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Letter:
    """A file that one of the processes started here leaves, by a name that they know of this one."""

    def __init__(self) -> None:
        self._home = os.getpid()
        self._file = Path(tempfile.gettempdir()) / f"bvtrack-{os.urandom(16).hex()}.json"
        weakref.finalize(self, _remove, self._file, self._home)

    @property
    def is_awaited(self) -> bool:
        """True where this process was started by the one that reads it."""
        parent = multiprocessing.parent_process()
        return os.getpid() != self._home and parent is not None and parent.pid == self._home

    def post(self, state: Mapping[str, Any]) -> None:
        """Leave a Tracker's state, where that `is_awaited`. Raises `OSError`."""
        descriptor, draft = tempfile.mkstemp(dir=self._file.parent)
        with os.fdopen(descriptor, "w") as file:
            json.dump(state, file)
        Path(draft).replace(self._file)

    def take(self) -> Mapping[str, Any] | None:
        """The state that was left last; `None` where there is none, or none any more."""
        if os.getpid() != self._home:
            return None
        with contextlib.suppress(OSError, ValueError):
            state: Mapping[str, Any] = json.loads(self._file.read_text())
            self._file.unlink()
            return state
        return None


def _remove(file: Path, home: int) -> None:
    if os.getpid() == home:
        with contextlib.suppress(OSError):
            file.unlink()
