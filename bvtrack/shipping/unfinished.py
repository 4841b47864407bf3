"""The trainings of this process that are over, and of which it is not known that all has arrived."""

from __future__ import annotations

import os
import time
from typing import Protocol

from bvtrack.shipping.waiting import LAST_TRY_SECONDS

ARRIVAL_SECONDS = 30.0
"""Longest wait of whoever asks for what a training has sent, and of a process for its end."""


class Unfinished(Protocol):
    """A training that is over, as its record log tells of it."""

    @property
    def is_out_of_reach(self) -> bool:
        """True if its store is known to be out of reach."""
        ...

    def say_what_is_left(self) -> None:
        """Say where what has not arrived is kept."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until all has arrived; true if it has. What needs it to have arrived is done then."""
        ...


_unfinished: dict[Unfinished, int] = {}
"""Each with the process that closed it, which alone waits for it: a fork does not; the earliest first."""


def remember(training: Unfinished) -> None:
    """Wait for `training` where something is asked for, until `forget`."""
    _unfinished[training] = os.getpid()


def forget(training: Unfinished) -> None:
    """Have done with a training of which all has arrived."""
    _unfinished.pop(training, None)


def wait_for_unfinished(timeout: float = ARRIVAL_SECONDS) -> list[Unfinished]:
    """Wait up to `timeout` seconds until all that this process's trainings have sent has arrived; those of which it has not.

    Stores that are known to be out of reach are waited for at the end, 5 s together.
    """
    deadline = time.monotonic() + timeout
    trainings = [training for training, process in _unfinished.items() if process == os.getpid()]
    for is_last_try in (False, True):
        if is_last_try:
            deadline = min(deadline, time.monotonic() + LAST_TRY_SECONDS)
        late = []
        for training in trainings:
            is_due = is_last_try or not training.is_out_of_reach
            if not (is_due and training.wait(max(0.0, deadline - time.monotonic()))):
                late.append(training)
        trainings = late
    return trainings
