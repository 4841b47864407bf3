"""The run and the MLflow store that a Tracker writes to. Nothing here imports MLflow or touches the network."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bvtrack.store.run_group import RunGroup, current_group
from bvtrack.tracking_uri.address import DATABASES, DATABRICKS, SERVERS, has_host, read_address, refused_address, scheme_of
from bvtrack.tracking_uri.sqlite_file import absolute_sqlite, sqlite_file

DEFAULT_STORE = "mlflow.db"
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w-]{0,255}")
"""MLflow's own pattern for run ids."""
_ALLOW_FILE_STORE = "MLFLOW_ALLOW_FILE_STORE"
"""MLflow's own environment variable, without which it refuses file stores since 3.13."""


class Client(Protocol):
    """The part of `mlflow.MlflowClient` that is needed: its tracking URI."""

    @property
    def tracking_uri(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Target:
    """A store and a run in it; `run_id=None` is a run of our own, created when the store is first reached. The run is nested in
    the parent of its `group`.
    """

    tracking_uri: str
    run_id: str | None = None
    experiment: str | None = None
    run_name: str | None = None
    group: RunGroup | None = None

    @property
    def is_owned(self) -> bool:
        return self.run_id is None


def find_target(
    *,
    run_id: str | None = None,
    client: Client | None = None,
    tracking_uri: str | None = None,
    experiment: str | None = None,
    run_name: str | None = None,
) -> Target:
    """The run that was named, else the active MLflow run, else `MLFLOW_RUN_ID`, else a run of our own. Within a group, its
    parent is none of these, and its store and experiment are those of a run of our own that names no other.

    Raises `ValueError` for a tracking URI that MLflow could not open, and for an invalid run id.
    """
    if run_id is not None and not _RUN_ID.fullmatch(run_id):
        raise ValueError(f"run_id must be letters, digits, _ and -, as MLflow's ids of runs are; got {run_id!r}")
    group = current_group()
    of_group = group.address if group else None
    uri = checked_uri(client.tracking_uri if client else tracking_uri or of_group or current_uri())
    group = group if group and group.is_in(uri) and (run_id is None or run_id != group.run_id) else None
    if run_id is None and not tracking_uri and client is None and experiment is None:
        run_id = active_run_id()
        run_id = None if group and run_id == group.run_id else run_id
    if group is not None:
        experiment, run_name = experiment or group.experiment, run_name or group.name_of_run
    experiment, run_name = (None if name is None else str(name) for name in (experiment, run_name))
    return Target(uri, run_id, experiment, run_name, group)


def current_uri() -> str:
    """MLflow's tracking URI in this process; `sqlite:///mlflow.db` if none is set, or if it is a refused `./mlruns`."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if mlflow := sys.modules.get("mlflow"):
        uri = str(mlflow.get_tracking_uri())
        if uri.startswith("file:") and not mlflow.is_tracking_uri_set() and not _allows_file_store():
            uri = None
    return uri or f"sqlite:///{DEFAULT_STORE}"


def is_uri_set() -> bool:
    """True if somebody has set MLflow's tracking URI, in the environment or in this process."""
    mlflow = sys.modules.get("mlflow")
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (mlflow is not None and mlflow.is_tracking_uri_set())


def checked_uri(uri: str) -> str:
    """`uri`, with a relative path made absolute. Raises `ValueError` if MLflow could not open it."""
    scheme = scheme_of(uri)
    is_folder = scheme == "file" or ":" not in uri or re.match(r"[./\\]|[a-z]:[/\\]", uri, re.IGNORECASE)
    if scheme in SERVERS:
        if not has_host(uri):
            raise ValueError(f"an MLflow server address looks like http://localhost:5000; got {refused_address(uri)!r}")
        return uri
    if scheme in DATABASES:
        return _checked_database(uri, scheme)
    if scheme in DATABRICKS or scheme in _plugin_schemes():
        return uri
    if is_folder and _allows_file_store():
        return _absolute_folder(uri)
    expected = "an MLflow tracking URI looks like http://localhost:5000 or sqlite:///mlflow.db"
    raise ValueError(f"{expected}; got {refused_address(uri)!r}{_file_store_hint() if is_folder else _server_hint(uri)}")


def check_file(uri: str) -> None:
    """Raise `ValueError` for a missing SQLite file, which MLflow would create, empty."""
    if (path := sqlite_file(uri)) and not path.exists():
        raise ValueError(f"expected a store that is there, got {uri}; name another by --tracking-uri or MLFLOW_TRACKING_URI")


def without_credentials(text: str, uri: str | None = None) -> str:
    """`text` without the user name and secrets of `uri`; without `uri`, `text` is itself the URI, well-formed or not."""
    return read_address(text).shown if uri is None else read_address(uri).hidden_in(text)


def _allows_file_store() -> bool:
    return os.environ.get(_ALLOW_FILE_STORE, "").lower() in ("true", "1")


def _absolute_folder(uri: str) -> str:
    """The folder that MLflow would open from here."""
    if uri.lower().startswith("file:/"):
        return uri
    return Path(uri.removeprefix("file:")).absolute().as_uri()


def _file_store_hint() -> str:
    return f"; MLflow has given up the ./mlruns file store, use sqlite:///mlflow.db (or set {_ALLOW_FILE_STORE}=true)"


def _server_hint(uri: str) -> str:
    """The address that was probably meant, if a host and a port can be read."""
    found = re.fullmatch(r"(?:(https?):?/*)?([\w.-]+|\[[\da-f:]+\]):(\d+)(/\S*)?", uri, re.IGNORECASE)
    if found is None or refused_address(uri) != uri:
        return ""
    scheme, host, port, path = found.groups(default="")
    return f"; did you mean {(scheme or 'http').lower()}://{host}:{port}{path}?"


def _plugin_schemes() -> set[str]:
    """URI schemes of MLflow's store plugins."""
    from importlib.metadata import entry_points  # a fifth of the time of `import bvtrack`

    return {plugin.name for plugin in entry_points(group="mlflow.tracking_store")}


def _checked_database(uri: str, scheme: str) -> str:
    if scheme != "sqlite":
        if not uri.partition("://")[2].strip("/"):  # without a host it is the driver's own, such as a local socket
            raise ValueError(f"a database address looks like {scheme}://user@host/name; got {refused_address(uri)!r}")
        return uri
    if (absolute := absolute_sqlite(uri)) is None:
        raise ValueError(
            f"an SQLite store looks like sqlite:///mlflow.db (three slashes and a file); got {refused_address(uri)!r}"
        )
    return absolute


def begin_active_run(name: str | None = None) -> None:
    """Begin MLflow's active run where there is none, as its first logged metric would: for a logger that is of it in any case,
    and has begun one for an earlier training alone.
    """
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is None:
        mlflow.start_run(run_name=name)


def active_run_id() -> str | None:
    """The active MLflow run, else the one in `MLFLOW_RUN_ID`."""
    mlflow = sys.modules.get("mlflow")
    run = mlflow.active_run() if mlflow else None
    return str(run.info.run_id) if run else os.environ.get("MLFLOW_RUN_ID")
