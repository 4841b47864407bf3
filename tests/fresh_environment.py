"""A virtual environment with what pip installs into it and nothing else, to be counted, weighed and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[1]
BLOCK = 512
"""Bytes in a block of `os.stat`, whatever the file system's own are."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment in `folder`."""

    folder: Path

    @property
    def scripts(self) -> Path:
        """The folder of its Python and of its commands."""
        return Path(self._place("scripts"))

    @property
    def site_packages(self) -> Path:
        return Path(self._place("purelib"))

    def run(self, command: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment in the current folder, without the caller's Python path."""
        inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        words = [str(word) for word in (self.scripts / command, *arguments)]
        return subprocess.run(words, env=inherited | variables, capture_output=True, text=True)

    def pip(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run("python", "-m", "pip", "--disable-pip-version-check", *arguments)

    def install(self, *extras: str) -> subprocess.CompletedProcess[str]:
        """Install the checkout with these extras, in the versions that CI runs."""
        wanted = f"{CHECKOUT}[{','.join(extras)}]" if extras else str(CHECKOUT)
        return self.pip("install", "--quiet", "--constraint", CHECKOUT / "constraints.txt", wanted)

    def n_packages(self) -> int:
        """What `pip list` lists, pip itself too."""
        return len(json.loads(self.pip("list", "--format", "json").stdout))

    def megabytes(self) -> float:
        """What `du` counts of its packages, compiled modules too, in millions of bytes."""
        return sum(_bytes_on_disk(file) for file in self.site_packages.rglob("*") if file.is_file()) / 1e6

    def lend(self, *names: str) -> None:
        """Link these packages, and what they need, from the running environment; what is there stays as it is."""
        for entry in {entry for one in _needed_by(*names) for entry in _entries(one)}:
            link = self.site_packages / entry.name
            if not link.exists():
                link.symlink_to(entry)

    def _place(self, kind: str) -> str:
        return sysconfig.get_path(kind, "venv", {"base": str(self.folder), "platbase": str(self.folder)})


def new_environment(folder: Path) -> Environment:
    """A virtual environment of this Python, with pip in it."""
    venv.create(folder, with_pip=True)
    return Environment(folder)


def _bytes_on_disk(file: Path) -> int:
    found = file.stat()
    return found.st_blocks * BLOCK if sys.platform != "win32" else found.st_size


def _needed_by(*names: str) -> list[Distribution]:
    """The distributions of these names, and those they need, as they are installed where this runs."""
    found: dict[str, Distribution] = {}
    left = list(names)
    while left:
        name = left.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # for another platform
            continue
        needed = [Requirement(line) for line in found[name].requires or ()]
        left += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return list(found.values())


def _entries(one: Distribution) -> Iterator[Path]:
    """The files and folders of a distribution that lie in the folder of packages itself."""
    for name in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
        yield Path(str(one.locate_file(name)))
