"""Verdicts on splits, kept for the trainings that come back to the same data."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack.tracking.journal import PRIVATE_FOLDER, plain, write_private

MOST_KEPT = 256
"""The newest ones, of some 5 KB each."""
KEYS = {"datasets", "verdict", "class_counts"}


def known_splits_dir(journal_dir: Path) -> Path:
    """Beside the journals. To remove it is to have each split tested anew."""
    return journal_dir.parent / "split-verdicts"


def recall(directory: Path, key: str) -> Mapping[str, Any] | None:
    """What was kept under a key; `None` where that is nothing, or nothing that can be read."""
    try:
        content = json.loads((directory / f"{key}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.keys() == KEYS else None


def keep(directory: Path, key: str, content: Mapping[str, Any]) -> None:
    """Keep what was found, as JSON; nothing where there is no room for it."""
    with contextlib.suppress(OSError):
        directory.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        write_private(directory / f"{key}.json", json.dumps(content, separators=(",", ":"), default=plain))
        for _, path in _by_age(directory)[:-MOST_KEPT]:
            path.unlink(missing_ok=True)


def _by_age(directory: Path) -> list[tuple[int, Path]]:
    """Our own files, the oldest first."""
    return sorted((path.stat().st_mtime_ns, path) for path in directory.glob(f"{'[0-9a-f]' * 32}.json"))
