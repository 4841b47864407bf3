"""How long `import bvtrack` and `bvtrack diagnose` take, beside the import of what they leave out. Prints a Markdown table.

Whole processes, one after another in rounds, so that a busy moment of the machine meets all of them; medians over the rounds.
Processor time, which other programs change less than the time on the wall, is given where the system counts that of children.
Modules are compiled beforehand, as an installation does it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 15
PYTHON = [sys.executable, "-c"]
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
}


def seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


def imported_in(environment: dict[str, str]) -> float:
    """The milliseconds that `-X importtime` counts for `import bvtrack`."""
    command = [sys.executable, "-X", "importtime", "-c", "import bvtrack"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    last = answer.stderr.splitlines()[-1]
    return int(last.split("|")[1]) / 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as compiled:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        _, *rounds = [{name: seconds(command, environment) for name, command in COMMANDS.items()} for _ in range(ROUNDS + 1)]
        counted = statistics.median(imported_in(environment) for _ in range(ROUNDS))
    bare = statistics.median(round_["python -c pass"] for round_ in rounds)
    print("| process | median | above a bare Python |\n|---|---|---|")
    for name in COMMANDS:
        median = statistics.median(round_[name] for round_ in rounds)
        print(f"| `{name}` | {1000 * median:.0f} ms | {1000 * (median - bare):.0f} ms |")
    print(f"\n`python -X importtime -c 'import bvtrack'` counts {counted:.0f} ms (median of {ROUNDS}).")


if __name__ == "__main__":
    main()
