"""Holds back what a user's step writes elsewhere while it runs in a pass of ours, and notes what cannot be held back."""

from __future__ import annotations

import builtins
import functools
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from bvtrack.adapters.quiet_writer import NOTHING


class Writer(NamedTuple):
    """A class through which a library writes, and the beginnings of the names of its methods that do."""

    module: str
    name: str
    held: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()


WRITERS = (
    Writer("mlflow.tracking.client", "MlflowClient", ("log_", "set_", "delete_", "update_"), ("create_logged_model",)),
    Writer("mlflow.tracking._tracking_service.client", "TrackingServiceClient", ("log_", "set_", "delete_", "update_")),
    Writer("torch.utils.tensorboard.writer", "SummaryWriter", ("add_",)),
    Writer("tensorboardX.writer", "SummaryWriter", ("add_",)),
    Writer("wandb.sdk.wandb_run", "Run", ("log", "alert", "save", "define_", "watch")),
    Writer("socket", "socket", noted=("send",)),
    Writer("ssl", "SSLSocket", noted=("send",)),
)
"""MLflow's fluent functions and bound methods meet in its service client; `MlflowClient` makes files before it gets there."""


class _Thread(threading.local):
    leaks: dict[str, None] | None = None
    """What this thread's step has written in spite of it; `None` outside of a step of ours."""


_thread = _Thread()
_lock = threading.Lock()
_installed: list[tuple[Any, str, Any]] = []
_n_guards = 0


def is_holding() -> bool:
    """True on a thread that runs a user's step in a pass of ours."""
    return _thread.leaks is not None


@dataclass
class WriteGuard:
    """Holds back writes of steps in one pass, on the thread that runs them; other threads write as ever.

    Held back are MLflow's, TensorBoard's and W&B's writes, and files opened to be appended to: these calls do nothing.
    `leaks` are, in words, those writes that were noticed and went through.
    """

    leaks: dict[str, None]

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run a user's code in here."""
        before, _thread.leaks = _thread.leaks, self.leaks
        try:
            yield
        finally:
            _thread.leaks = before


@contextmanager
def guard_writes() -> Iterator[WriteGuard]:
    """A guard for one pass; nothing of any library is changed before it or after it."""
    global _n_guards
    with _lock:
        _n_guards += 1
        if _n_guards == 1:
            _install()
    try:
        yield WriteGuard({})
    finally:
        with _lock:
            _n_guards -= 1
            if _n_guards == 0:
                _uninstall()


def _install() -> None:
    for writer in WRITERS:
        kind = getattr(sys.modules.get(writer.module), writer.name, None)
        for name in dir(kind) if isinstance(kind, type) else ():
            function = getattr(kind, name)
            if callable(function) and name.startswith((*writer.held, *writer.noted)):
                _replace(kind, name, (_held if name.startswith(writer.held) else _noted)(function, f"{writer.name}.{name}"))
    for owner in (builtins, io):
        _replace(owner, "open", _opening(owner.open))


def _replace(owner: Any, name: str, function: Any) -> None:
    _installed.append((owner, name, vars(owner).get(name)))  # of an inherited method nothing was there
    setattr(owner, name, function)


def _uninstall() -> None:
    while _installed:
        owner, name, function = _installed.pop()
        if function is None:
            delattr(owner, name)
        else:
            setattr(owner, name, function)


def _held(function: Callable[..., Any], _: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def held(*args: Any, **kwargs: Any) -> Any:
        return NOTHING if is_holding() else function(*args, **kwargs)

    return held


def _noted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        _note(f"calls {name}")
        return function(*args, **kwargs)

    return noted


def _opening(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def opening(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if is_holding() and file != os.devnull and isinstance(mode, str):
            if "a" in mode:
                return function(os.devnull, mode, *args, **kwargs)
            if set(mode) & set("wx+"):
                _note(f"writes the file {file}")
        return function(file, mode, *args, **kwargs)

    return opening


def _note(what: str) -> None:
    if _thread.leaks is not None:
        _thread.leaks[what] = None
