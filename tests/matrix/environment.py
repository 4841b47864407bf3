"""An environment for a cell: made by venv and pip, and asked what is in it and what its tests say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from matrix.cells import ROOT, TABLE, Cell

PLACE = ROOT / "build" / "matrix"
WARNINGS = "filterwarnings=default\nerror:::bvtrack"
"""What packages warn each other of in other versions is not ours; what they warn our own lines of is."""
OPTIONS = ("-o", WARNINGS, "-p", "no:cacheprovider", "-rfE", "--durations", "15")
VERSIONS = """
import json, platform
from importlib.metadata import distributions
found = {one.metadata["Name"].lower(): one.version for one in distributions()}
print(json.dumps(found | {"python": platform.python_version()}))
"""


class InstallError(Exception):
    """pip could not install what a cell asks for; the message is what it said."""


class NoTestsError(Exception):
    """pytest has run no tests; the message is the file with what it said."""


class Environment:
    """The environment of a cell, in build/matrix."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.folder = PLACE / cell.name
        self.python = self.folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"

    def install(self, python: Path, *, whole: bool) -> None:
        """Make it, with this checkout in it. Raises `InstallError`."""
        PLACE.mkdir(parents=True, exist_ok=True)
        constraints = PLACE / f"{self.cell.name}.txt"
        constraints.write_text("\n".join(self.cell.constraints), encoding="utf-8")
        self._said([python, "-m", "venv", self.folder])
        self._said([self.python, "-m", "pip", "install", "--quiet", "--upgrade", "pip"])
        project = f"{ROOT}[{','.join(TABLE['extras'])}]"
        others = [line.replace("bvtrack", str(ROOT)) for line in TABLE["whole"]] if whole else []
        tools = ["pytorch-lightning", *TABLE["tools"], *others]
        asked = ["--constraint", constraints, "--editable", project, *tools]
        self._said([self.python, "-m", "pip", "install", "--quiet", "--no-compile", *asked])  # much of torch is never imported

    def versions(self) -> Mapping[str, str]:
        """What is installed, by name, and the Python itself as `python`."""
        found: Mapping[str, str] = json.loads(self._said([self.python, "-c", VERSIONS]))
        return found

    def test(self, *, whole: bool) -> Mapping[str, int]:
        """How many tests passed, failed and were skipped, of the short suite or of all; pytest's own words go to a file.

        Raises `NoTestsError` if it has run none.
        """
        report, output = (PLACE / f"{self.cell.name}.{ending}" for ending in ("xml", "log"))
        suite = ["--numprocesses", "2", "--dist", "loadfile"] if whole else TABLE["short"]
        with output.open("w", encoding="utf-8") as words:
            command = [self.python, "-m", "pytest", *OPTIONS, "--junitxml", report, *suite]
            done = subprocess.run(command, cwd=ROOT, env=_environment(), stdout=words, stderr=words)
        if done.returncode not in (0, 1):
            raise NoTestsError(f"expected pytest to run tests, but it did not: {output}")
        return counts(report)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _said(self, command: Sequence[str | Path]) -> str:
        done = subprocess.run(list(map(str, command)), env=_environment(), capture_output=True, text=True)
        if done.returncode:
            raise InstallError(f"{done.stdout}{done.stderr}".strip())
        return done.stdout


def counts(report: Path) -> Mapping[str, int]:
    """Passed, failed and skipped tests of a report of pytest in JUnit's format; errors count as failed."""
    suite = next(ElementTree.parse(report).iter("testsuite"))
    n, failed, errors, skipped = (int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped"))
    return {"passed": n - failed - errors - skipped, "failed": failed + errors, "skipped": skipped}


def _environment() -> Mapping[str, str]:
    """This process's, without what would put other packages in the way."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
