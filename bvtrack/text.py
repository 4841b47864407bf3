"""Text from elsewhere, made fit for where it goes: what cannot be shown is marked, and what is too long is cut."""

from __future__ import annotations

import re
import textwrap

ELLIPSIS = "…"
SPACED_ELLIPSIS = " …"
"""Where what is cut is a text and no name."""


def as_text(value: str) -> str:
    r"""`value` with what no store takes, lone surrogates and the NUL character, shown as U+FFFD.

    >>> as_text("caf\x00e")
    'caf\ufffde'
    """
    return re.sub("[\0\ud800-\udfff]", "\ufffd", value)


def printable(text: str) -> str:
    r"""`text` as a terminal can show it, and without what would move its cursor.

    >>> printable("run\x1b[2J") == "run\ufffd[2J"
    True
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def on_one_line(text: str) -> str:
    r"""`text` with single spaces for all that separates its words.

    >>> on_one_line("a\n  b")
    'a b'
    """
    return " ".join(text.split())


def cut(text: str, longest: int, mark: str = ELLIPSIS) -> str:
    """`text` of at most `longest` characters, with the mark at its end where there was more.

    >>> cut("a very long name", 7), cut("a very long name", 7, SPACED_ELLIPSIS)
    ('a very…', 'a ver …')
    """
    return text if len(text) <= longest else text[: longest - len(mark)] + mark


def cut_at_word(text: str, longest: int) -> str:
    """`text` on one line, of at most `longest` characters and whole words.

    >>> cut_at_word("the server is out of reach", 16)
    'the server is …'
    """
    return textwrap.shorten(text, longest, placeholder=SPACED_ELLIPSIS)


def shortened(text: str, longest: int) -> str:
    """`text`, printable, of at most `longest` characters.

    >>> shortened("a very long name", 7)
    'a very…'
    """
    return cut(printable(text), longest)
