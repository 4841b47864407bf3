"""What a platform's Python lacks is noticed; `make types` looks for it in all of the library."""

from __future__ import annotations

from pathlib import Path

import pytest
from platforms import lacking

GUARDED = """
import os, sys
if sys.platform != "win32":
    os.nice(10)
if hasattr(os, "fork"):
    os.fork()
def user() -> int:
    if sys.platform == "win32":
        return 0
    return os.getuid()
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five uses that are not guarded, and three that are."""
    path = tmp_path_factory.mktemp("platforms") / "a_module.py"
    path.write_text(
        f"{GUARDED}\nimport fcntl, signal\nos.getuid()\nfcntl.flock(0, 1)\nsignal.SIGKILL\nos.sysconf('x')\nos.setsid()\n"
    )
    return path


def test_what_windows_lacks_is_noticed_where_it_is_not_guarded(module: Path) -> None:
    found = [error.partition('attribute "')[2].partition('"')[0] for error in lacking("win32", module)]

    assert found == ["getuid", "flock", "SIGKILL", "sysconf", "setsid"]


def test_what_macos_has_is_left_alone(module: Path) -> None:
    assert lacking("darwin", module) == []
