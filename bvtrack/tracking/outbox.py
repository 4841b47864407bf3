"""A Tracker's way out: its journal on disk, and the shipper that empties it into MLflow."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvtrack.journal.folder import delete_folder
from bvtrack.journal.journal import FORMAT, Journal, record
from bvtrack.journal.record_line import Record
from bvtrack.journal.user import user_name
from bvtrack.journal.writer_process import this_process
from bvtrack.log import WarnOnce, warn
from bvtrack.schema.tags import ID
from bvtrack.shipping.process import ShipperProcess
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.thread import ShipperThread
from bvtrack.shipping.waiting import NoShipper, RunningShipper
from bvtrack.store.target import Target
from bvtrack.tracking.environment import program_name, sync_command
from bvtrack.tracking_uri.address import read_address

LOOK_SECONDS = 1.0
RESTART_SECONDS = 30.0
"""Between two starts of a sender that ends each time."""


class Link:
    """One journal and its shipper, from the first record to the last."""

    def __init__(self, target: Target, training_id: str, options: Mapping[str, Any], journal_dir: Path) -> None:
        """Open the journal, which `begin` starts to send. Raises `OSError` where the journal cannot be made."""
        self._journal = Journal(journal_dir, _header(target, training_id, options))
        self._uri = target.tracking_uri
        self._progress = Progress()
        self._is_out_of_reach = False
        self._is_full = False
        self._next_look = 0.0
        self._is_closing = False
        self._has_arrived = False
        self._said = WarnOnce()
        self._next_start = 0.0
        self._shipper: RunningShipper = NoShipper()

    @property
    def run_id(self) -> str | None:
        """The run that the store made, once it has told."""
        if self._progress.run_id is None:
            self._progress = self._shipper.progress
        return self._progress.run_id

    @property
    def progress(self) -> Progress:
        """The shipper's progress as it was last looked at, when this was waited for or listened to."""
        return self._progress

    @property
    def is_out_of_reach(self) -> bool:
        """True if the store is now known to be out of reach, or nothing sends."""
        return isinstance(self._shipper, NoShipper) or self._shipper.progress.problem is not None

    def begin(self, *records: Record) -> None:
        """Write the first records, and then start the shipper: they are kept whatever becomes of it."""
        self.append(*records)
        self._shipper = self._started()

    def append(self, *records: Record) -> None:
        """Write to the journal; this is all that the calling thread does. Says once where the disk takes no more."""
        try:
            self._journal.append(*records)
            self._is_full = False
        except OSError as error:
            if not self._is_full:
                kept = "the points wait in memory until it does"
                warn(f"{self._journal.path} takes no more ({error.strerror}); {kept}")
            self._is_full = True

    def listen(self) -> None:
        """Look once a second at how the shipper is doing; say when the store goes out of reach, and when it is back."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._look()

    def _look(self) -> None:
        self._progress = self._shipper.progress
        if self._shipper.has_ended and not self._is_closing and time.monotonic() >= self._next_start:
            is_none = isinstance(self._shipper, NoShipper)
            self._shipper = self._started() if is_none else self._in_its_place("the process that sends the points has ended")
        for refusal in self._progress.refused:
            self._said.once(f"MLflow refuses {refusal}; all the rest is sent")
        problem = self._progress.problem
        if problem and not self._is_out_of_reach:
            warn(f"{problem}; {self._advice()}")
        elif self._is_out_of_reach and not problem:
            warn("MLflow takes the points again; nothing was lost")
        self._is_out_of_reach = problem is not None

    def close(self, timeout: float) -> bool:
        """End the journal, and wait for the shipper as `wait` does; says so where that was too short."""
        try:
            self._journal.close()
        except OSError as error:
            lost, path = self._journal.n_unwritten, self._journal.path
            warn(f"the last {lost} records are lost: {path} takes no more ({error.strerror})")
        self._is_closing = True
        has_arrived = self._settled(self._shipper.close(timeout))
        if timeout and not has_arrived:
            self.say_what_is_left()
        return has_arrived

    def wait(self, timeout: float) -> bool:
        """After `close`, wait up to `timeout` seconds until all has arrived; true if it has, and the journal is removed. A
        store that is known to be out of reach is waited for 5 s at most. Says what is wrong with it.
        """
        return self._has_arrived or self._settled(self._shipper.wait(timeout))

    def say_what_is_left(self) -> None:
        """Say once where what has not arrived is kept; of a store that is out of reach that has been said."""
        if not self.is_out_of_reach:
            self._said.once(f"the last points are still on their way to MLflow; {self._advice()}", once_for="left")

    def _settled(self, has_arrived: bool) -> bool:
        self._look()
        if has_arrived:
            delete_folder(self._journal.path)
        self._has_arrived = has_arrived
        return has_arrived

    def _started(self) -> RunningShipper:
        try:
            return ShipperProcess(self._journal.path, self._uri)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            return self._in_its_place(f"no process could be started to send the points ({reason})")

    def _in_its_place(self, reason: str) -> RunningShipper:
        self._next_start = time.monotonic() + RESTART_SECONDS
        try:
            shipper = ShipperThread(self._journal.path, self._uri)
        except RuntimeError as error:  # the container's limit holds for threads too
            self._said.once(f"{reason}, and no thread either ({error}); {self._advice()}", once_for="nothing sends")
            return NoShipper()
        self._said.once(f"{reason}; a thread sends them, a little at a time")
        return shipper

    def _advice(self) -> str:
        """The folder of the points and the command that sends them, in words that serve during the training and after it."""
        kept = f"the points are kept in {self._journal.path}"
        sync = f"`{sync_command(self._journal.path.parent)}`"
        if self._progress.is_run_missing:
            return f"{kept}: name a run that is there, or send them by {sync} with the --tracking-uri of the store that has it"
        return f"{kept}, and {sync} sends what is left of them after the training"


def _header(target: Target, training_id: str, options: Mapping[str, Any]) -> Record:
    tags = {
        ID: training_id,
        "mlflow.source.name": program_name(),
        "mlflow.source.type": "LOCAL",
        "mlflow.user": user_name(),
    }
    address = read_address(target.tracking_uri)
    content: dict[str, Any] = {
        "run_id": target.run_id,
        "experiment": target.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME"),
        "experiment_id": os.environ.get("MLFLOW_EXPERIMENT_ID"),
        "run_name": target.run_name,
        "store": address.place,
        "address": address.kept,
        "tags": tags,
        "options": options,
        "writer": this_process(),
        "format": FORMAT,
        **({"group": target.group.header()} if target.group else {}),
    }
    return record("run", **content)
