"""Verdicts on the runs in log files, for a terminal and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bvtrack.auditing.log_reading import LogReading
from bvtrack.commands.tables.layout import make_table, numbers, text, words
from bvtrack.error_rates.epoch_errors import EpochErrors
from bvtrack.measures.percent import percent
from bvtrack.measures.unit import Unit
from bvtrack.report.content import Content
from bvtrack.report.note import escape
from bvtrack.text import printable

if TYPE_CHECKING:
    from rich.console import Console

HEADS = ("Run", "Diagnosis", "Curve", "Best", "Train", "Dev", "Next step")


def print_reading(console: Console, reading: LogReading) -> None:
    """Print the verdict on one run, with its reason, its curve, what was read, and the steps."""
    from rich.markup import escape as plain

    content = reading.content
    if content is None:
        return
    verdict = content.verdict
    console.print(f"[bold]{plain(printable(content.headline))}[/bold]")
    console.print(plain(printable(verdict.diagnosis.explanation)))
    for line in _read_from(reading, content):
        console.print(f"[dim]{plain(printable(line))}[/dim]")
    for number, step in enumerate(verdict.steps, start=1):
        console.print(f"{number}. [bold]{plain(step.title)}.[/bold] {plain(step.why)}")


def print_readings(console: Console, readings: Sequence[LogReading]) -> None:
    """Print a line for each run that has a verdict."""
    from rich.text import Text

    run, diagnosis, *middle, train, dev, _ = HEADS
    table = make_table(text(run, 16), text(diagnosis), *(words(head) for head in middle), numbers(train), numbers(dev))
    for reading in readings:
        if reading.content is not None:
            table.add_row(*(Text(printable(cell)) for cell in _row(reading, reading.content)[:-1]))
    console.print(table)


def render_readings(readings: Sequence[LogReading]) -> str:
    """The same as a table in Markdown, with the reasons for having no verdict below it."""
    rows = [HEADS, ("---",) * len(HEADS)]
    rows += [_escaped(_row(reading, reading.content)) for reading in readings if reading.content is not None]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    problems = [f"* {escape(reading.log.name)}: {escape(reading.why_not)}" for reading in readings if reading.why_not]
    return "\n".join([*lines, *([""] if problems else []), *problems, ""])


def curve_line(reading: LogReading, content: Content) -> str:
    """The curve with its best epoch and its last: `overtrained; best at epoch 3, dev error 12.3 %; last at epoch 9, …`."""
    verdict = content.verdict
    values = {entry.epoch: said for entry in content.history if (said := _dev_value(reading, entry))}
    parts = [(verdict.curve or "too short to have a shape").replace("_", " ")]
    last = max(values, default=None)
    for word, step in (("best", verdict.epoch), ("last", None if last == verdict.epoch else last)):
        if step is not None:
            parts.append(", ".join(part for part in (f"{word} at {reading.log.when(step)}", values.get(step, "")) if part))
    return "; ".join(parts)


def _dev_value(reading: LogReading, entry: EpochErrors) -> str:
    """The dev error in words, or the loss by its name where it is no error."""
    if (error := entry.errors.get("dev")) is not None and math.isfinite(error):
        unit = Unit() if reading.content is None else reading.content.diagnosis.unit
        return f"dev error {unit.amount(error)}"
    loss = entry.unscaled.get("dev", math.nan)
    return f"{reading.metrics.get('dev', 'dev loss')} {loss:.4g}" if math.isfinite(loss) else ""


def _read_from(reading: LogReading, content: Content) -> Iterator[str]:
    yield f"Curve: {curve_line(reading, content)}."
    taken = ", ".join(f"{stage.replace('_', '-')} from {name}" for stage, name in reading.metrics.items())
    if taken:
        yield f"Read from {reading.log.name}: {taken}; measure: {content.measure}."
    for remark in reading.log.remarks:
        yield f"Note: {remark}."


def _row(reading: LogReading, content: Content) -> tuple[str, ...]:
    verdict, errors = content.verdict, content.diagnosis.errors
    return (
        reading.log.name,
        f"{content.diagnosis.tag} ({content.diagnosis.certainty})",
        verdict.curve or "",
        "" if verdict.epoch is None else reading.log.when(verdict.epoch),
        *(percent(errors[name]) if name in errors else "" for name in ("train", "dev")),
        verdict.steps[0].title if verdict.steps else "",
    )


def _escaped(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(escape(cell) for cell in row)
