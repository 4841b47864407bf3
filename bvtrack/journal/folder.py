"""A journal's folder on disk: its files by their exact names, and their removal once they have been sent."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from pathlib import Path

from bvtrack.journal.private_files import (
    ForeignFileError,
    check_own,
    remove_file,
)

BIRTH_SECONDS = 60.0
"""A journal older than this has its first record."""
NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{16}")
SEGMENT = re.compile(r"\d{20}\.jsonl")
_FILE = re.compile(rf"{SEGMENT.pattern}|(kept|run|progress|context)\.tmp|kept\.jsonl|(run|progress|context)\.json|writer|lock")
"""Names of a journal's folder, of its segments, and of all files that it may hold."""


def delete_segments(journal: Path) -> None:
    """Remove the records of a completely sent journal; its progress file stays until the training has read it."""
    for _, segment in segments(journal):
        remove_file(segment)
    remove_file(kept_file(journal))


def delete_folder(journal: Path) -> None:
    """Remove the folder of a journal that holds no more records; one that does stays."""
    if NAME.fullmatch(journal.name) and journal.is_dir() and not journal.is_symlink() and not has_records(journal):
        _remove_folder(journal)


def unsent_journals(directory: Path) -> Sequence[Path]:
    """The folders in `directory` that hold records, oldest first, as names begin with the time; it may be a journal itself."""
    if NAME.fullmatch(directory.name) and has_records(directory):
        return [directory]
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return sorted((one for one in directory.iterdir() if has_records(one)), key=lambda journal: journal.name)
    return []


def sweep(directory: Path) -> None:
    """Remove empty journals: of trainings that were killed before the first record, or after the last.

    A folder is a journal by its exact name and its owner, and empty if all of its files have a journal's names and none holds
    a record.
    """
    for journal in directory.iterdir() if directory.is_dir() else ():
        if NAME.fullmatch(journal.name):
            with contextlib.suppress(OSError, ForeignFileError):  # removed by another process, or not ours
                check_own(journal)
                is_young = time.time() - journal.stat().st_mtime < BIRTH_SECONDS
                files = list(journal.iterdir())
                has_been_sent = any(file.suffix == ".jsonl" for file in files) and (journal / "progress.json").exists()
                if not is_young and not has_been_sent and all(map(_holds_nothing, files)):
                    _remove_folder(journal)


def size_of(journal: Path) -> int:
    """The offset of the journal's end."""
    with contextlib.suppress(FileNotFoundError):  # sent by another process just now
        for start, segment in segments(journal)[-1:]:
            return start + segment.stat().st_size
    return 0


def segments(journal: Path) -> list[tuple[int, Path]]:
    """Each segment's byte offset, from its name, and its path, in order."""
    files = list(journal.iterdir()) if journal.is_dir() else []  # unlike glob, this raises if it cannot read
    return sorted((int(path.stem), path) for path in files if SEGMENT.fullmatch(path.name))


def writer_lock(journal: Path) -> Path:
    """The lock file that the training holds as long as it may write."""
    return journal / "writer"


def has_records(folder: Path) -> bool:
    """True if a folder holds a journal's records, or has a journal's name and cannot be read."""
    is_named = bool(NAME.fullmatch(folder.name))
    try:
        return (is_named and kept_file(folder).is_file()) or any(path.is_file() for _, path in segments(folder))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return is_named


def _holds_nothing(file: Path) -> bool:
    """True if this is one of a journal's files and holds no records."""
    return bool(_FILE.fullmatch(file.name)) and not (file.suffix == ".jsonl" and file.stat().st_size)


def _remove_folder(journal: Path) -> None:
    """Remove a journal's files, by their names, and then the folder, which fails if it holds anything else."""
    with contextlib.suppress(OSError):
        for file in journal.iterdir():
            if _FILE.fullmatch(file.name):
                remove_file(file)
        journal.rmdir()


def kept_file(journal: Path) -> Path:
    """The file of compacted records."""
    return journal / "kept.jsonl"
