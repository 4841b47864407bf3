"""What is said of a training, and to whom. Tracking never ends one: what goes wrong in a hook is said once and left behind."""

from __future__ import annotations

import functools
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from bvtrack.terminal import STDERR, beside_bars, encodable, handlers_of
from bvtrack.text import as_text

logger = logging.getLogger("bvtrack")
"""Warnings go here and not to `warnings`, which people turn into errors."""

_said: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def warn(message: str) -> None:
    """Log a warning, in characters that the streams take that it goes to."""
    with _beside_all_else():
        logger.warning("bvtrack: %s", _encodable(message))


def tell(message: str) -> None:
    """Log what a person waits for, no warning, at level INFO, so that it is seen where nobody has configured logging.

    There Python shows warnings alone: the level of the root logger, as long as it is WARNING, its default, is taken for
    nobody's choice, and without any handler the message goes to `sys.stderr`. Any level that was set for the logger
    `bvtrack`, one of the root logger above WARNING, and `logging.disable` hold.
    """
    if not _shows_what_is_told():
        return
    path, line, function, _ = logger.findCaller()
    said = (_encodable(message),)
    record = logger.makeRecord(logger.name, logging.INFO, path, line, "bvtrack: %s", said, None, function)
    with _beside_all_else():
        if logger.hasHandlers():
            logger.handle(record)
        elif logger.filter(record):
            STDERR.handle(record)


def _shows_what_is_told() -> bool:
    is_untouched = logger.level == logging.NOTSET and logger.getEffectiveLevel() == logging.WARNING
    is_allowed = not logger.disabled and logger.manager.disable < logging.INFO
    return logger.isEnabledFor(logging.INFO) or (is_untouched and is_allowed)


def _encodable(message: str) -> str:
    return encodable(as_text(message), [getattr(handler, "stream", None) for handler in handlers_of(logger)] or [sys.stderr])


@contextmanager
def _beside_all_else() -> Iterator[None]:
    """Say something between progress bars; a stream that is closed, where `logging` raises, ends no training."""
    try:
        with beside_bars():
            yield
    except Exception as error:
        if is_for_the_program(error):
            raise


class WarnOnce:
    """Warns of each trouble once; never where it is not `is_enabled`, as in processes beside the one that writes."""

    def __init__(self, *, is_enabled: bool = True) -> None:
        self._is_enabled = is_enabled
        self._said: set[str] = set()

    def once(self, message: str, once_for: str = "") -> None:
        """Warn once for each message, or for each trouble, however often it comes with other numbers."""
        if self._is_enabled and (once_for or message) not in self._said:
            self._said.add(once_for or message)
            warn(message)


_Owner = TypeVar("_Owner")
_Arguments = ParamSpec("_Arguments")


def is_for_the_program(error: BaseException) -> bool:
    """True if an exception came from outside, by a signal, whatever code it struck: the program's end, a time limit, Ctrl-C."""
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    struck = any(frame.f_code in handlers for frame, _ in walk_tb(error.__traceback__))
    return struck or isinstance(error, (KeyboardInterrupt, GeneratorExit))


def _code_of(handler: Any) -> Any:
    """The code of a function, a method or a callable object; `None` for what Python does not run."""
    function = getattr(handler, "__func__", handler)
    return getattr(function, "__code__", None) or getattr(type(handler).__call__, "__code__", None)


def never_raise(method: Callable[Concatenate[_Owner, _Arguments], None]) -> Callable[Concatenate[_Owner, _Arguments], None]:
    """Make a method that logs one warning, once for each object and message, where `method` would raise. What a signal raises
    is passed on.

    >>> class Callback:
    ...     @never_raise
    ...     def on_epoch_end(self):
    ...         raise OSError("disk full")
    >>> Callback().on_epoch_end()
    """

    @functools.wraps(method)
    def guarded(owner: _Owner, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        try:
            method(owner, *args, **kwargs)
        except Exception as error:
            if is_for_the_program(error):
                raise
            message = f"{type(error).__name__}: {error}"
            if message not in _said.setdefault(owner, set()):
                _said[owner].add(message)
                warn(f"{method.__qualname__} was skipped, the training goes on ({message})")
                logger.debug("why it was skipped:", exc_info=True)

    return guarded
