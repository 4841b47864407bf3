"""Sanitise and truncate text from elsewhere."""

from __future__ import annotations

import re
import textwrap

ELLIPSIS = "…"
SPACED_ELLIPSIS = " …"
"""Ellipsis for a cut text, rather than a cut name."""


def as_text(value: str) -> str:
    r"""`value` with lone surrogates and NUL, which no store takes, replaced by U+FFFD.

    >>> as_text("caf\x00e")
    'caf\ufffde'
    """
    return re.sub("[\0\ud800-\udfff]", "\ufffd", value)


def printable(text: str) -> str:
    r"""`text` with unprintable characters, control characters included, replaced by U+FFFD.

    >>> printable("run\x1b[2J") == "run\ufffd[2J"
    True
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def on_one_line(text: str) -> str:
    r"""`text` with runs of white space replaced by single spaces.

    >>> on_one_line("a\n  b")
    'a b'
    """
    return " ".join(text.split())


def cut(text: str, longest: int, mark: str = ELLIPSIS) -> str:
    """`text` cut to at most `longest` characters, with `mark` at its end if it was longer.

    >>> cut("a very long name", 7), cut("a very long name", 7, SPACED_ELLIPSIS)
    ('a very…', 'a ver …')
    """
    return text if len(text) <= longest else text[: longest - len(mark)] + mark


def cut_at_word(text: str, longest: int) -> str:
    """`text` on one line, cut to whole words and at most `longest` characters.

    >>> cut_at_word("the server is out of reach", 16)
    'the server is …'
    """
    return textwrap.shorten(text, longest, placeholder=SPACED_ELLIPSIS)


def shortened(text: str, longest: int) -> str:
    """`text`, printable, cut to at most `longest` characters.

    >>> shortened("a very long name", 7)
    'a very…'
    """
    return cut(printable(text), longest)
