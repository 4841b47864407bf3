"""Identifies the process that writes a journal, and tells if it still runs: yes, no, or unknown from here."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack.journal.file_lock import Held, acquired

BOOT = Path("/proc/sys/kernel/random/boot_id")
MACHINE = Path("/etc/machine-id")
PROCESSES = Path("/proc/self/ns/pid")


def this_process() -> Mapping[str, Any]:
    """The identity of this process among those of all machines; `None` for what this system does not provide."""
    return {**_this_system(), "pid": os.getpid(), "started": _started(os.getpid())}


def is_writing(lock: Path, writer: Mapping[str, Any] | None, *, has_ended: bool) -> bool | None:
    """True if the process that `writer` describes, which holds `lock` while it runs, still writes; `None` if unknown: a lock
    proves nothing about another machine, as many file systems lock only among processes of one machine.

    `has_ended` says that it has written its last record. Version 0.1 noted no `writer`; then the lock decides, if locks are
    supported.
    """
    try:
        free = acquired(lock)
    except Held:
        return True
    if free is not None:
        free.release()
    if has_ended:
        return False
    here = _this_system()
    if writer is None:
        return None if free is None else False
    if not _is_same_boot(here, writer):
        return False if _has_rebooted(here, writer) else None
    is_running = _is_running(here, writer)
    if free is None:
        return is_running
    return None if is_running and writer["pid"] != os.getpid() else False  # some file systems grant every lock


def lives_on(writer: Mapping[str, Any] | None) -> bool:
    """True if another process, the one that `writer` describes, is known to run, on this system."""
    if writer is None or writer["pid"] == os.getpid():
        return False
    here = _this_system()
    return _is_same_boot(here, writer) and bool(_is_running(here, writer))


def _this_system() -> dict[str, Any]:
    return {
        "host": platform.node(),
        "boot": _text(BOOT),
        "machine": _text(MACHINE),
        "processes": _link(PROCESSES),
    }


def _is_same_boot(here: Mapping[str, Any], writer: Mapping[str, Any]) -> bool:
    """True if the writer ran on this system and it has not rebooted since; without boot ids, host names decide."""
    return bool(here["boot"] == writer["boot"] and (here["boot"] is not None or here["host"] == writer["host"]))


def _has_rebooted(here: Mapping[str, Any], writer: Mapping[str, Any]) -> bool:
    """True if this is the writer's machine and has rebooted since: no process survives that."""
    is_same = all(here[name] == writer[name] for name in ("host", "machine"))
    return is_same and None not in (here["boot"], writer["boot"], here["machine"])


def _is_running(here: Mapping[str, Any], writer: Mapping[str, Any]) -> bool | None:
    if here["processes"] is None or here["processes"] != writer["processes"]:
        return None  # process ids differ between containers
    return bool(_started(writer["pid"]) == writer["started"])


def _started(pid: int) -> int | None:
    """A process's start in clock ticks since boot, which no later process with the same id shares; `None` for one that has
    ended, and that nobody has waited for yet.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state == "Z" else int(numbers[18])
    return None


def _text(path: Path) -> str | None:
    with contextlib.suppress(OSError):
        return path.read_text().strip() or None
    return None


def _link(path: Path) -> str | None:
    with contextlib.suppress(OSError):
        return str(path.readlink())
    return None
