"""Test suites of others: where they lie in a checkout, and how they are run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inject import outcomes
from inject.callbacks import CHOICE
from inject.outcomes import Outcome, read_outcomes

SECONDS = 120
"""What a test may take."""
OURS = Path(__file__).parents[2]
SILENT = ("--quiet", "--color=no", "--tb=no", "-rN", "--no-header", "--disable-warnings", "--continue-on-collection-errors")
ENDED = (0, 1, 5)
"""pytest's exit statuses when it came to the end: all passed, some failed, none were found."""


@dataclass(frozen=True)
class Suite:
    """Tests in `folder`, run with a plugin that puts a callback into their trainings."""

    name: str
    folder: Path
    tests: Sequence[str]
    plugin: str
    path: Sequence[Path] = field(default=())
    """Of modules that go before the installed ones."""

    def run(self, callback: str, only: Sequence[str] = ()) -> dict[str, Outcome]:
        """What becomes of each test with a callback. One that ends the process has failed, and the rest is run then."""
        with tempfile.TemporaryDirectory(prefix="inject-", ignore_cleanup_errors=True) as scratch:
            file = Path(scratch, "outcomes")
            file.touch()
            done: dict[str, Outcome] = {}
            while self._pytest(callback, only or self.tests, list(done), Path(scratch)) not in ENDED:
                before, done = done, read_outcomes(file.read_text().splitlines())
                if before.keys() == done.keys():
                    raise RuntimeError(f"{self.name}: pytest cannot run {' '.join(only or self.tests)} in {self.folder}")
            return read_outcomes(file.read_text().splitlines())

    def _pytest(self, callback: str, tests: Sequence[str], done: Sequence[str], scratch: Path) -> int:
        """pytest's exit status. The working directory is a scratch one: what tests leave there does not litter the checkout."""
        own = [f"--rootdir={self.folder}", f"--basetemp={scratch}/tmp", f"--timeout={SECONDS}"]
        left_out = [f"--deselect={test}" for test in done]
        plugins = [f"-p{name}" for name in ("pytest_timeout", "inject.outcomes", self.plugin, "no:cacheprovider")]
        command = [
            sys.executable,
            "-m",
            "pytest",
            *plugins,
            *SILENT,
            *own,
            *left_out,
            *(f"{self.folder}/{test}" for test in tests),
        ]
        return subprocess.run(command, cwd=scratch, env=self._environment(callback, scratch), check=False).returncode

    def _environment(self, callback: str, scratch: Path) -> Mapping[str, str]:
        left = {name: value for name, value in os.environ.items() if not name.startswith(("BVTRACK_", "MLFLOW_"))}
        path = [*self.path, OURS, OURS / "integrations", OURS / "tests"]
        return {
            "KERAS_BACKEND": "torch",
            "OMP_NUM_THREADS": "1",
            **left,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # those that happen to be installed, of which some run failures again
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "BVTRACK_JOURNAL_DIR": str(scratch / "journals"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{scratch}/mlflow.db",
            CHOICE: callback,
            outcomes.FILE: str(scratch / "outcomes"),
        }


def lightning_suite(checkout: Path) -> Suite:
    """Raises `FileNotFoundError` where the checkout holds no such tests."""
    parts = ("callbacks", "trainer", "loops")
    return _suite("Lightning", checkout, [f"tests/tests_pytorch/{part}" for part in parts], "inject.into_lightning")


def keras_suite(checkout: Path) -> Suite:
    """With the Keras of the checkout. Raises `FileNotFoundError` where the checkout holds no such tests."""
    parts = ("keras/src/callbacks", "keras/src/trainers")
    files = [str(file.relative_to(checkout)) for part in parts for file in sorted((checkout / part).glob("*_test.py"))]
    return _suite("Keras", checkout, files or list(parts), "inject.into_keras", checkout)


def _suite(name: str, folder: Path, tests: Sequence[str], plugin: str, *path: Path) -> Suite:
    if missing := [test for test in tests if not (folder / test).exists()]:
        raise FileNotFoundError(f"expected {name}'s own tests at {folder / missing[0]}, found nothing: is it a checkout?")
    return Suite(name, folder.resolve(), tests, plugin, [one.resolve() for one in path])
