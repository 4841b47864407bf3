"""Senders that start at once, for tests that only want their points sent: forks of a process that has imported all it takes.

A sender that a training starts imports MLflow's client, and Matplotlib for the report: seconds of a core, hundreds of times in
these tests. Here the process that the training starts says to the nursery, through a socket, what it was given: its pipes,
working directory, environment and module path. The nursery forks, and its child becomes the sender, by the same `main`.
What senders import, how they are started and what ends them is for tests that use `whole_sender`, whose processes are those
of users. They are it, too, where a training's Python has other settings than the nursery's, and where there are no forks.
"""

from __future__ import annotations

import array
import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bvtrack.shipping import process

CAN_FORK = hasattr(os, "fork") and hasattr(socket, "AF_UNIX")
WHOLE = process.START
AT_THE_DOOR = """
import array, json, os, socket, sys
door = socket.socket(socket.AF_UNIX)
door.connect({address!r})
words = json.dumps([dict(os.environ), sys.argv[1:]]).encode()
place = os.open(".", os.O_RDONLY)
door.sendmsg([len(words).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, place]))])
door.sendall(words)
sys.exit(int.from_bytes(door.recv(1) or b"\\1", "big"))
"""
"""What a training starts in the place of a sender: it ends with it, and as it does."""


def _settings() -> dict[str, str]:
    """What Python reads of its environment at its start."""
    return {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}


class Nursery:
    """The process that forks senders, for as long as this one lives; it starts with the first."""

    def __init__(self) -> None:
        self._settings = _settings()
        self._program = sys.executable
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.mkdtemp(prefix="nursery-")  # short: an address holds a hundred characters
        self._address = f"{self._folder}/door"

    def in_place_of(self, command: Sequence[str]) -> list[str]:
        """The command that has a sender from here, in the place of one that starts it; any other command as it is."""
        is_served = WHOLE in command and self._settings == _settings() and self._program == sys.executable
        if not is_served:
            return list(command)
        if self._process is None:
            self._begin()
        return [AT_THE_DOOR.format(address=self._address) if word == WHOLE else word for word in command]

    def _begin(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen(64)
            handle = listener.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(handle)],
                stdin=subprocess.PIPE,  # whose end says that this process has ended
                stdout=subprocess.DEVNULL,
                pass_fds=[handle],
                start_new_session=True,
            )
        atexit.register(self.close)

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None
        with suppress(OSError):
            Path(self._address).unlink()
            Path(self._folder).rmdir()


_nursery: Nursery | None = None


class QuickProcess(process._Process):
    """A sender's process, as a training starts it, with a sender from the nursery."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        global _nursery
        _nursery = _nursery or Nursery()
        super().__init__(_nursery.in_place_of(command), **options)


def main(handle: str) -> None:
    """Fork senders until standard input ends."""
    _import_what_senders_import()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them but who is at the door
    listener = socket.socket(fileno=int(handle))
    gc.collect()
    gc.freeze()
    if os.fork() == 0:  # it ends this process, whatever that waits for
        listener.close()
        os.read(0, 1)
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)
    path = list(sys.path)
    while True:
        door, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _become_a_sender(door, path)
        door.close()


def _import_what_senders_import() -> None:
    import importlib

    from bvtrack.store import light_client

    light_client.import_client("sqlite:///")
    with light_client._as_if_missing(light_client.UNUSED), light_client._without_collecting():
        importlib.import_module(light_client.STORES["http"])
    importlib.import_module("bvtrack.shipping.process_main")
    importlib.import_module("bvtrack.report.page")
    importlib.import_module("bvtrack.report.svg")
    with suppress(ImportError):
        importlib.import_module("matplotlib.backends.backend_svg")


def _become_a_sender(door: socket.socket, path: list[str]) -> None:
    import random

    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        size, ancillary, *_ = door.recvmsg(8, socket.CMSG_SPACE(3 * array.array("i").itemsize))
        handles = array.array("i", ancillary[0][2])
        with door.makefile("rb") as source:
            environment, added = json.loads(source.read(int.from_bytes(size, "big")))
        os.dup2(handles[0], 0)
        os.dup2(handles[1], 1)
        os.fchdir(handles[2])
        for each in handles:
            os.close(each)
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        random.seed()
        sys.path[:] = [*path, *added]
        sys.argv[:] = ["-c", *added]
        from bvtrack.shipping.process_main import main

        code = main()
    finally:
        with suppress(OSError):
            door.sendall(bytes([code]))
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
