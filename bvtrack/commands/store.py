"""Helpers of commands that read an MLflow store: its tracking URI, and the error if it fails."""

from __future__ import annotations

import click

from bvtrack.store.mlflow_errors import short_cause
from bvtrack.store.target import checked_uri, current_uri, without_credentials


def named_store(tracking_uri: str | None) -> str:
    """The given tracking URI, else MLflow's own setting. Raises a usage error if it is malformed."""
    try:
        return checked_uri(tracking_uri or current_uri())
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def refused(what: str, error: Exception, uri: str) -> click.ClickException:
    """The error `MLflow at {uri} {what} ({cause})`, without credentials; `what` is, say, "does not list the runs"."""
    return click.ClickException(f"MLflow at {without_credentials(uri)} {what} ({short_cause(error, uri)})")
