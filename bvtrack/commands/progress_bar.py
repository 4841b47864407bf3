"""The bar of a command that takes long, for who watches it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


@contextmanager
def progress_bar(*columns: str | ProgressColumn) -> Iterator[Progress]:
    """A bar on the error stream that is gone in the end, and that shows nothing where the stream is no terminal: there Rich
    before 14.3 would print an empty line.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    bar = Progress(*columns, transient=True, console=console, disable=not console.is_terminal)
    with bar if console.is_terminal else nullcontext():
        yield bar
