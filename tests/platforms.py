"""Finds what the library uses that Python lacks on Windows or macOS, and does not guard.

mypy knows the standard library of each platform, and reads an `if` with `sys.platform` or `hasattr` as a guard. What it says
for another platform and not for Linux is such a use. Packages of others are left out: this takes seconds.

python tests/platforms.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
OTHERS = ("win32", "darwin")
OPTIONS = (
    "--config-file=",
    "--explicit-package-bases",
    "--hide-error-context",
    "--ignore-missing-imports",
    "--no-error-summary",
    "--no-site-packages",
)
LOWEST = "3.11"
"""The lowest Python that is supported: what only later ones have there is lacking, too."""


def lacking(platform: str, *paths: str | Path) -> Sequence[str]:
    """Lines of mypy about what is not there on a platform (`win32`, `darwin`), in the order of the files."""
    on_linux = set(_errors("linux", paths))
    return [error for error in _errors(platform, paths) if error not in on_linux]


def _errors(platform: str, paths: Sequence[str | Path]) -> Sequence[str]:
    place = ["--cache-dir", f".mypy_cache/{platform}", "--platform", platform, "--python-version", LOWEST]
    command = [sys.executable, "-m", "mypy", *OPTIONS, *place, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "MYPYPATH": "integrations"}, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"expected mypy to check {platform}, but it failed: {done.stderr or done.stdout}")
    return [line for line in done.stdout.splitlines() if ": error: " in line]


if __name__ == "__main__":
    found = {platform: lacking(platform, "bvtrack", "integrations") for platform in OTHERS}
    for platform, errors in found.items():
        print(f"{platform}: {len(errors)} unguarded uses of what is not there", *errors, sep="\n  ")
    sys.exit(any(found.values()))
