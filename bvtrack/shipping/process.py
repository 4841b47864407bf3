"""Starts the shipper as a process beside a training, tells it what to send, and reads its progress.

Trainings of one process share it, as long as they have the same store, environment, working directory and module path: it
takes a second of a core to import MLflow's client.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack.journal.folder import has_records
from bvtrack.journal.writer_process import this_process
from bvtrack.shipping import aside
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.waiting import wait_for_the_last
from bvtrack.store.run_group import VARIABLE
from bvtrack.tracking_uri.sqlite_file import sqlite_file

DETACHED: dict[str, Any] = {"start_new_session": True} if sys.platform != "win32" else {"creationflags": 0x00004200}
"""Ctrl-C reaches only the training: the shipper has its own session (on Windows a process group, of lower priority)."""
START = "import sys; sys.path += sys.argv[1:]; from bvtrack.shipping.process_main import main; sys.exit(main())"
"""-P keeps the working directory, where a user's own mlflow.py may lie, off the module path. The training's own
folders come last, so that nothing in them shadows what is installed."""
CAN_HEAR = hasattr(os, "set_blocking")
"""True if a pipe can be read without waiting, by which one hears of a journal's end. Elsewhere (on Windows before Python 3.12)
each training has a process of its own, whose end says so."""

OF_THE_TRIAL = {"PL_GLOBAL_SEED", "PL_SEED_WORKERS", "PYTHONHASHSEED", VARIABLE}
"""Variables that are set anew for each trial of a sweep, by Lightning's `seed_everything` or by custom, or for each repeat of
a group, and that no sender needs."""

KEPT_IDLE = 3
"""Idle senders that are kept beside a new one: a sweep that sets a variable anew for each trial would else leave one of each,
of some 100 MB, for as long as a sender waits for its next training."""


class _Process(subprocess.Popen[bytes]):
    """A process that may outlive this one."""

    def let_go(self) -> None:
        """Close its pipes, by which it hears that all of its trainings are over."""
        for pipe in (getattr(self, "stdin", None), getattr(self, "stdout", None)):  # one that could not be started has none
            if pipe is not None:
                pipe.close()

    def __del__(self) -> None:
        """Let go of it, without Popen's warning that it still runs."""
        self.let_go()


class _Sender:
    """A process that sends the journals it is told of, each until its training is over. It ends once it has had none for a
    while, or when the process of the trainings has ended.
    """

    def __init__(self, tracking_uri: str, circumstances: Any) -> None:
        """Start it. Raises `OSError` if no process can be started."""
        self.circumstances = circumstances
        self._heard = b""
        self._left: set[bytes] = set()
        self._going: set[str] = set()
        self._database = sqlite_file(tracking_uri)
        self._opened: tuple[int, int] | None = None
        self.process = _Process(
            [*_aside(), sys.executable, "-P", "-c", START, *_module_search_path()],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if CAN_HEAR else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **DETACHED,
        )
        if self.process.stdout is not None and hasattr(os, "set_blocking"):  # `CAN_HEAR`, as a type checker reads it
            os.set_blocking(self.process.stdout.fileno(), False)
        self._tell({"tracking_uri": tracking_uri, "training": this_process()})

    def send(self, journal: Path) -> bool:
        """Tell it to send a journal; false if it reads no more."""
        self._going.add(str(journal))
        return self._tell({"journal": str(journal)})

    @property
    def is_idle(self) -> bool:
        """True if all of its trainings are over; some of their points may still be on their way."""
        return not self._going

    @property
    def has_its_store(self) -> bool:
        """False if the SQLite file that it has open is not the one at the store's address any more: somebody has removed it."""
        return self._opened in (None, self._file_there())

    def _file_there(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            if self._database is not None:
                found = self._database.stat()
                return found.st_dev, found.st_ino
        return None

    def let_end(self) -> None:
        """Tell it that no more trainings come, so that it ends once all is sent."""
        assert self.process.stdin is not None
        with _lock:
            self.process.stdin.close()

    def end(self, journal: Path) -> None:
        """Tell it that a journal's training is over."""
        self._going.discard(str(journal))
        self._tell({"over": str(journal)})
        if not CAN_HEAR:
            self.process.let_go()

    def has_left(self, journal: Path) -> bool:
        """True if it has said that it sends no more of this journal: its name as JSON, a line among what others print."""
        self._opened = self._opened or self._file_there()
        if self.process.stdout is not None:
            with _lock, contextlib.suppress(OSError, ValueError):
                while said := self.process.stdout.read(1 << 16):
                    self._heard += said
                *lines, self._heard = self._heard.split(b"\n")
                self._left.update(lines)
        return json.dumps(str(journal)).encode() in self._left

    def _tell(self, words: Mapping[str, Any]) -> bool:
        assert self.process.stdin is not None
        try:
            with _lock:
                self.process.stdin.write(f"{json.dumps(words)}\n".encode())
        except (OSError, ValueError):  # it has ended, or its pipes are closed
            return False
        return True


_lock = threading.RLock()
"""Held while a sender is chosen, told or heard: trainings may run in threads, and end wherever garbage is collected."""
_senders: list[_Sender] = []


class ShipperProcess:
    """The shipper of one journal in a process, which may outlive this one to finish what the training left."""

    def __init__(self, journal: Path, tracking_uri: str) -> None:
        """Have it sent. Raises `OSError` if no process can be started."""
        if not sys.executable or getattr(sys, "frozen", False):  # a frozen program would start itself
            raise FileNotFoundError("there is no Python to run")
        self._journal = journal.absolute()
        self._uri = tracking_uri
        self._training = os.getpid()
        self._is_over = False
        self._may_begin_anew = True
        self._sender = _told_to_send(self._journal, tracking_uri)

    @property
    def progress(self) -> Progress:
        return Progress.of(self._journal)

    @property
    def has_ended(self) -> bool:
        """True if nothing sends this journal any more. One that reached a sender just as that was ending goes to another, once,
        and so does what is left of a training that is over where its sender was killed.
        """
        if self._is_elsewhere:
            return False
        exit_code = self._process.poll()  # before its last words are heard
        if self._sender.has_left(self._journal):
            return True
        is_due = exit_code == 0 or (exit_code is not None and self._is_over)
        if is_due and self._may_begin_anew and has_records(self._journal):
            self._may_begin_anew = False
            with contextlib.suppress(OSError):
                self._sender = _told_to_send(self._journal, self._uri)
                if self._is_over:
                    self._sender.end(self._journal)
                return False
        return exit_code is not None

    def close(self, timeout: float) -> bool:
        self.detach()
        return self.wait(timeout)

    def wait(self, timeout: float) -> bool:
        wait_for_the_last(self, timeout)
        return self.progress.is_complete or (self.has_ended and not has_records(self._journal))

    def detach(self) -> None:
        """Say that the training is over, and leave the process to finish by itself."""
        if not (self._is_over or self._is_elsewhere):
            self._is_over = True
            self._sender.end(self._journal)

    def __del__(self) -> None:
        """A training that nothing refers to is over."""
        if hasattr(self, "_sender"):
            self.detach()

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        return self._sender.process

    @property
    def _is_elsewhere(self) -> bool:
        """True in a forked process, whose parent it is that has the sender."""
        return self._training != os.getpid()


def _told_to_send(journal: Path, tracking_uri: str) -> _Sender:
    """A sender that has been told to send this journal: one that runs in the same circumstances, else a new one.

    Raises `OSError` if none can be started.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_TRIAL}
    circumstances = (tracking_uri, environment, _working_directory(), _module_search_path(), sys.executable)
    with _lock:
        _senders[:] = [sender for sender in _senders if sender.process.poll() is None]
        for sender in _senders if CAN_HEAR else ():
            if sender.circumstances == circumstances and sender.has_its_store and sender.send(journal):
                return sender
        idle = [sender for sender in _senders if sender.is_idle]
        for sender in idle[:-KEPT_IDLE]:
            sender.let_end()
        sender = _Sender(tracking_uri, circumstances)
        _senders.append(sender)
        sender.send(journal)  # where it has ended already, `has_ended` says so
        return sender


def _aside() -> list[str]:
    """The program that starts the sender as no child of this process; nothing where there are no forks, or no source of it."""
    with contextlib.suppress(OSError):
        return [sys.executable, "-I", "-S", "-c", inspect.getsource(aside)] if hasattr(os, "fork") else []
    return []


def _module_search_path() -> list[str]:
    """The module search path of this process, which a script may have set through `sys.path` alone."""
    return [str(Path(place).absolute()) for place in sys.path if isinstance(place, str)]


def _working_directory() -> Path | None:
    with contextlib.suppress(FileNotFoundError):  # somebody has removed it
        return Path.cwd()
    return None


def _leave_to_the_parent() -> None:
    """In a forked process: its parent's senders are not its own, and it holds none of their pipes open."""
    global _lock
    _lock = threading.RLock()  # a thread that held it has not been forked
    for sender in _senders:
        sender.process.let_go()
    _senders.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)
