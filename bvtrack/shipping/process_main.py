"""The shipper as a process of its own.

It is a process because a thread doing the same took four fifths of a small training's speed. It is told the store on standard
input, never on the command line or in the journal, for the address may hold a password. The training has ended when the
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
from bvtrack.journal.journal import delete_folder
from bvtrack.shipping.run_context import note_context
from bvtrack.shipping.shipper import Shipper, sending, settle_mlflow, ship_until_over

NICENESS = 10
"""The training goes first where both want the same processor."""


def main() -> int:
    """Read `{"journal": …, "tracking_uri": …}` from the first line of standard input and ship until the training is over."""
    if sys.platform != "win32":  # there it is started so
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
    """Clusters send SIGTERM to all processes of a job: the training's last words are still to be sent then."""
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _ship(journal: Path, tracking_uri: str, is_over: Callable[[], bool], is_gone: Callable[[], bool]) -> bool:
    try:
        with sending(journal):
            shipper = Shipper(journal, tracking_uri, with_report=True)
            sys.argv = [shipper.program]  # whose commit MLflow asks for
            note_context(journal)
            has_arrived = ship_until_over(shipper, is_over)
    except Held:
        return False
    if is_gone():  # else it asks for the run's id, and tidies up
        delete_folder(journal)
    if has_arrived:
        shipper.report_completion()
        shipper.write_report()  # which nobody waits for
    return has_arrived
