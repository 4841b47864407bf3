"""The Pythons of this machine: those on the path, and those of pyenv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def find_python(version: str) -> Path | None:
    """A Python of this version (`3.12`), the first that says that it is; `None` if there is none."""
    return next((path for path in _candidates(version) if _version_of(path) == version), None)


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    if launcher := shutil.which("py"):  # of Windows
        said = subprocess.run(
            [launcher, f"-{version}", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True
        )
        if said.returncode == 0:
            yield Path(said.stdout.strip())


def _version_of(python: Path) -> str | None:
    """What a Python says of itself: a shim may be there for one that is not."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 else None
