"""The runs whose split comes first, for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from bvtrack.diagnosis.split_first import SplitFault


def print_split_faults(console: Console, faults: Counter[SplitFault]) -> None:
    """Print a line for each fault: in how many runs the split comes first, by which code, and what to do."""
    from rich.text import Text

    for fault, n in faults.most_common():
        runs = f"{n:,} run{'' if n == 1 else 's'}"
        console.print(Text(f"The split comes first in {runs} ({fault.code}): {fault.message}.", style="yellow"))
