"""Holds back what a user's step writes elsewhere while it runs in a pass of ours, and notes what cannot be held back."""

from __future__ import annotations

import builtins
import functools
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bvtrack.adapters.quiet_writer import NOTHING, is_users_file


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
    Writer("logging", "Logger", ("handle",)),
    Writer("torch.serialization", "_open_zipfile_writer_file", noted=("__init__",)),
    Writer("torch.serialization", "_open_zipfile_writer_buffer", noted=("__init__",)),
    Writer("socket", "socket", noted=("send",)),
    Writer("ssl", "SSLSocket", noted=("send",)),
)
"""MLflow's fluent functions and bound methods meet in its service client; `MlflowClient` makes files before it gets there."""


COMPILERS = ("torch._inductor", "torch._dynamo", "torch._functorch", "triton", "jax.", "tensorflow.")
"""What these write, as their caches, they write in whatever calls them first."""
MOST_SAID = 3
FOLDERS = ("mkdir", "remove", "unlink", "rename", "replace", "rmdir")
"""What `os` does to files and folders."""


class _Thread(threading.local):
    guard: WriteGuard | None = None
    """`None` outside of a step of ours."""


_thread = _Thread()
_lock = threading.Lock()
_installed: list[tuple[Any, str, Any]] = []
_n_guards = 0


def is_holding() -> bool:
    """True on a thread that runs a user's step in a pass of ours."""
    return _thread.guard is not None


@dataclass
class WriteGuard:
    """Holds back writes of steps in one pass, on the thread that runs them; other threads write as ever.

    Held back are MLflow's, TensorBoard's and W&B's writes, lines of Python's loggers but ours, and files opened to be appended
    to: these calls do nothing.
    `leaks` are, in words, those writes that were noticed and went through.
    """

    leaks: dict[str, None] = field(default_factory=dict)
    notes_all: bool = True
    """False where only those writes count that code of the user's own makes, not a library that it is called by."""

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run a user's code in here."""
        with _holding(self):
            yield

    def read(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Read batches in here: data may write too. What they put into files, as caches do, is not noted."""
        iterator = iter(batches)
        while True:
            with _holding(WriteGuard()):
                try:
                    batch = next(iterator)
                except StopIteration:
                    return
            yield batch


@contextmanager
def _holding(guard: WriteGuard) -> Iterator[None]:
    before, _thread.guard = _thread.guard, guard
    try:
        yield
    finally:
        _thread.guard = before


@contextmanager
def guard_writes(*, notes_all: bool = True) -> Iterator[WriteGuard]:
    """A guard for one pass; nothing of any library is changed before it or after it."""
    global _n_guards
    with _lock:
        _n_guards += 1
        if _n_guards == 1:
            _install()
    try:
        yield WriteGuard(notes_all=notes_all)
    finally:
        with _lock:
            _n_guards -= 1
            if _n_guards == 0:
                _uninstall()


def _install() -> None:
    for writer in WRITERS:
        kind = getattr(sys.modules.get(writer.module), writer.name, None)
        for name in _methods_of(kind, (*writer.held, *writer.noted)) if isinstance(kind, type) else ():
            stand_in = _held if name.startswith(writer.held) else _noted
            _replace(kind, name, stand_in(getattr(kind, name), f"{writer.name}.{name}"))
    for owner in (builtins, io):
        _replace(owner, "open", _opening(owner.open))
    for name in FOLDERS:
        _replace(os, name, _noted(getattr(os, name), f"os.{name}"))


@functools.cache
def _methods_of(kind: type, beginnings: tuple[str, ...]) -> Sequence[str]:
    return [name for name in dir(kind) if name.startswith(beginnings) and callable(getattr(kind, name))]


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


@functools.cache  # a pass is to cost little
def _held(function: Callable[..., Any], _: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def held(*args: Any, **kwargs: Any) -> Any:
        return NOTHING if is_holding() and not _is_ours(*args) else function(*args, **kwargs)

    return held


@functools.cache
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


def listed(leaks: Collection[str]) -> str:
    """In words, no more than some of them.

    >>> listed(["writes the file 1", "writes the file 2", "writes the file 3", "writes the file 4"])
    'writes the file 1, writes the file 2, writes the file 3 and more'
    """
    some = list(leaks)[:MOST_SAID]
    return ", ".join(some) + (" and more" if len(leaks) > MOST_SAID else "")


def _note(what: str) -> None:
    guard = _thread.guard
    if guard is not None and _is_by_user(guard):
        guard.leaks[what] = None


def _is_by_user(guard: WriteGuard) -> bool:
    """True if code of the user's own, on this side of the callback, has called what is noted: no compiler, and no finalizer,
    which runs in whatever is running when the garbage is collected.
    """
    has_user, is_inside, frame = guard.notes_all, True, sys._getframe(1).f_back
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(COMPILERS) or module == "weakref" or frame.f_code.co_name == "__del__":
            return False
        if module.startswith("bvtrack") and module != __name__:
            is_inside = False
        elif not is_inside:  # what called us
            return has_user
        has_user |= is_inside and is_users_file(module)
        frame = frame.f_back
    return has_user


def _is_ours(writer: Any = None, *_: Any) -> bool:
    """True for the logger by which we say what happens in a pass."""
    return isinstance(writer, logging.Logger) and writer.name.startswith("bvtrack")
