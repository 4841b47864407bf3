"""MLflow's context tags of the training's program, such as its commit: resolved beside the training, kept in its journal.

So a run that is created later, or by another program such as `bvtrack sync`, has the training's tags.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from bvtrack.journal.journal import read_header
from bvtrack.journal.private_files import read_plain, write_private


def note_context(journal: Path) -> None:
    """Save the tags that MLflow gives to a run of the program `sys.argv[0]` in the working directory. Never raises."""
    with contextlib.suppress(Exception):  # MLflow's plugins are asked too
        from mlflow.tracking.context.registry import resolve_tags  # seconds of import

        write_private(_file(journal), json.dumps(resolve_tags(read_header(journal)["tags"])).encode())


def read_context(journal: Path) -> Mapping[str, str]:
    """The saved tags; empty if none can be read."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        noted = json.loads(read_plain(_file(journal)))
        return {str(key): str(value) for key, value in noted.items()}
    return {}


def _file(journal: Path) -> Path:
    return journal / "context.json"
