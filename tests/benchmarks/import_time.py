"""How long `import bvtrack` and `bvtrack diagnose` take, beside the import of what they leave out. Prints a Markdown table.

    python tests/benchmarks/import_time.py --rounds 5

Whole processes, one after another in rounds, so that a busy moment of the machine meets all of them; medians over the rounds.
Processor time, which other programs change less than the time on the wall, is that of the process and its children (0 where the
system does not count it). Modules are compiled beforehand, as an installation does it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

PYTHON = [sys.executable, "-c"]
CLIENT = "from bvtrack.store.light_client import import_client; import_client({!r})"
"""What the process that sends a training's points imports of MLflow, by the store that it sends to."""
COMMANDS = {
    "python -c pass": [*PYTHON, "pass"],
    "import bvtrack": [*PYTHON, "import bvtrack"],
    "from bvtrack import Tracker": [*PYTHON, "from bvtrack import Tracker"],
    "bvtrack diagnose --train 0.01 --dev 0.11": [
        *PYTHON,
        "from bvtrack.cli import main; main(['diagnose', '--train', '0.01', '--dev', '0.11'])",
    ],
    "import numpy": [*PYTHON, "import numpy"],
    "import mlflow": [*PYTHON, "import mlflow"],
    "from mlflow import MlflowClient": [*PYTHON, "from mlflow import MlflowClient"],
    "the sender's client, SQLite": [*PYTHON, CLIENT.format("sqlite:///mlflow.db")],
    "the sender's client, a server": [*PYTHON, CLIENT.format("http://127.0.0.1:5000")],
}


class Taken(NamedTuple):
    """Seconds on the wall, and of the processor."""

    wall: float
    processor: float


def seconds(command: list[str], environment: dict[str, str]) -> Taken:
    start, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.perf_counter() - start, os.times()
    return Taken(wall, after.children_user + after.children_system - before.children_user - before.children_system)


def imported_in(environment: dict[str, str]) -> float:
    """The milliseconds that `-X importtime` counts for `import bvtrack`."""
    command = [sys.executable, "-X", "importtime", "-c", "import bvtrack"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    last = answer.stderr.splitlines()[-1]
    return int(last.split("|")[1]) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="rounds that count (default: %(default)s)")
    n_rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as compiled:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        _, *rounds = [{name: seconds(command, environment) for name, command in COMMANDS.items()} for _ in range(n_rounds + 1)]
        counted = statistics.median(imported_in(environment) for _ in range(n_rounds))
    bare = statistics.median(round_["python -c pass"].wall for round_ in rounds)
    print("| process | median | above a bare Python | processor time |\n|---|---|---|---|")
    for name in COMMANDS:
        wall, processor = (statistics.median(some) for some in zip(*(round_[name] for round_ in rounds), strict=True))
        print(f"| `{name}` | {1000 * wall:.0f} ms | {1000 * (wall - bare):.0f} ms | {1000 * processor:.0f} ms |")
    print(f"\n`python -X importtime -c 'import bvtrack'` counts {counted:.0f} ms (median of {n_rounds}).")


if __name__ == "__main__":
    main()
