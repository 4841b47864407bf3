"""What bvtrack warns of, kept for tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_warnings() -> Iterator[list[str]]:
    """What bvtrack warns of meanwhile."""
    messages: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    keeper = Keeper(logging.WARNING)
    logging.getLogger("bvtrack").addHandler(keeper)
    yield messages
    logging.getLogger("bvtrack").removeHandler(keeper)
