"""What a benchmark's figures depend on beside the code: how they are taken, and the machine with its load. Prints it.

python tests/machine.py
"""

from __future__ import annotations

import os
import platform

QUIET = 0.5
"""The load average of a minute, below which figures are those of a quiet machine: at most half a core is used by others."""


def load() -> str:
    """The load averages of the last minute and of the last five, where the system counts them."""
    if not hasattr(os, "getloadavg"):
        return "not counted here"
    minute, five, _ = os.getloadavg()
    return f"{minute:.2f} (five minutes: {five:.2f})"


def describe() -> str:
    """How figures are taken, on what, and how busy it is at this time."""
    lines = [
        "Interleaved pairs in one run, medians and quartiles.",
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}.",
        f"Load at the start: {load()}.",
    ]
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > QUIET:
        lines.append(f"WARNING: the load is above {QUIET}: others use this machine, and times on the wall are theirs too.")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
