"""Calls a function of the user's own when the diagnosis changes, beside the training, which never waits for it."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable
from typing import Any, Self

from bvtrack.argument_error import ArgumentError
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.log import WarnOnce

NOT_HERE = "on_verdict is not called in this process, to which its function could not be sent: define it in a module"

OnVerdict = Callable[[Verdict], object]


class SharedFunction:
    """The function of `on_verdict=`: copies of a callback share it, with whatever it holds, and none is made of that. To other
    processes only a function goes that they can import, so that nothing of it is written anywhere.
    """

    def __init__(self, function: OnVerdict | None) -> None:
        self.function = function

    @classmethod
    def of(cls, function: OnVerdict) -> SharedFunction:
        """Raises `ValueError` for what cannot be called with a verdict, and for a coroutine function, which nobody awaits."""
        if isinstance(function, SharedFunction):
            return function
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise ArgumentError("on_verdict", "{} must be a plain function that takes a bvtrack.Verdict; got {!r}", function)
        return cls(function)

    def __call__(self, verdict: Verdict) -> object:
        return self.function(verdict) if self.function is not None else None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[SharedFunction], tuple[OnVerdict | None]]:
        return SharedFunction, (self.function if _is_importable(self.function) else None,)


def _is_importable(function: Any) -> bool:
    """True for a function at the top of a module, which a pickle holds by its name."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    return module is not None and getattr(module, getattr(function, "__qualname__", ""), None) is function


class VerdictCalls:
    """Calls a function with each verdict whose tag differs from that of the one before, in a thread of its own.

    One call at a time, in the order of the verdicts; of those that come while one runs, the latest alone. The thread lives as
    long as there is something to call, and is a daemon, so that no program waits for it. What the function raises is said once,
    by the training's own thread: a fork while another writes to a terminal may find its locks taken.
    """

    def __init__(self, function: OnVerdict, said: WarnOnce) -> None:
        """Raises `ValueError` as `SharedFunction.of` does."""
        self._function = SharedFunction.of(function)
        self._said = said
        self._latest: str | None = None
        self._called: str | None = None
        self._waiting: Verdict | None = None
        self._is_calling = False
        self._problem: str | None = None if self._function.function else NOT_HERE
        self._changed = threading.Condition()

    def know(self, verdict: Verdict) -> None:
        """Take this verdict for one that has been told, as of the training that this one goes on with."""
        self._latest = self._called = verdict.diagnosis.tag

    def tell(self, verdict: Verdict) -> None:
        """Have the function called if the verdict's tag is another than before."""
        self._say_problem()
        if verdict.diagnosis.tag == self._latest or self._function.function is None:
            return
        with self._changed:
            self._latest, self._waiting = verdict.diagnosis.tag, verdict
            if not self._is_calling:
                threading.Thread(target=self._call_all, name="bvtrack on_verdict", daemon=True).start()
                self._is_calling = True

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until the last call is over; true if it is."""
        with self._changed:
            is_over = self._changed.wait_for(lambda: not self._is_calling, min(timeout, threading.TIMEOUT_MAX))
        self._say_problem()
        return is_over

    def _say_problem(self) -> None:
        if self._problem is not None:
            self._said.once(self._problem, once_for="on_verdict")

    def _call_all(self) -> None:
        while (verdict := self._next()) is not None:
            try:
                self._function(verdict)
            except BaseException as error:  # a thread that ended in one would leave the training waiting
                self._problem = f"on_verdict raised {error!r}; the training goes on"

    def _next(self) -> Verdict | None:
        """The verdict that is to be called with now; those that were told and taken back meanwhile are none."""
        with self._changed:
            verdict, self._waiting = self._waiting, None
            if verdict is None or verdict.diagnosis.tag == self._called:
                self._is_calling = False
                self._changed.notify_all()
                return None
            self._called = verdict.diagnosis.tag
            return verdict
