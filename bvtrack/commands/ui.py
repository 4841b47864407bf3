"""`bvtrack ui`: all runs on the map of bias and variance, in the browser."""

from __future__ import annotations

import os
import signal
import sys

import click

from bvtrack.auditing.views import page_in
from bvtrack.extras import SERVER
from bvtrack.schema.saved_view import NAME
from bvtrack.store.experiment_view import newest_view
from bvtrack.store.mlflow_settings import settle_mlflow
from bvtrack.store.target import checked_uri, current_uri, without_credentials
from bvtrack.tracking_uri.address import DATABRICKS, is_server, read_address, scheme_of
from bvtrack.tracking_uri.sqlite_file import sqlite_file
from bvtrack_server.local import free_port, has_map, serving


@click.command()
@click.option(
    "--tracking-uri",
    "--backend-store-uri",
    help="The store with the runs; by default MLFLOW_TRACKING_URI, else sqlite:///mlflow.db.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="If taken, the next free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def ui(tracking_uri: str | None, port: int, no_browser: bool) -> None:
    """Open the map of all runs: MLflow's UI with bias and variance at a glance, on the store that trainings log to.

    For a store on this machine, or a database, a server is started that ends with this command (Ctrl-C); that needs the extra
    "server".

    Example: bvtrack ui --tracking-uri sqlite:///mlflow.db
    """
    try:
        uri = checked_uri(tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or current_uri())
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if is_server(uri):
        _open_there(uri, no_browser=no_browser)
    else:
        _check_store(uri)
        _serve(uri, port, no_browser=no_browser)


def _open_there(uri: str, *, no_browser: bool) -> None:
    """Open the map of a running server or, where it has none, the saved view in MLflow's own UI."""
    settle_mlflow()
    address, view = f"{uri.rstrip('/')}/bvtrack/", _newest_view(uri)
    if has_map(address):
        _show(address, view, no_browser=no_browser)
    elif view:
        click.echo("That server shows no map; in MLflow's own UI, its runs are in a table and on charts.")
        _show(None, view, no_browser=no_browser)
    else:
        raise click.ClickException(
            f"expected the map at {without_credentials(address)}, found none; start that server with "
            "`mlflow server --app-name bvtrack` (or bvtrack-basic-auth), or open a store with --tracking-uri"
        )


def _check_store(uri: str) -> None:
    """Raise a usage error for a store that no server can open, or that does not exist."""
    if scheme_of(uri) in DATABRICKS:
        shown = read_address(uri).shown
        raise click.UsageError(f"expected a database or an MLflow server, got {shown!r}, whose pages are Databricks' own")
    if (path := sqlite_file(uri)) and not path.exists():
        raise click.UsageError(
            f"expected an MLflow store, found no file {str(path)!r}; "
            "log a run with bvtrack first, or name another --tracking-uri"
        )


def _serve(uri: str, port: int, *, no_browser: bool) -> None:
    """Serve the store until Ctrl-C, SIGTERM, or the end of the server. Raises `MissingExtraError` without MLflow's server."""
    SERVER.require()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # else the server would outlive this command
    try:
        port = free_port(port)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    settle_mlflow()
    click.echo("Starting MLflow's server …", err=True)  # it takes seconds, on a busy machine a minute and more
    with serving(uri, port) as server:
        try:
            import mlflow  # noqa: F401  # seconds, in which the server starts

            if not server.is_up():
                click.echo(without_credentials(server.log.read_text(errors="replace"), uri), err=True)
                raise click.ClickException("expected MLflow's server to start, but it did not; its own words are above")
            _show(server.address, _newest_view(server.uri), no_browser=no_browser)
            click.echo("Ctrl-C ends it.")
            server.process.wait()
        except KeyboardInterrupt:
            click.echo()


def _newest_view(uri: str) -> str | None:
    """The address of the saved view of the experiment with the newest run; `None` if there is none, or that cannot be told."""
    try:
        experiment_id = newest_view(uri)
    except Exception:  # whatever the server answers: the view is beside the point
        return None
    return experiment_id and page_in(uri, experiment_id)


def _show(map_address: str | None, view: str | None, *, no_browser: bool) -> None:
    """Print the addresses, and open the first one."""
    shown = {"The map": map_address and without_credentials(map_address), f"The view {NAME!r}": view}
    addresses = {name: address for name, address in shown.items() if address}
    for name, address in addresses.items():
        click.echo(f"{name}: {address}")
    if not no_browser:
        click.launch(next(iter(addresses.values())))  # everybody sees the command line; the browser asks for the password
