"""`bvtrack show`: the verdict on one run, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bvtrack.auditing.shown_run import opened_uri, shown_run
from bvtrack.commands.store import refused
from bvtrack.commands.tables.summary import print_summary
from bvtrack.report.summary_markdown import render_summary
from bvtrack.store.mlflow_settings import settle_mlflow
from bvtrack.store.reader import Store
from bvtrack.store.run_reference import RunReference, read_reference


@click.command()
@click.argument("run")
@click.option("--experiment", help="The experiment in which to look for a name, or the beginning of an id; by default all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as docs/show.schema.json describes it.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for an issue or a pull request.")
@click.option(
    "--tracking-uri", help="The store; by default MLFLOW_TRACKING_URI, else the page's server, else sqlite:///mlflow.db."
)
def show(run: str, experiment: str | None, as_json: bool, as_markdown: bool, tracking_uri: str | None) -> None:
    """Show the verdict on RUN, whatever logged it: its evidence, the next steps, the split, and links. Nothing is written.

    RUN is an id, the beginning of one (at least four characters), a run's name, or the address of its page in MLflow.

    Exit codes: 0, also for a run without a verdict, which says why; 2 for wrong usage, and if there is no such run or several;
    1 if the store does not respond.

    Example: bvtrack show "wide net" --json
    """
    if as_json and as_markdown:
        raise click.UsageError("expected --json or --markdown, got both; leave one out")
    settle_mlflow()
    shown = _shown(run, experiment, tracking_uri)
    if as_json:
        click.echo(json.dumps(shown, indent=2, allow_nan=False))
    elif as_markdown:
        click.echo(render_summary(shown), nl=False)
    else:
        from rich.console import Console

        print_summary(Console(highlight=False), shown)


def _shown(run: str, experiment: str | None, tracking_uri: str | None) -> dict[str, Any]:
    try:
        reference = read_reference(run)
        uri = opened_uri(reference, tracking_uri)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        return shown_run(Store(uri), reference, experiment)
    except ValueError as error:
        raise click.UsageError(f"{error}{_hint(run, reference, uri)}") from error
    except Exception as error:  # whatever its database or the way to it raises
        raise refused("does not give the run", error, uri) from error


def _hint(run: str, reference: RunReference, uri: str) -> str:
    """What else may have been meant."""
    if Path(run).exists():
        return f"; for a log file there is bvtrack diagnose {run}"
    if reference.server is not None and reference.server != uri.rstrip("/"):
        return f"; the address is of {reference.server}: name that with --tracking-uri, if it is the store that is meant"
    return ""
