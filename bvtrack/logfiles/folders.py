"""The logs in a folder: of a trainer, of several runs, or of exported charts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bvtrack.logfiles.boosting import CATBOOST_TABLES
from bvtrack.logfiles.mlflow_folder import is_run_folder

KNOWN_FILES = (
    *("metrics.csv", "trainer_state.json", "results.csv", "summary.csv", "history.csv", "progress.csv", "training_log.csv"),
    *("history.json", "metrics.json", "scalars.json", "metrics.jsonl", "catboost_training.json", "training.log", "log.csv"),
)
"""What trainers call their logs, in the order in which they are looked for."""
ENDINGS = {".csv", ".tsv", ".jsonl", ".json"}
"""Of files that may be logs if none has a known name."""
DEEPEST = 3
"""Folders inside folders in which logs are looked for."""
MOST_FILES = 1_000
"""A folder with more files without a known name is one of data."""


def is_of_catboost(folder: Path) -> bool:
    """True for CatBoost's `catboost_info`."""
    return any((folder / name).is_file() for name in CATBOOST_TABLES)


def known_logs(folder: Path, depth: int = 0) -> Iterator[Path]:
    """The log of the folder, of several the first that is known, else those of the folders inside it."""
    if is_run_folder(folder) or (depth and is_of_catboost(folder)):
        yield folder
        return
    if own := [folder / name for name in KNOWN_FILES if (folder / name).is_file()]:
        yield own[0]
        return
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir()] if depth < DEEPEST else []
    if checkpoints := [path for path in inside if (path / "trainer_state.json").is_file()]:
        yield max(checkpoints, key=_number) / "trainer_state.json"  # the newest holds the whole history
        return
    for path in inside:
        yield from known_logs(path, depth + 1)


def other_logs(folder: Path) -> list[Path]:
    """The files with another name that may be logs; none if there are too many."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS and path.is_file()]
    return found if len(found) <= MOST_FILES else []


def _number(folder: Path) -> int:
    digits = folder.name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else -1
