"""What MLflow notes of the program that makes a run, such as its commit: asked beside the training, kept in its journal.

A run that is made later, or by another program such as `bvtrack sync`, is still the training's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from bvtrack.journal.journal import read_header
from bvtrack.journal.private_files import read_plain, write_private


def note_context(journal: Path) -> None:
    """Note the tags that MLflow would give to a run of the program `sys.argv[0]`, in the working directory. Raises nothing."""
    with contextlib.suppress(Exception):  # plugins of MLflow's answer too
        from mlflow.tracking.context.registry import resolve_tags  # seconds of import

        write_private(_file(journal), json.dumps(resolve_tags(read_header(journal)["tags"])).encode())


def read_context(journal: Path) -> Mapping[str, str]:
    """The tags that were noted; none where nothing readable is there."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        noted = json.loads(read_plain(_file(journal)))
        return {str(key): str(value) for key, value in noted.items()}
    return {}


def _file(journal: Path) -> Path:
    return journal / "context.json"
