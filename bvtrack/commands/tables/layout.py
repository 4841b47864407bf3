"""Common layout of the commands' tables: a line under the header, and no borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bvtrack.text import shortened

if TYPE_CHECKING:
    from rich.table import Column, Table
    from rich.text import Text

LONGEST_TAG = 100
"""Maximum length in characters, twice that of all four problems; others may have written anything."""


def make_table(*columns: Column) -> Table:
    """An empty table with these columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)


def words(head: str) -> Column:
    """A column of short texts that are never wrapped."""
    from rich.table import Column

    return Column(head, no_wrap=True)


def text(head: str | Text, narrowest: int | None = None) -> Column:
    """A column of text, folded on a narrow terminal, at least `narrowest` characters wide."""
    from rich.table import Column

    return Column(head, overflow="fold", min_width=narrowest)


def numbers(head: str | Text, *, can_break: bool = False) -> Column:
    """A right-aligned column of numbers; `can_break` allows a narrow terminal to wrap a long header."""
    from rich.table import Column

    return Column(head, justify="right", no_wrap=not can_break)


def with_breaks(tag: str) -> str:
    """A diagnosis with a line break after each problem, so that a narrow terminal breaks no word."""
    return shortened(tag, LONGEST_TAG).replace("+", "+\n")
