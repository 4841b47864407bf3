"""Text from elsewhere, for a terminal or a page."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""`text` as a terminal can show it, and without what would move its cursor.

    >>> printable("run\x1b[2J") == "run\ufffd[2J"
    True
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def shortened(text: str, longest: int) -> str:
    """`text`, printable, of at most `longest` characters.

    >>> shortened("a very long name", 7)
    'a very…'
    """
    plain = printable(text)
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
