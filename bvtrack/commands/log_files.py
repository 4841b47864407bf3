"""The runs in log files, read and judged: what `bvtrack diagnose FILE` prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from bvtrack.auditing.log_reading import LogReading, read_logged
from bvtrack.commands.fail_on import FOUND, UNREADABLE, found_in, say_found
from bvtrack.commands.tables.logs import print_reading, print_readings, render_readings
from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError, merged
from bvtrack.logfiles.opening import read_log
from bvtrack.report.markdown import render_markdown
from bvtrack.text import printable


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that cannot be read, and why."""

    name: str
    why_not: str


def diagnose_files(
    paths: Sequence[str], human_error: float | None, *, as_json: bool, as_markdown: bool, fail_on: Sequence[str] | None
) -> None:
    """Print the verdict on each run in these files, and exit: with 1 if one has a tag of `fail_on`, else with 2 if one could
    not be judged.
    """
    logs, unread = _read_all(paths)
    readings = [read_logged(log, human_error) for log in merged(logs)]
    if as_json:
        click.echo(json.dumps(_as_json(readings, unread), indent=2, allow_nan=False))
    elif as_markdown:
        click.echo(_as_markdown(readings), nl=False)
    else:
        _print(readings)
    refused = [_refusal(reading) for reading in readings if reading.content is None]
    for problem in (*(one.why_not for one in unread), *refused):
        click.echo(f"Error: {printable(problem)}", err=True)
    found = [(reading.log.name, some) for reading in readings if (some := found_in(reading.states, fail_on))]
    say_found(found)
    if found:
        sys.exit(FOUND)
    if unread or refused:
        sys.exit(UNREADABLE)


def reason_not_read(path: str, error: Exception) -> str:
    """The sentence about a file that `read_log` did not read."""
    if isinstance(error, FileNotFoundError):
        return f"expected a log file or a folder of them, found no {path!r}"
    if isinstance(error, OSError):
        return f"{path} cannot be read ({error.strerror or error})"
    return f"{path}: {error}"


def _read_all(paths: Sequence[str]) -> tuple[list[LoggedFile], list[Unread]]:
    logs: list[LoggedFile] = []
    unread = []
    for path in paths:
        try:
            logs += read_log(Path(path))
        except (UnreadableLogError, OSError) as error:
            unread.append(Unread(path, reason_not_read(path, error)))
    return logs, unread


def _refusal(reading: LogReading) -> str:
    return "; ".join((f"{reading.log.name} cannot be diagnosed: {reading.why_not}", *reading.log.remarks))


def _print(readings: Sequence[LogReading]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    judged = [reading for reading in readings if reading.content is not None]
    if len(readings) == 1 and judged:
        print_reading(console, judged[0])
    elif judged:
        print_readings(console, judged)


def _as_markdown(readings: Sequence[LogReading]) -> str:
    contents = [reading.content for reading in readings if reading.content is not None]
    found = render_markdown(contents[0]) if len(readings) == len(contents) == 1 else render_readings(readings)
    return "".join(f"{printable(line)}\n" for line in found.split("\n")[:-1])


def _as_json(readings: Sequence[LogReading], unread: Sequence[Unread]) -> Any:
    """An object for one run; for several a list of them."""
    found = [_reading_as_json(reading) for reading in readings] + [asdict(one) for one in unread]
    return found[0] if len(found) == 1 else found


def _reading_as_json(reading: LogReading) -> dict[str, Any]:
    log, content = reading.log, reading.content
    read = {"name": log.name, "unit": log.unit, "metrics": dict(reading.metrics), "remarks": list(log.remarks)}
    if content is None:
        return {**read, "why_not": reading.why_not}
    verdict = content.verdict.as_json()
    at = None if content.verdict.epoch is None else log.when(content.verdict.epoch)
    return {**read, "measure": content.measure, "at": at, "states": list(reading.states), **verdict}
