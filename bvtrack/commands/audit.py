"""`bvtrack audit`: diagnose existing runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from bvtrack.auditing.audited import Audited
from bvtrack.auditing.experiments import Auditing
from bvtrack.commands.diagnose import ERROR, ErrorRate
from bvtrack.commands.fail_on import FOUND, UNREADABLE, fail_on_option, found_in, say_found
from bvtrack.commands.options import usage_error
from bvtrack.commands.progress_bar import progress_bar
from bvtrack.commands.store import refused
from bvtrack.commands.tables.audit import Tally, print_tally
from bvtrack.schema.saved_view import NAME
from bvtrack.store.mlflow_settings import settle_mlflow
from bvtrack.tracking.environment import command_line
from bvtrack.tracking_uri.address import is_server, read_address

RETRIES = "2"
"""Maximum retries of an HTTP request: one of the thousands that an audit makes may fail by chance."""

SHOWN_VIEWS = 3
ALONE = "No baseline is given for {:,} of them: there is no other run by the same measure on the same dev set."


class BaselineError(ErrorRate):
    """`zero`, `best`, or an error."""

    name = "zero|best|error"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value in ("zero", "best") else super().convert(value, param, ctx)


@click.command()
@click.argument("experiments", metavar="EXPERIMENT...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Audit every experiment.")
@click.option("--filter", "filter_string", metavar="TEXT", default="", help="Only runs that MLflow's search finds by this.")
@click.option("--human-error", type=ERROR, help="What humans make, for the runs that no callback has diagnosed; else 0.")
@click.option(
    "--baseline",
    type=BaselineError(),
    help="Tag all runs anew, those of callbacks too, against one error, or each against the best dev error of the other runs.",
)
@click.option("--dry-run", is_flag=True, help="Print what each run would be tagged, and write nothing.")
@click.option("--tags-only", is_flag=True, help="Write no metrics, which MLflow cannot delete: only the tags.")
@click.option("--no-view", is_flag=True, help="Leave the saved views of MLflow's UI alone: none is written, none removed.")
@click.option(
    "--undo",
    "is_undo",
    is_flag=True,
    help="Remove the tags of the runs that audits have tagged; their metrics of the verdict, which cannot be, become NaN.",
)
@click.option("--tracking-uri", help="The store; by default MLFLOW_TRACKING_URI, else sqlite:///mlflow.db.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="How many runs at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each run.")
@fail_on_option
def audit(
    experiments: tuple[str, ...],
    is_all: bool,
    filter_string: str,
    is_undo: bool,
    dry_run: bool,
    no_view: bool,
    as_json: bool,
    fail_on: tuple[str, ...] | None,
    **options: Any,
) -> None:
    """Diagnose the runs of experiments, whatever logged them, and tag them.

    The errors are those that autologging, loggers or a loop of your own have logged. What is written are tags and the metrics
    bvtrack/verdict/* (with --tags-only, tags alone), and none to runs that a callback has diagnosed. What has not changed since
    the last audit is passed over, so one that was stopped goes on. An experiment with a diagnosed run gets the saved view "Bias
    and variance", once, in which MLflow's UI shows the verdicts.

    Exit codes: 0; 2 for wrong usage or an experiment that is not there; 1 for runs that could not be read or tagged. With
    --fail-on, 1 says that a run is what it names, be it diagnosed now or in training, and 2 all else.

    Example: bvtrack audit my-experiment --dry-run
    """
    if bool(experiments) == is_all:
        raise click.UsageError("expected the names of experiments, or --all; got " + ("both" if is_all else "neither"))
    if is_undo and fail_on:
        raise click.UsageError("expected --undo without --fail-on: what has no diagnosis cannot have one to fail on")
    if is_undo and any(options[name] is not None for name in ("human_error", "baseline")):
        raise click.UsageError("expected --undo without --human-error and --baseline: there is nothing to compare with")
    auditing = _make_auditing(is_dry=dry_run, saved_view=not no_view, **options)
    problems: list[str] = []
    runs = _audited_runs(auditing, experiments or (None,), filter_string, problems, is_undo=is_undo)
    found: list[tuple[str, list[str]]] = []
    tally = _count_runs(_watched(runs, fail_on, found), as_json=as_json, shows_runs=dry_run)
    if not as_json:
        _print_tally(tally, "untagged" if is_undo else "tagged anew", is_dry=dry_run)
        if options["baseline"] == "best" and tally.n_alone:
            click.echo(ALONE.format(tally.n_alone))
        _print_views(auditing)
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    say_found(found)
    sys.exit(_exit_code(tally, problems, found, fail_on))


def _exit_code(tally: Tally, problems: Sequence[str], found: Sequence[object], fail_on: Sequence[str] | None) -> int:
    if found:
        return FOUND
    if problems or (fail_on and tally.n_refused):
        return UNREADABLE
    return int(tally.n_refused > 0)


def _watched(runs: Iterable[Audited], fail_on: Sequence[str] | None, found: list[tuple[str, list[str]]]) -> Iterator[Audited]:
    """The runs; those that have a tag of `--fail-on` are added to `found`."""
    for audited in runs:
        if some := found_in(audited.states, fail_on):
            found.append((audited.name, some))
        yield audited


def _make_auditing(*, is_dry: bool, **options: Any) -> Auditing:
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", RETRIES)
    settle_mlflow()
    try:
        return Auditing(is_dry=is_dry, **options)
    except ValueError as error:
        raise usage_error(error) from error


def _audited_runs(
    auditing: Auditing, experiments: Iterable[str | None], filter_string: str, problems: list[str], *, is_undo: bool
) -> Iterator[Audited]:
    """Audit the existing experiments; errors about the others are added to `problems`, each once."""
    runs_of = auditing.undone_runs_of if is_undo else auditing.runs_of
    for experiment in experiments:
        try:
            yield from runs_of(experiment, filter_string)
        except ValueError as error:
            problems += [str(error)] if str(error) not in problems else []
        except Exception as error:  # whatever its database or the way to it raises
            raise refused("did not list the runs", error, auditing.uri) from error


def _count_runs(runs: Iterable[Audited], *, as_json: bool, shows_runs: bool) -> Tally:
    """Count the runs as they are audited, with a progress bar on a terminal."""
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("Auditing: {task.completed:,.0f} runs"), TimeElapsedColumn())
    tally = Tally()
    with progress_bar(*columns) as bar:
        task = bar.add_task("", total=None)
        for audited in runs:
            tally.add(audited)
            if as_json:
                print(json.dumps(asdict(audited)))
            elif shows_runs:
                print(audited)
            bar.advance(task)
    return tally


def _print_views(auditing: Auditing) -> None:
    """The pages of MLflow's own UI that show the runs, those of the first experiments if there are many."""
    pages = auditing.views.pages
    for page in pages[:SHOWN_VIEWS]:
        click.echo(f"The view {NAME!r} in MLflow: {page}")
    if len(pages) > SHOWN_VIEWS:
        click.echo(f"… and of {len(pages) - SHOWN_VIEWS:,} more experiments.")
    if pages and not is_server(auditing.uri):
        click.echo(f"`{command_line('ui', '--tracking-uri', read_address(auditing.uri).shown)}` opens it.")


def _print_tally(tally: Tally, done: str, *, is_dry: bool) -> None:
    from rich.console import Console

    print_tally(Console(highlight=False), tally, f"to be {done}" if is_dry else done)
