"""Configurations with the spread over their repeats, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvtrack.commands.tables.layout import make_table, numbers, text, with_breaks
from bvtrack.diagnosis.repeats import mean_and_deviation
from bvtrack.text import on_one_line, shortened

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bvtrack.auditing.configurations import Configuration
    from bvtrack.diagnosis.two_configurations import MeanDifference

SHOWN = 10
LONGEST_NAME = 40
NARROWEST = len("high_variance")
SHOWN_SETS = ("train", "dev", "test")


def print_configurations(console: Console, found: Sequence[Configuration], difference: MeanDifference | None) -> None:
    """Print a row for each configuration, the best first, and how much of the difference of the best two is noise; nothing
    where there is none.
    """
    from rich.text import Text

    if not found:
        return
    console.print()
    console.print(_table(found[:SHOWN]))
    console.print("[dim]± is the standard deviation of a single repeat.[/dim]")
    if (more := len(found) - SHOWN) > 0:
        console.print(f"[dim]and {more:,} more, which --json lists[/dim]")
    if difference is not None:
        console.print(Text(str(difference)))


def _table(found: Sequence[Configuration]) -> Table:
    """What the repeats are by themselves is only told where it is not what they are together."""
    from rich.text import Text

    sets = [name for name in SHOWN_SETS if any(name in one.repeated.spreads for one in found)]
    alone = [_by_themselves(one) for one in found]
    table = make_table(
        text("Configuration", narrowest=len("Configuration")),
        numbers("Repeats"),
        *(numbers(f"{name.capitalize()} error") for name in sets),
        text("Diagnosis", narrowest=NARROWEST),
        *([text("By themselves", narrowest=NARROWEST)] if any(alone) else []),
    )
    for one, by_themselves in zip(found, alone, strict=True):
        diagnosis, spreads = one.verdict.diagnosis, one.repeated.spreads
        errors = [mean_and_deviation(spreads[name].mean, spreads[name].deviation) if name in spreads else "" for name in sets]
        name = Text(shortened(on_one_line(one.name), LONGEST_NAME))
        number = f"{len(one.repeated.repeats)} {one.repeated.design.over}"
        cells = [Text(f"{with_breaks(diagnosis.tag)} ({diagnosis.certainty})")]
        table.add_row(name, number, *errors, *cells, *([Text(by_themselves)] if any(alone) else []))
    return table


def _by_themselves(one: Configuration) -> str:
    tags = one.repeated.tags
    return "" if [*tags] == [one.verdict.diagnosis.tag] else ",\n".join(f"{n} {with_breaks(tag)}" for tag, n in tags.items())
