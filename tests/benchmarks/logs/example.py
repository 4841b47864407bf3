"""A log that some tool wrote, and what is true of the run in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Writer = Callable[[Path], Path]
"""Writes a log into an empty folder, and returns the file or folder that a user would point at."""

REFUSED = "refused"


@dataclass(frozen=True)
class Example:
    """`truth` are the answers that are right: `fine`, `overtrained`, `diverged`, `not_learning`, or `refused`."""

    name: str
    truth: frozenset[str]
    write: Writer


def example(name: str, write: Writer, *truth: str) -> Example:
    return Example(name, frozenset(truth), write)
