"""What commands that read an MLflow store have in common: which one it is, and what to say where it does not answer."""

from __future__ import annotations

import click

from bvtrack.store.mlflow_errors import short_cause
from bvtrack.store.target import checked_uri, current_uri, without_credentials


def named_store(tracking_uri: str | None) -> str:
    """The tracking URI that was given, else MLflow's own setting. Raises a usage error for one that is malformed."""
    try:
        return checked_uri(tracking_uri or current_uri())
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def refused(what: str, error: Exception, uri: str) -> click.ClickException:
    """MLflow at `uri` does not do `what`, such as "does not list the runs", in one sentence without its credentials."""
    return click.ClickException(f"MLflow at {without_credentials(uri)} {what} ({short_cause(error, uri)})")
