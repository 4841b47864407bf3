"""Results of an audit, for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bvtrack.auditing.audited import Audited
from bvtrack.auditing.paging import REFUSED
from bvtrack.commands.tables.layout import make_table, numbers, text, words
from bvtrack.commands.tables.split_faults import print_split_faults
from bvtrack.diagnosis.split_first import SplitFault
from bvtrack.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class Tally:
    """Running counts of audited runs by diagnosis, and by the reason for having none."""

    def __init__(self) -> None:
        self.n = 0
        self.n_changed = 0
        self.n_alone = 0
        self.faults: Counter[SplitFault] = Counter()
        self.diagnoses: Counter[str] = Counter()
        self.certain: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def add(self, audited: Audited) -> None:
        self.n += 1
        self.n_changed += audited.is_changed
        self.faults.update(audited.split_faults)
        if audited.tag is not None:
            self.n_alone += audited.baseline == "zero"
            self.diagnoses[audited.verdict or ""] += 1
            self.certain[audited.verdict or ""] += audited.certainty == "certain"
        if audited.reason is not None and audited.why_not is not None:
            self.reasons[audited.reason] += 1
            self.examples.setdefault(audited.reason, printable(f"{audited.name}: {audited.why_not}"))

    @property
    def n_refused(self) -> int:
        """Runs that could not be read or tagged."""
        return self.reasons[REFUSED]


def print_tally(console: Console, tally: Tally, done: str) -> None:
    """Print the numbers of runs by diagnosis, those without one by reason, with an example each, and what was `done`."""
    if tally.diagnoses:
        console.print(_diagnoses(tally))
    if tally.reasons:
        console.print(_reasons(tally))
    print_split_faults(console, tally.faults)
    console.print(f"{_runs(tally.n)} looked at, {tally.n_changed:,} {done}.")


def _diagnoses(tally: Tally) -> Table:
    from rich.text import Text

    table = make_table(words("Diagnosis"), numbers("Runs"), numbers("Certain"))
    for tag, n in tally.diagnoses.most_common():
        table.add_row(Text(printable(tag)), f"{n:,}", f"{tally.certain[tag]:,}")
    return table


def _reasons(tally: Tally) -> Table:
    from rich.text import Text

    table = make_table(words("Not diagnosed"), numbers("Runs"), text("One of them"))
    for reason, n in tally.reasons.most_common():
        table.add_row(reason, f"{n:,}", Text(tally.examples[reason]))
    return table


def _runs(n: int) -> str:
    return f"{n:,} run{'' if n == 1 else 's'}"
