"""Text from elsewhere, for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""`text` as a terminal can show it, and without what would move its cursor.

    >>> printable("run\x1b[2J") == "run\ufffd[2J"
    True
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
