"""The directory that journals lie in: the user's own, or the system's for temporary files."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from bvtrack.journal.private_files import (
    PRIVATE_FOLDER,
    is_own_folder,
)
from bvtrack.journal.user import user_name


def default_journal_dir() -> Path:
    """`BVTRACK_JOURNAL_DIR`, else a folder in the user's state directory; a temporary one for a user without a home."""
    if named := os.environ.get("BVTRACK_JOURNAL_DIR"):
        return absolute(named)
    from platformdirs import user_state_path  # a tenth of the time of `import bvtrack`

    try:
        path = user_state_path("bvtrack", appauthor=False) / "journals"
    except (RuntimeError, KeyError, OSError):
        return passing_journal_dir()
    return passing_journal_dir() if "~" in path.parts[:1] else absolute(path)


def absolute(directory: str | Path) -> Path:
    """The absolute path of a folder, which holds even if the training changes its working directory."""
    try:
        return Path(directory).expanduser().absolute()
    except (RuntimeError, OSError):  # a user without a home, or a working directory that is gone
        return passing_journal_dir()


def passing_journal_dir() -> Path:
    """A private folder in the system's temporary directory, which a reboot usually empties.

    It is named after the user, unless that name is taken by something that is not theirs alone.
    """
    import tempfile

    named = Path(tempfile.gettempdir()) / f"bvtrack-{user_name()}"
    with contextlib.suppress(OSError):
        named.parent.mkdir(parents=True, exist_ok=True)
        named.mkdir(PRIVATE_FOLDER, exist_ok=True)
    return named if is_own_folder(named) else Path(tempfile.mkdtemp(prefix="bvtrack-"))
