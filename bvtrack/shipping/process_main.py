"""The shipper as a process of its own.

It is a process because a thread doing the same cost a small training four fifths of its speed. It reads the tracking URI from
standard input, never from the command line or the journal, because it may hold a password. The training has ended when the
journal says so, when that pipe closes (the training's own workers may hold it open a while longer), or when its process is
gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from bvtrack.journal.file_lock import Held
from bvtrack.journal.folder import delete_folder
from bvtrack.shipping.retrying import ship_until_over
from bvtrack.shipping.run_context import note_context
from bvtrack.shipping.shipper import Shipper, sending
from bvtrack.store.mlflow_settings import settle_mlflow

NICENESS = 10
"""The training has priority if both want the same CPU."""


def main() -> int:
    """Read `{"journal": …, "tracking_uri": …}` from the first line of standard input and ship until the training is over."""
    if sys.platform != "win32":  # there it is started with a lower priority
        os.nice(NICENESS)
    settle_mlflow()
    _outlive_one_sigterm()
    training = os.getppid()
    pipe_has_closed = threading.Event()
    task = json.loads(sys.stdin.readline())

    def wait_for_the_end() -> None:
        sys.stdin.read()
        pipe_has_closed.set()

    def is_gone() -> bool:
        return os.getppid() != training

    def is_over() -> bool:
        return pipe_has_closed.is_set() or is_gone()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    return 0 if _ship(Path(task["journal"]), task["tracking_uri"], is_over, is_gone) else 1


def _outlive_one_sigterm() -> None:
    """Ignore one SIGTERM, which clusters send to all processes of a job: the training's last records are still to be sent."""
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _ship(journal: Path, tracking_uri: str, is_over: Callable[[], bool], is_gone: Callable[[], bool]) -> bool:
    try:
        with sending(journal):
            shipper = Shipper(journal, tracking_uri, with_report=True)
            sys.argv = [shipper.program]  # MLflow looks up its commit
            note_context(journal)
            has_arrived = ship_until_over(shipper, is_over)
    except Held:
        return False
    if is_gone():  # otherwise the training reads the run's id and removes the folder
        delete_folder(journal)
    if has_arrived:
        shipper.report_completion()
        shipper.tie_models()  # from here on, nobody waits
        shipper.write_report()
    return has_arrived
