"""The terminal that a training is watched in: its progress bars, and the characters that its streams take."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any


class StderrHandler(logging.Handler):
    """Writes bare messages to `sys.stderr` as it is at that time: notebooks and progress bars put one of their own there."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr is not None:  # programs without a console have none
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()


STDERR = StderrHandler()


def handlers_of(logger: logging.Logger) -> Iterator[logging.Handler]:
    """The handlers that its records go to, those of its parents included."""
    heard: logging.Logger | None = logger
    while heard is not None:
        yield from heard.handlers
        heard = heard.parent if heard.propagate else None


@contextmanager
def beside_bars() -> Iterator[None]:
    """Take tqdm's open progress bars off the screen meanwhile: a line behind one is unreadable. Raises nothing of its own."""
    tqdm: Any = sys.modules.get("tqdm.std")
    stack = ExitStack()
    with suppress(Exception):  # a bar's stream may be closed
        if tqdm is not None:
            stack.enter_context(tqdm.tqdm.external_write_mode(file=sys.stderr))
    try:
        yield
    finally:
        with suppress(Exception):
            stack.close()


def encodable(text: str, streams: list[Any]) -> str:
    r"""`text` with what one of the streams does not take written as an escape: a handler would print a traceback for it.

    >>> import io
    >>> encodable("R² in café", [io.TextIOWrapper(io.BytesIO(), "ascii"), io.StringIO()])
    'R\\xb2 in caf\\xe9'
    """
    for stream in streams:
        encoding, errors = getattr(stream, "encoding", None), getattr(stream, "errors", None)
        if isinstance(encoding, str) and errors in (None, "strict"):
            with suppress(LookupError):
                text = text.encode(encoding, "backslashreplace").decode(encoding)
    return text
