"""A Tracker's way out: its journal on disk, and the shipper that empties it into MLflow."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack.tracking import names
from bvtrack.tracking.harmless import logger
from bvtrack.tracking.journal import Journal, Progress, Record, forget_progress, record
from bvtrack.tracking.process import ShipperProcess
from bvtrack.tracking.target import Target, without_credentials

LOOK_SECONDS = 1.0


class Link:
    """One journal and its shipper, from the first record to the last."""

    def __init__(self, target: Target, training_id: str, options: Mapping[str, Any], journal_dir: Path) -> None:
        """Open the journal and start the shipper. Raises `OSError` where the journal cannot be made."""
        self._journal = Journal(journal_dir)
        self._progress = Progress()
        self._is_out_of_reach = False
        self._next_look = 0.0
        self._is_closing = False
        self.append(_header(target, training_id, options))
        try:
            self._shipper: ShipperProcess | None = ShipperProcess(self._journal.path, target.tracking_uri)
        except OSError as error:
            self._shipper = None
            logger.warning("bvtrack: no process could be started to send the points (%s); %s", error, self._advice())

    @property
    def run_id(self) -> str | None:
        """The run that the store made, once it has told."""
        if self._shipper and self._progress.run_id is None:
            self._progress = self._shipper.progress
        return self._progress.run_id

    def append(self, *records: Record) -> None:
        """Write to the journal; this is all that the calling thread does."""
        self._journal.append(*records)

    def listen(self) -> None:
        """Look once a second at how the shipper is doing; say when the store goes out of reach, and when it is back."""
        if self._shipper is not None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._look(self._shipper)

    def _look(self, shipper: ShipperProcess) -> None:
        self._progress = shipper.progress
        problem = self._progress.problem
        if shipper.has_ended and not problem and not self._is_closing:
            problem = "the process that sends the points has been ended"
        if problem and not self._is_out_of_reach:
            logger.warning("bvtrack: %s; %s", problem, self._advice())
        elif self._is_out_of_reach and not problem:
            logger.warning("bvtrack: MLflow takes the points again; nothing was lost")
        self._is_out_of_reach = problem is not None

    def close(self, timeout: float) -> None:
        """End the journal and wait up to `timeout` seconds for the shipper; says what has not arrived by then."""
        self._journal.close()
        if self._shipper is None:
            return
        self._is_closing = True
        has_arrived = self._shipper.close(timeout)
        self._look(self._shipper)
        if has_arrived:
            forget_progress(self._journal.path)
        elif not self._is_out_of_reach:
            logger.warning("bvtrack: the last points are still on their way to MLflow; %s", self._advice())

    def _advice(self) -> str:
        """Where the points are and what brings them to MLflow, in words that serve during the training and after it."""
        kept = f"the points are kept in {self._journal.path}"
        sync = f"`bvtrack sync {self._journal.path.parent}`"
        if self._progress.is_run_missing:
            return f"{kept}: name a run that is there, or send them by {sync} with the --tracking-uri of the store that has it"
        return f"{kept}, and {sync} sends what is left of them after the training"


def _header(target: Target, training_id: str, options: Mapping[str, Any]) -> Record:
    tags = {
        names.ID: training_id,
        "mlflow.source.name": sys.argv[0] or "<interactive>",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": _user(),
    }
    content: dict[str, Any] = {
        "run_id": target.run_id,
        "experiment": target.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME"),
        "experiment_id": os.environ.get("MLFLOW_EXPERIMENT_ID"),
        "run_name": target.run_name,
        "store": without_credentials(target.tracking_uri),
        "tags": tags,
        "options": options,
    }
    return record("run", **content)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "unknown"
