"""A cache of split checks, for later trainings on the same data."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack.journal.private_files import PRIVATE_FOLDER, is_own_folder, read_plain, remove_file, write_private
from bvtrack.journal.record_line import plain

MOST_KEPT = 256
"""Entries that are kept, the newest ones, of some 5 KB each."""
KEYS = {"datasets", "verdict", "class_counts"}


def known_splits_dir(journal_dir: Path) -> Path:
    """The cache's folder, beside the journals; without it each split is checked anew."""
    return journal_dir.parent / "split-verdicts"


def load(directory: Path, key: str) -> Mapping[str, Any] | None:
    """The entry of a key; `None` if there is none, if it cannot be read, or if other users could have written it."""
    return _content(directory / f"{key}.json") if is_own_folder(directory) else None


def store(directory: Path, key: str, content: Mapping[str, Any]) -> None:
    """Store the result of a check as JSON; a full disk is ignored."""
    with contextlib.suppress(OSError):
        directory.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        if not is_own_folder(directory):
            return
        write_private(directory / f"{key}.json", json.dumps(content, separators=(",", ":"), default=plain).encode())
        for _, path in _by_age(directory)[:-MOST_KEPT]:
            if _content(path) is not None:
                remove_file(path)


def _content(path: Path) -> Mapping[str, Any] | None:
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(read_plain(path))
        return content if isinstance(content, dict) and content.keys() == KEYS else None
    return None


def _by_age(directory: Path) -> list[tuple[int, Path]]:
    """The cache's own files with their modification times in ns, oldest first."""
    return sorted((path.stat().st_mtime_ns, path) for path in directory.glob(f"{'[0-9a-f]' * 32}.json"))
