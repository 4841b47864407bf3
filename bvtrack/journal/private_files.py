"""Private files and folders: created, opened, checked for other users' access, and removed."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""Symbolic links are not followed, and a named pipe in a file's place does not block."""
REPLACE_TRIES = 10


class ForeignFileError(ValueError):
    """A file or folder that belongs to another user, or that others may have changed."""


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading. Raises `OSError` if it is missing or a symbolic link."""
    # Path.open has no opener
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_FOLLOW))


def read_plain(path: Path) -> bytes:
    """The content of a file. Raises `OSError` as `open_plain` does."""
    with open_plain(path) as file:
        return file.read()


def new_file(path: Path) -> BinaryIO:
    """Create a file for appending that only its owner may read. Raises `OSError`, also if it exists."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL
    return os.fdopen(os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), PRIVATE), "ab", buffering=0)


def write_private(path: Path, content: bytes) -> None:
    """Write a file atomically that only its owner may read. Raises `OSError`."""
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)  # left by a process that was killed
    with new_file(draft) as file:
        file.write(content)
    for _ in range(REPLACE_TRIES):
        with contextlib.suppress(PermissionError):  # Windows does not replace a file that is being read
            draft.replace(path)
            return
        time.sleep(0.01)
    draft.replace(path)


def is_own_folder(path: Path) -> bool:
    """True if this is a folder (not a link) that no other user can have written to."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and _is_ours(found) and not _is_open_to_others(found)


def check_own(folder: Path) -> None:
    """Raises `ForeignFileError` if the folder or anything in it is a link, another user's, or writable by others, and
    `OSError` if it cannot be read.
    """
    for path in (folder, *folder.iterdir()):
        found = path.lstat()
        kind = stat.S_IFMT(found.st_mode)
        if kind not in (stat.S_IFDIR, stat.S_IFREG):
            raise ForeignFileError(f"{_named(path, folder)} is a link or no file, so nothing of it is read or sent; {_COPY}")
        if not _is_ours(found):
            owner = f"another user ({_owner(found)})"
            raise ForeignFileError(f"{_named(path, folder)} belongs to {owner}, so nothing of it is read or sent; {_COPY}")
        if _is_open_to_others(found):
            why = f"can have been changed by others (mode {stat.S_IMODE(found.st_mode):o})"
            raise ForeignFileError(f"{_named(path, folder)} {why}, so nothing of it is read or sent; {_COPY}")


def remove_file(path: Path) -> None:
    """Remove a regular file; anything else of that name stays."""
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            path.unlink()


_COPY = "if you know what it holds, copy it into a folder of your own and sync that"


def _named(path: Path, folder: Path) -> str:
    return "it" if path == folder else path.name


def _is_ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or found.st_uid == os.geteuid()


def _is_open_to_others(found: os.stat_result) -> bool:
    return sys.platform != "win32" and bool(found.st_mode & WRITABLE_BY_OTHERS)


def _owner(found: os.stat_result) -> str:
    if sys.platform != "win32":  # where files have no owners that Python knows
        import pwd

        with contextlib.suppress(KeyError):
            return pwd.getpwuid(found.st_uid).pw_name
    return f"uid {found.st_uid}"
