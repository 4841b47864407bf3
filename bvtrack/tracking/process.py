"""Starts the shipper beside a training and hears from it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bvtrack.tracking.journal import Progress

POLL_SECONDS = 0.02
DETACHED: dict[str, Any] = {"start_new_session": True} if sys.platform != "win32" else {"creationflags": 0x00004200}
"""Ctrl-C is for the training alone: a session (on Windows a process group, of lower priority) of the shipper's own."""


class ShipperProcess:
    """The shipper of one journal. It may outlive this process, to finish what the training left."""

    def __init__(self, journal: Path, tracking_uri: str) -> None:
        """Start it. Raises `OSError` where no process can be started."""
        self._journal = journal
        # -P keeps the working directory, where a user's own mlflow.py may lie, off the module path
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bvtrack.tracking.shipper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **DETACHED,
        )
        assert self._process.stdin is not None
        task = json.dumps({"journal": str(journal), "tracking_uri": tracking_uri})
        self._process.stdin.write(f"{task}\n".encode())
        self._process.stdin.flush()

    @property
    def progress(self) -> Progress:
        """How far it has come, as it last said."""
        return Progress.of(self._journal)

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone, which it should not be before `close`."""
        return self._process.poll() is not None

    def close(self, timeout: float) -> bool:
        """Say that the training is over and wait up to `timeout` seconds; true where everything has arrived.

        Does not wait for a store that is known to be out of reach.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        deadline = time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < deadline and self.progress.problem is None:
            time.sleep(POLL_SECONDS)
        has_arrived = self._process.poll() == 0
        if self._process.returncode is None:
            self._process.returncode = 0  # let go of: it goes on by itself, which Popen would warn of as forgotten
        return has_arrived
