"""What `make bench` counts of a program's processor time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from process_tree import COUNTS_ALL, run

BURN = "import time; start = time.process_time()\nwhile time.process_time() < start + 0.5: pass"


@pytest.mark.skipif(not COUNTS_ALL, reason="only Linux lets a process become the parent of what others left behind")
def test_a_process_that_a_program_leaves_behind_is_waited_for_and_counted(tmp_path: Path) -> None:
    leave = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}], start_new_session=True).returncode = 0"

    taken = run([sys.executable, "-c", leave], tmp_path, os.environ)

    assert taken.processor > 0.5
    assert taken.ended > taken.wall


def test_a_program_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, os.environ)
