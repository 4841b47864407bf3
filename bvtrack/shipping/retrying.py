"""Sends a journal until its training is over, with exponential backoff while the store fails."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from threading import Event
from typing import Protocol

from bvtrack.shipping.failures import is_final
from bvtrack.shipping.shipper import POLL_SECONDS, Shipper

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
"""Longest pause of the exponential backoff: how late a store's return may be noticed."""
LONGEST_REST_SECONDS = 2.0
"""Longest rest of a thread that keeps to its share of the time: setting up a store takes seconds, once."""
PATIENCE_SECONDS = 60.0
"""Time after the training's end that a store may stay unreachable before the rest is left in the journal."""
FINISH_SECONDS = 600.0
"""Time after the training's end that a slow store is given to accept the rest."""
NORMAL_TRIES = 2
"""A store that fails once may be briefly locked by another training; one that fails again is unreachable."""


class Clock(Protocol):
    """The part of the module `time` that is needed."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class EventClock:
    """Time in which a sleeper is woken by an event, such as the training's end; what is slept after it lasts."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        if self._event.is_set():
            time.sleep(seconds)
        else:
            self._event.wait(seconds)


def ship_until_over(
    shipper: Shipper,
    is_over: Callable[[], bool],
    *,
    patience: float = PATIENCE_SECONDS,
    share: float = 1.0,
    clock: Clock = time,
) -> bool:
    """Ship until the training is over and everything is sent (true), busy for at most a `share` of the time.

    A failing store is retried with exponential backoff. False if it stays unreachable for `patience` seconds after the
    training, takes too long for the rest, or refuses permanently.
    """
    n_failures, give_up_at, finish_by = 0, math.inf, math.inf
    while True:
        was_over = is_over() or shipper.has_sent_the_end
        began = clock.monotonic()
        if was_over:
            finish_by = min(finish_by, began + FINISH_SECONDS)
        try:
            is_idle = shipper.ship(is_over=was_over)
            if is_idle and was_over:
                shipper.finish()
                return True
            n_failures, give_up_at = 0, math.inf
            worked = clock.monotonic() - began
            rest = min(worked * (1 / share - 1), LONGEST_REST_SECONDS)
            pause = 0.0 if was_over else max(rest, POLL_SECONDS if is_idle else 0.0)
            is_last = clock.monotonic() > finish_by
        except Exception as error:
            n_failures += 1
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (n_failures - 1), LONGEST_PAUSE_SECONDS)
            give_up_at = min(give_up_at, clock.monotonic() + patience) if was_over else math.inf
            is_last = is_final(error, was_over) or clock.monotonic() + pause > min(give_up_at, finish_by)
            if is_last or n_failures >= NORMAL_TRIES:
                with contextlib.suppress(OSError):  # the disk that it is saved on may be full
                    shipper.report(error)
        if is_last:
            return False
        wake_up = clock.monotonic() + pause
        while (left := wake_up - clock.monotonic()) > 0 and (was_over or not is_over()):  # its end is tried at once
            clock.sleep(min(left, POLL_SECONDS))
