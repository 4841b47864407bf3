"""`bvtrack report`: the report of one run, in figures and words."""

from __future__ import annotations

from pathlib import Path

import click

from bvtrack.auditing.run_report import FORMS, Report, make_report
from bvtrack.auditing.shown_run import opened_uri
from bvtrack.commands.store import refused
from bvtrack.extras import FIGURES
from bvtrack.schema.names import REPORT_FILE
from bvtrack.store.mlflow_settings import settle_mlflow
from bvtrack.store.reader import Store
from bvtrack.store.run_reference import RunReference, find_run, read_reference


@click.command()
@click.argument("run")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write, .html, .md or .png; by default RUN_ID.html.",
)
@click.option("--log", "is_logged", is_flag=True, help="Write it to the run in MLflow too, as bvtrack/report.html.")
@click.option(
    "--tracking-uri", help="The store; by default MLFLOW_TRACKING_URI, else the page's server, else sqlite:///mlflow.db."
)
def report(run: str, output: Path | None, is_logged: bool, tracking_uri: str | None) -> None:
    """Write the report of RUN, whatever logged it: its verdict, curves, gaps, next steps and split.

    RUN is an id, the beginning of one (at least four characters), a run's name, or the address of its page in MLflow.

    Exit codes: 0; 2 for wrong usage, and if there is no such run or several; 1 for a run that cannot be diagnosed, and if the
    store does not respond.

    Example: bvtrack report "wide net" --output report.png
    """
    settle_mlflow()
    if output is not None:
        _check_form(output)
    reference, uri = _meant(run, tracking_uri)
    run_id = _id_of(reference, uri)
    path = output or Path(f"{run_id}.html")
    found = _made(run_id, uri)
    try:
        found.save(path)
    except OSError as error:
        why = error.strerror or error
        raise click.BadParameter(
            f"{str(path)!r} cannot be written ({why}); name another file", param_hint="--output"
        ) from error
    click.echo(f"{path}: {found.content.headline}")
    if is_logged:
        _log(found, run_id, uri)


def _check_form(path: Path) -> None:
    if path.suffix.lower() not in FORMS:
        raise click.BadParameter(f"expected a file that ends in {', '.join(FORMS)}, got {str(path)!r}", param_hint="--output")
    if path.suffix.lower() == ".png":
        FIGURES.require()


def _meant(run: str, tracking_uri: str | None) -> tuple[RunReference, str]:
    """What was given for a run, and the store in which to look for it."""
    try:
        reference = read_reference(run)
        return reference, opened_uri(reference, tracking_uri)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _id_of(reference: RunReference, uri: str) -> str:
    try:
        return str(find_run(Store(uri), reference).info.run_id)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except Exception as error:  # whatever its database or the way to it raises
        raise refused("does not give the run", error, uri) from error


def _made(run_id: str, uri: str) -> Report:
    try:
        return make_report(run_id, tracking_uri=uri)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    except Exception as error:  # whatever its database or the way to it raises
        raise refused("does not give the run", error, uri) from error


def _log(found: Report, run_id: str, uri: str) -> None:
    page = found.html()
    try:
        Store(uri).write_text(run_id, REPORT_FILE, page)
    except Exception as error:  # an artifact store is somebody else's library
        raise refused("does not take the report", error, uri) from error
    click.echo(f"{REPORT_FILE}: written to the run")
