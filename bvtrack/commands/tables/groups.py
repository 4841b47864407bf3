"""Runs of an experiment by diagnosis, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvtrack.commands.tables.layout import make_table, numbers, text, with_breaks
from bvtrack.diagnosis.explanation import GAP_NAMES
from bvtrack.diagnosis.step_rules import STEP_RULES
from bvtrack.measures.percent import in_points, percent
from bvtrack.text import on_one_line, printable, shortened

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bvtrack.auditing.best_of_runs import BestRun
    from bvtrack.auditing.groups import ParameterGroup, RunGroup

SHOWN_PARAMETERS = 5
SHOWN_GAPS = ("avoidable_bias", "variance")
LONGEST_VALUE = 30
EDGES = 2
"""Surplus width in characters of rich's tables without padded edges."""
NARROWEST = 9
"""Minimum width in characters: the longest word in a step's title."""


def print_groups(
    console: Console,
    groups: Sequence[RunGroup],
    parameters: Sequence[ParameterGroup],
    measures: Sequence[str],
    best: BestRun | None = None,
) -> None:
    """Print a row for each diagnosis, then the counts of diagnoses by value of the most informative parameters.

    The best runs are by the first of the `measures`.
    """
    from rich.text import Text

    console.print(_groups(groups), width=console.width - EDGES)
    if len(measures) > 1:
        console.print(
            Text(
                f"The best are by {printable(measures[0]) or 'no named measure'}; other runs' errors are of another one.", "dim"
            )
        )
    if best is not None and (words := best.in_words()):
        console.print(Text(words))
    for parameter in parameters[:SHOWN_PARAMETERS]:
        console.print()
        console.print(_parameter(parameter, [group.tag for group in groups]))
    if (more := len(parameters) - SHOWN_PARAMETERS) > 0:
        console.print(f"[dim]and {more:,} more, which --json lists[/dim]")


def _groups(groups: Sequence[RunGroup]) -> Table:
    from rich.text import Text

    tags = [with_breaks(group.tag) for group in groups]
    longest = max(len(line) for tag in tags for line in tag.splitlines())
    table = make_table(
        text("Diagnosis", narrowest=min(longest, LONGEST_VALUE)),
        numbers("Runs"),
        numbers("Best dev\nerror", can_break=True),
        *(numbers(f"{GAP_NAMES[gap].capitalize()},\nmedian", can_break=True) for gap in SHOWN_GAPS),
        text("Best run", narrowest=NARROWEST),
        text("Most\nadvised", narrowest=NARROWEST),
    )
    for group, tag in zip(groups, tags, strict=True):
        error = "" if group.best_dev_error is None else percent(group.best_dev_error)
        gaps = [in_points(group.gaps[gap], "+") if gap in group.gaps else "" for gap in SHOWN_GAPS]
        best = Text(printable(group.best_run or ""))
        rule = STEP_RULES.get(group.next_step or "")
        step = Text(printable(rule.title if rule else group.next_step or ""))
        table.add_row(Text(tag), f"{group.n:,}", error, *gaps, best, step)
    return table


def _parameter(parameter: ParameterGroup, tags: Sequence[str]) -> Table:
    from rich.text import Text

    shown = [tag for tag in tags if any(tag in counts for counts in parameter.values.values())]
    table = make_table(text(Text(_short(parameter.name))), *(numbers(Text(with_breaks(tag)), can_break=True) for tag in shown))
    for value, counts in parameter.values.items():
        table.add_row(Text(_short(value)), *(f"{counts[tag]:,}" if tag in counts else "" for tag in shown))
    return table


def _short(text: str) -> str:
    return shortened(on_one_line(text), LONGEST_VALUE)
