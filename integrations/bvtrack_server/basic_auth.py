"""`mlflow server --app-name bvtrack-basic-auth`: the map beside MLflow's own basic auth.

MLflow creates the tables and the admin before its workers start, but only for an app called `basic-auth`. It also imports
every app's module once before that: the last moment at which one error message can end the command, instead of workers
that die and are restarted endlessly.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import click
from fastapi import FastAPI
from filelock import FileLock
from mlflow.exceptions import MlflowException

from bvtrack_server.pages import add_pages, check_that_it_is_uvicorn


def create_app() -> FastAPI:
    """MLflow's app with basic auth, and the map in front: anyone may load the page, its data need the user's login."""
    check_that_it_is_uvicorn()
    from mlflow.server.auth import create_app as create_mlflow_app

    return add_pages(create_mlflow_app())


def _prepare() -> None:
    """Set up the users' database with its admin, once. Raises `click.ClickException` if a setting is missing."""
    if not os.environ.get("MLFLOW_FLASK_SERVER_SECRET_KEY"):
        raise click.ClickException(
            "basic auth expects a secret key that all its workers share, and none is set; "
            "run `export MLFLOW_FLASK_SERVER_SECRET_KEY=…` with a long random text first"
        )
    try:
        from mlflow.server.auth import auth_config, create_admin_user, store

        with _setup_lock(auth_config.database_uri):
            store.init_db(auth_config.database_uri)  # type: ignore[no-untyped-call]  # MLflow gives it no types
            create_admin_user(auth_config.admin_username, auth_config.admin_password)
    except MlflowException as error:
        raise click.ClickException(error.message) from error
    except ImportError as error:
        if "Flask-WTF" not in str(error):
            raise
        raise click.ClickException("basic auth needs Flask-WTF, which is not installed; pip install 'mlflow[auth]'") from error


def _setup_lock(database: str) -> FileLock:
    """The lock for one process at a time: two that create the same tables fail."""
    name = hashlib.sha256(f"{Path.cwd()} {database}".encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"bvtrack-auth-{name}.lock")


_prepare()
