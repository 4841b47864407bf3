"""Find out how the text of a file is encoded, by decoding all of it."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bvtrack.splits.files.streams import opened

AT_ONCE = 1 << 20
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, the longer first: one of UTF-32 begins like one of UTF-16."""
WESTERN = "cp1252"
"""Windows-1252, of which Latin-1's letters are a part: what spreadsheets of Western Europe write."""


@dataclass(frozen=True)
class Encoding:
    """Python's name of an encoding; `is_guess` if the bytes allow others; `n_quotes` are the double quotes in the file."""

    name: str
    is_guess: bool = False
    n_quotes: int = 0


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file, decoded to its end.

    Raises `ValueError` for bytes that are no text, and for a file partly in UTF-8 and partly not.
    """
    with opened(path) as stream:
        first = bytes(stream.bytes.read(1024))
    name = next((name for mark, name in MARKS if first.startswith(mark)), None) or _without_mark(first)
    return _utf_8(path) if name == "utf-8" else Encoding(name, n_quotes=_n_quotes_decoded(path, name))


def _without_mark(first: bytes) -> str:
    """UTF-16 by its zero bytes: every other one, where letters are mostly Latin."""
    pairs = len(first) // 2
    for name, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        if pairs > 1 and first[place::2].count(0) > 0.6 * pairs and first[1 - place :: 2].count(0) == 0:
            return name
    return "utf-8"


def _utf_8(path: Path) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-8")()
    n_quotes, n_read, is_ascii = 0, 0, True
    for chunk in _chunks(path):
        n_quotes += chunk.count(b'"')
        if (place := chunk.find(b"\0")) >= 0:
            line = _line(path, n_read + place)
            raise ValueError(f"expected text, got a zero byte in line {line:,} of {path}; write the file again as UTF-8")
        try:
            if not (chunk.isascii() and not decoder.getstate()[0]):
                decoder.decode(chunk)
        except UnicodeDecodeError as error:
            if not is_ascii or not error.object[: error.start].isascii():
                line = _line(path, n_read + max(0, error.start + len(chunk) - len(error.object)))
                raise ValueError(
                    f"expected text in one encoding, got UTF-8 and in line {line:,} other bytes in {path}; "
                    "save it again as UTF-8"
                ) from error
            return Encoding(WESTERN, is_guess=True, n_quotes=_n_quotes_decoded(path, WESTERN))
        n_read += len(chunk)
        is_ascii = is_ascii and chunk.isascii()
    if decoder.getstate()[0]:
        raise ValueError(f"expected text in UTF-8, got a last character that is cut off in {path}; write it again")
    return Encoding("utf-8", n_quotes=n_quotes)


def _n_quotes_decoded(path: Path, encoding: str) -> int:
    """Number of double quotes. Raises `ValueError` for bytes that are not in this encoding."""
    decoder, n_quotes = codecs.getincrementaldecoder(encoding)(), 0
    try:
        for chunk in _chunks(path):
            n_quotes += decoder.decode(chunk).count('"')
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise ValueError(
            f"expected text in UTF-8, UTF-16 or {WESTERN}, got other bytes in {path}; "
            "save it as UTF-8 (iconv -f ENCODING -t UTF-8)"
        ) from error
    return n_quotes


def _line(path: Path, offset: int) -> int:
    """The line of the byte at `offset`."""
    line = 1
    for chunk in _chunks(path):
        line += chunk[: max(0, offset)].count(b"\n")
        offset -= len(chunk)
    return line


def _chunks(path: Path) -> Iterator[bytes]:
    with opened(path) as stream:
        while chunk := bytes(stream.bytes.read(AT_ONCE)):
            yield chunk
