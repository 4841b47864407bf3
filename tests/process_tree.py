"""What a program costs, whole: its time on the wall, and the processor time of itself and of all that it starts.

    python tests/process_tree.py ANSWER COMMAND...

runs the command and writes what it took to the file ANSWER, as JSON. A process that a program leaves behind, in a session of
its own, is counted too: on Linux this one becomes the parent of what has lost its own (PR_SET_CHILD_SUBREAPER, prctl(2)), and
waits for all of them. Elsewhere only what its parents waited for is counted, and on Windows nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
"""<linux/prctl.h>"""
COUNTS_ALL = sys.platform == "linux"
LIMIT_SECONDS = 600.0


@dataclass(frozen=True)
class Taken:
    """Seconds from a program's start to its end (`wall`) and to that of its last process (`ended`), and of `processor` time."""

    wall: float
    ended: float
    processor: float


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Taken:
    """Run a program in a folder, and say what it took. Raises `CalledProcessError`, with what it said, if it fails."""
    answer = folder / "taken.json"
    watched = [sys.executable, __file__, str(answer), *command]
    done = subprocess.run(watched, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()
    return Taken(**json.loads(answer.read_text()))


def wait_for_all() -> None:
    """Wait for every descendant, those of others' making included."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def main(answer: str, *command: str) -> int:
    if COUNTS_ALL:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    start = time.perf_counter()
    code = subprocess.run(command).returncode
    wall = time.perf_counter() - start
    if COUNTS_ALL:
        wait_for_all()
    used = os.times()
    processor = used.children_user + used.children_system
    taken = Taken(wall, time.perf_counter() - start, processor)
    Path(answer).write_text(json.dumps(asdict(taken)))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
