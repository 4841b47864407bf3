"""A run's summary, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bvtrack.commands.tables.layout import make_table, numbers, text
from bvtrack.report import summary_words as words
from bvtrack.report.summary_words import Summary
from bvtrack.text import printable

if TYPE_CHECKING:
    from rich.console import Console

LEVELS = {"error": "red", "warning": "yellow"}


def print_summary(console: Console, shown: Summary) -> None:
    """Print the verdict, the errors, the reasons, the repeats, the steps, the findings and the links."""
    run, verdict = shown["run"], shown["verdict"]
    _say(console, words.title(shown), "bold")
    _say(console, f"{run['name']} ({run['run_id']}), {words.subject(shown)}", "dim")
    if verdict is None:
        _say(console, shown["why_not"])
    _print_errors(console, shown)
    if verdict is not None:
        _say(console, " ".join(part for part in (verdict["reasons"], words.measured(shown)) if part))
        console.print()
    _print_repeats(console, shown)
    _say(console, words.of_configuration(shown))
    _print_steps(console, shown)
    _say(console, words.weights(shown))
    for name, wrong, n, between in words.class_rows(shown):
        _say(console, f"{words.class_word(shown).capitalize()} {name}: {wrong} of {n} wrong ({between})")
    _say(console, words.worst_line(shown))
    _print_split(console, shown)
    _print_links(console, shown)


def _print_errors(console: Console, shown: Summary) -> None:
    from rich.text import Text

    rows = list(words.error_rows(shown))
    if not rows:
        return
    of_set, error, interval, examples, gap = (Text(printable(head)) for head in words.errors_head(shown))
    table = make_table(text(of_set), numbers(error, can_break=True), numbers(interval), numbers(examples), text(gap))
    for row in rows:
        *cells, _ = row
        table.add_row(*(Text(printable(cell), style="bold" if row.is_named else "") for cell in cells))
    console.print()
    console.print(table)
    console.print()


def _print_repeats(console: Console, shown: Summary) -> None:
    from rich.text import Text

    head = words.repeats_head(shown)
    if not head:
        return
    name, *others, last = (Text(printable(one)) for one in head)
    table = make_table(text(name), *map(numbers, others), text(last))
    for row in words.repeat_rows(shown):
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
    console.print()
    if tells := words.spread_tells(shown):
        _say(console, tells)
        console.print()


def _print_steps(console: Console, shown: Summary) -> None:
    from rich.text import Text

    for number, step in enumerate(shown["steps"], start=1):
        line = Text(f"{number}. ")
        line.append(f"{printable(step['title'])}.", style="bold")
        line.append(f" {printable(step['why'])}")
        if gain := words.gain(shown, step):
            line.append(f" {printable(gain)}", style="bold")
        console.print(line)


def _print_split(console: Console, shown: Summary) -> None:
    for finding in shown["split"]["findings"]:
        message = words.finding(shown, finding)
        _say(console, f"Split, {finding['level']}: {message} ({finding['code']})", LEVELS.get(finding["level"], ""))
    if line := words.split_line(shown):
        _say(console, line)


def _print_links(console: Console, shown: Summary) -> None:
    links = shown["links"]
    for name, key in (("Run", "run"), ("Report", "report"), ("All runs", "view"), ("To open it", "command")):
        if links[key]:
            console.print(f"{name}: {printable(links[key])}", markup=False, soft_wrap=True)


def _say(console: Console, line: str, style: str = "") -> None:
    from rich.text import Text

    if line:
        console.print(Text(printable(line), style=style))
