"""A figure beside what it has to beat, and where the data lie that it is measured on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

DATA = Path(os.environ.get("BVTRACK_BENCHMARK_DATA", Path(__file__).parents[4] / "shared" / "data"))
"""The folder with `lcdb/` and `taskset/`: where the rules are judged on other data of the same kinds, another one."""


@dataclass(frozen=True)
class Figure:
    """What was measured, the best of the rules in use, what is aimed at, and what was seen here."""

    what: str
    to_beat: str
    reach: str
    seen: str


def show(title: str, figures: list[Figure]) -> None:
    """Print the figures as a table."""
    table = Table(title=title, title_justify="left")
    for heading in ("what", "to beat", "reach", "here"):
        table.add_column(heading)
    for figure in figures:
        table.add_row(figure.what, figure.to_beat, figure.reach, figure.seen)
    Console(width=150).print(table)
