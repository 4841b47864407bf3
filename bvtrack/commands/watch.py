"""`bvtrack watch`: follow a log file that grows."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click

from bvtrack.auditing.log_reading import LogReading, held_states, read_logged
from bvtrack.commands.diagnose import ERROR
from bvtrack.commands.fail_on import FOUND, UNREADABLE, fail_on_option, found_in, say_found
from bvtrack.commands.tables.logs import curve_line
from bvtrack.logfiles.following import Follower
from bvtrack.text import printable

MOST_SHARE = 20
"""A reading is followed by a pause of at least twenty times as long: a watch takes less than 5 % of one core."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--interval", type=click.FloatRange(0.05, 3600), default=10.0, show_default=True, help="Seconds between two looks."
)
@click.option("--idle", type=click.FloatRange(0), metavar="SECONDS", help="End when the log has not changed for so long.")
@click.option("--human", "human_error", type=ERROR, help="What humans make; 0 where it is not given.")
@fail_on_option
def watch(file: Path, interval: float, idle: float | None, human_error: float | None, fail_on: tuple[str, ...] | None) -> None:
    """Follow the log FILE while a training writes it, and print a line when the verdict changes.

    FILE is what `bvtrack diagnose` reads, or a folder of it; it need not be there yet. It is read only after a change, and not
    held open. Ctrl-C, SIGTERM or --idle end it with a last line.

    --fail-on ends it with 1 as soon as a tag is found for good: a curve's value after five dev errors in a row (not_learning
    after twenty: many trainings start late), a gap's once the curve says that the training is no longer learning, too, and a
    loss that is no number at once. What the last reading shows counts in any case.

    Exit codes: 0; 1 if a tag of --fail-on was found; 2 for wrong usage, and if nothing could be judged until the end.

    Example: bvtrack watch lightning_logs/version_0/metrics.csv --fail-on diverged,overtrained
    """
    watched = Watch(file, human_error, fail_on)
    before = signal.signal(signal.SIGTERM, _interrupt)  # as Ctrl-C does
    try:
        watched.follow(interval, idle)
    except KeyboardInterrupt:
        click.echo()
    finally:
        signal.signal(signal.SIGTERM, before)
    sys.exit(watched.end())


class Watch:
    """The readings of a log over time; what it says is printed once."""

    def __init__(self, path: Path, human_error: float | None, fail_on: Sequence[str] | None) -> None:
        self._follower = Follower(path)
        self._human_error = human_error
        self._fail_on = fail_on
        self._readings: Sequence[LogReading] = ()
        self._said: dict[str, str] = {}

    def follow(self, interval: float, idle: float | None) -> None:
        """Look until the log is idle. Exits with 1 as soon as a tag is found for good."""
        changed = time.monotonic()
        while idle is None or time.monotonic() - changed < idle:
            runs = self._follower.look()
            started = time.monotonic()
            if runs is not None:
                changed = started
                self._readings = [read_logged(run, self._human_error) for run in runs] or self._readings
                self._say(runs_found=bool(runs))
                self._stop_if_found()
            cost = self._follower.cost + time.monotonic() - started
            time.sleep(max(interval, MOST_SHARE * cost) if runs is not None else interval)

    def end(self) -> int:
        """Print the last verdict of each run, and return the exit code."""
        judged = [reading for reading in self._readings if reading.content is not None]
        for reading in judged:
            click.echo(f"Last: {_line(reading)}")
        found = [(reading.log.name, some) for reading in judged if (some := found_in(reading.states, self._fail_on))]
        say_found(found)
        if not judged:
            reasons = [str(reading.why_not) for reading in self._readings] or [str(self._follower.why_not)]
            click.echo(f"Error: expected a log that can be judged, got none: {printable(reasons[0])}", err=True)
        return FOUND if found else 0 if judged else UNREADABLE

    def _say(self, *, runs_found: bool) -> None:
        if not runs_found and not self._readings:
            self._say_once("", f"waiting: {self._follower.why_not}")
        for reading in self._readings:
            state = "+".join(reading.states) if reading.content is not None else f"waiting: {reading.why_not}"
            line = _line(reading) if reading.content is not None else f"{reading.log.name}: {state}"
            self._say_once(reading.log.name, line, state)

    def _say_once(self, name: str, line: str, state: str | None = None) -> None:
        """Print the line, unless the run was in this state when the last one was printed."""
        if self._said.get(name) != (state or line):
            self._said[name] = state or line
            click.echo(f"{datetime.now():%H:%M:%S} {printable(line)}")

    def _stop_if_found(self) -> None:
        found = list(self._found_for_good())
        if found:
            for reading in self._readings:
                click.echo(f"Last: {_line(reading)}")
            say_found(found)
            sys.exit(FOUND)

    def _found_for_good(self) -> Iterator[tuple[str, list[str]]]:
        for reading in self._readings:
            if found_in(reading.states, self._fail_on) and (some := found_in(self._held(reading), self._fail_on)):
                yield reading.log.name, some

    def _held(self, reading: LogReading) -> Sequence[str]:
        return held_states(reading, self._human_error)


def _line(reading: LogReading) -> str:
    """`epoch 7: High variance (likely): get more data; curve: learning; best at epoch 5, dev error 12.3 %`."""
    content = reading.content
    if content is None:
        return f"{reading.log.name}: {reading.why_not}"
    steps = reading.dev_steps
    when = f"{reading.log.when(max(steps))}: " if steps else ""
    said = f"{reading.log.name}, {when}{content.headline}; curve: {curve_line(reading, content)}"
    return printable(said)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
