"""Starts the shipper as a process beside a training and reads its progress."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bvtrack.journal.folder import has_records
from bvtrack.shipping.at_exit import wait_at_exit
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.waiting import POLL_SECONDS, wait_for_the_last

DETACHED: dict[str, Any] = {"start_new_session": True} if sys.platform != "win32" else {"creationflags": 0x00004200}
"""Ctrl-C reaches only the training: the shipper has its own session (on Windows a process group, of lower priority)."""
START = "import sys; sys.path += sys.argv[1:]; from bvtrack.shipping.process_main import main; sys.exit(main())"
"""-P keeps the working directory, where a user's own mlflow.py may lie, off the module path. The training's own
folders come last, so that nothing in them shadows what is installed."""

_detached: dict[int, bool] = {}
"""Ids of the detached processes that still run, and whether only a report is left to write."""


def _reap() -> None:
    """Reap the detached processes that have ended: otherwise they stay as zombies."""
    if sys.platform != "win32":
        for pid in list(_detached):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            del _detached[pid]


def _wait_for_reports(timeout: float) -> None:
    """Wait up to `timeout` seconds; on Windows, where processes outlive their parents, not at all."""
    deadline = time.monotonic() + timeout
    while any(_detached.values()) and time.monotonic() < deadline and sys.platform != "win32":
        _reap()
        time.sleep(POLL_SECONDS)


wait_at_exit(_wait_for_reports)


def _module_search_path() -> list[str]:
    """The module search path of this process, which a script may have set through `sys.path` alone."""
    return [str(Path(place).absolute()) for place in sys.path if isinstance(place, str)]


class ShipperProcess:
    """The shipper of one journal as a process. It may outlive this one, to finish what the training left."""

    def __init__(self, journal: Path, tracking_uri: str) -> None:
        """Start it. Raises `OSError` if no process can be started."""
        if not sys.executable or getattr(sys, "frozen", False):  # a frozen program would start itself
            raise FileNotFoundError("there is no Python to run")
        _reap()
        self._journal = journal
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, *_module_search_path()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **DETACHED,
        )
        assert self._process.stdin is not None
        task = json.dumps({"journal": str(journal.absolute()), "tracking_uri": tracking_uri})
        with contextlib.suppress(BrokenPipeError):  # it has ended already, which `has_ended` says
            self._process.stdin.write(f"{task}\n".encode())
            self._process.stdin.flush()

    @property
    def progress(self) -> Progress:
        return Progress.of(self._journal)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def close(self, timeout: float) -> bool:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        wait_for_the_last(self, timeout)
        has_arrived = self.progress.is_complete or (self._process.poll() == 0 and not has_records(self._journal))
        self.detach(is_only_reporting=has_arrived)
        return has_arrived

    def detach(self, *, is_only_reporting: bool = False) -> None:
        """Leave the process to finish by itself, without Popen's warning."""
        if self._process.poll() is None:
            self._process.returncode = 0
            _detached[self._process.pid] = is_only_reporting

    def __del__(self) -> None:
        """Close the pipe: a training that nothing refers to is over."""
        if (process := getattr(self, "_process", None)) is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            self.detach()
