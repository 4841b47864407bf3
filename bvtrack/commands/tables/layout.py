"""The one form that the commands' tables have: a line under the heads, and no edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Column, Table
    from rich.text import Text


def make_table(*columns: Column) -> Table:
    """A table of these columns, without rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)


def words(head: str) -> Column:
    """A column of a few words of our own, which a narrow terminal does not break."""
    from rich.table import Column

    return Column(head, no_wrap=True)


def text(head: str | Text, narrowest: int | None = None) -> Column:
    """A column of text that a narrow terminal breaks where it ends, down to so many characters."""
    from rich.table import Column

    return Column(head, overflow="fold", min_width=narrowest)


def numbers(head: str | Text, *, can_break: bool = False) -> Column:
    """A column of numbers, on the right; of one whose head is long a narrow terminal may break it."""
    from rich.table import Column

    return Column(head, justify="right", no_wrap=not can_break)
