"""Stands between a training and its sender, for whoever ends a process together with its children.

Ray kills the children of a worker that ends (its `kill_child_processes_on_worker_exit`), and a sender with them, which has the
last points still to send; of grandchildren it knows nothing. This is a program of its own, which imports next to nothing, so
that the sender is out of reach some milliseconds after its start.
"""

from __future__ import annotations

import os
import select
import signal
import sys

LOOK_SECONDS = 0.5
"""Between two looks at whether the process of the trainings is gone."""


def main(*command: str) -> int:
    """Run a command in a process of its own, and end with its exit code; or with 0, once this one's parent is gone."""
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))  # as the sender does
    end, held = os.pipe()
    os.set_inheritable(held, True)
    try:
        child = os.fork() if hasattr(os, "fork") else 0
    except OSError:  # a container's limit on processes
        child = 0
    if not child:
        os.execv(command[0], command)
    for descriptor in (0, 1, held):  # which are the child's
        os.close(descriptor)
    while os.getppid() == parent:
        if select.select([end], [], [], LOOK_SECONDS)[0]:  # the child, which alone held it, has ended
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF
    return 0


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
