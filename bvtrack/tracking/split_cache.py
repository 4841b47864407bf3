"""Verdicts on splits, kept for the trainings that come back to the same data."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack.journal.private_files import PRIVATE_FOLDER, is_own_folder, read_plain, remove_file, write_private
from bvtrack.journal.record_line import plain

MOST_KEPT = 256
"""The newest ones, of some 5 KB each."""
KEYS = {"datasets", "verdict", "class_counts"}


def known_splits_dir(journal_dir: Path) -> Path:
    """Beside the journals. To remove it is to have each split tested anew."""
    return journal_dir.parent / "split-verdicts"


def recall(directory: Path, key: str) -> Mapping[str, Any] | None:
    """The entry of a key; `None` if there is none, if it cannot be read, or if other users could have written it."""
    return _content(directory / f"{key}.json") if is_own_folder(directory) else None


def keep(directory: Path, key: str, content: Mapping[str, Any]) -> None:
    """Keep what was found, as JSON; nothing where there is no room for it."""
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
    """Our own files, the oldest first."""
    return sorted((path.stat().st_mtime_ns, path) for path in directory.glob(f"{'[0-9a-f]' * 32}.json"))
