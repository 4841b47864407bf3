"""Find out how a text file writes a table, from its first lines: the delimiter, the header, the decimal mark."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvtrack.splits.files.encodings import WESTERN, Encoding, encoding_of
from bvtrack.splits.files.streams import opened

HEAD = 1 << 18
FEWEST_LINES = 8
"""Bytes that are looked at, and more of them for lines so long that they hold fewer lines."""
MOST_ROWS = 200
DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?\Z", re.IGNORECASE)
"""The line by which Excel is told the delimiter."""
ALIKE = 0.9
"""The share of rows that must have as many values as the header for a delimiter to be taken."""
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?\Z")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?\Z")
NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*\Z")


@dataclass(frozen=True)
class Dialect:
    """How a file writes a table. `names` are its columns, of which `empty` have neither name nor value; `n_skipped` the lines
    before the first row.
    """

    encoding: Encoding
    delimiter: str
    names: tuple[str, ...]
    n_skipped: int
    decimal: str = "."
    escape: str | None = None
    empty: tuple[str, ...] = ()
    n_comments: int = 0
    has_padding: bool = False
    """True if a space follows each delimiter."""

    def remarks(self, where: str) -> list[str]:
        """What is unusual about the file."""
        found = []
        if self.encoding.is_guess:
            found.append(f"{where} is not in UTF-8 and is read as {WESTERN}; if letters come out wrong, save it as UTF-8")
        if self.decimal == ",":
            found.append(f"numbers of {where} are read with a decimal comma")
        if self.n_comments:
            found.append(f"{self.n_comments:,} comment line(s) at the top of {where} are not read")
        if self.empty:
            found.append(f"{len(self.empty)} column(s) of {where} without a name and without values are left out")
        return found


def dialect_of(path: Path) -> Dialect:
    """The dialect of a text file.

    Raises `ValueError` for a file without a line, for text in no known encoding, and for a first line without names.
    """
    encoding = encoding_of(path)
    lines, n_before = _head(path, encoding)
    preferred, n_comments = _preferred(path), 0
    if lines and (told := SEPARATOR_LINE.match(lines[0].strip())):
        preferred, lines, n_before = told[1], lines[1:], n_before + 1
    while len(lines) > 1 and lines[0].startswith("#") and not _is_header_in_comment(lines):
        lines, n_before, n_comments = lines[1:], n_before + 1, n_comments + 1
    if not lines:
        raise ValueError(f"expected a table, got an empty file, {path}; leave out a split that is empty")
    delimiter, escape = _delimiter(lines, preferred)
    header, n_lines = _header(lines, delimiter, escape)
    rows = _records(lines[n_lines:], delimiter, escape)
    if len(header) == 1 and rows and not any(mark in lines[0] for mark in DELIMITERS) and _are_apart_by_spaces(lines):
        raise ValueError(f"expected columns apart by commas, semicolons, tabs or bars in {path}, got spaces; convert it")
    if header[0].startswith("#"):
        header = [header[0].lstrip("# "), *header[1:]]
    names = _named(header, rows)
    dialect = Dialect(encoding, delimiter, tuple(names), n_before + n_lines, escape=escape, n_comments=n_comments)
    _check_header(path, names, rows)
    return replace(
        dialect,
        decimal=_decimal(rows, delimiter),
        empty=tuple(name for i, name in enumerate(names) if name.startswith("Unnamed: ") and i and _is_empty(rows, i)),
        has_padding=len(header) > 1 and all(name.startswith(" ") for name in header[1:]),
    )


def _head(path: Path, encoding: Encoding) -> tuple[list[str], int]:
    """The first lines, without those that are cut off and blank ones before the first, and the number of the latter."""
    with opened(path) as stream:
        first = block = bytes(stream.bytes.read(HEAD))
        while block and first.count(b"\n") + first.count(b"\r") < FEWEST_LINES:
            first += (block := bytes(stream.bytes.read(HEAD)))
        is_all = not stream.bytes.read(1)
    text = first.decode(encoding.name, "ignore").removeprefix("\ufeff")
    lines = list(io.StringIO(text, newline=""))
    lines = lines if is_all or len(lines) == 1 else lines[:-1]
    n_blank = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    return lines[n_blank:], n_blank


def _preferred(path: Path) -> str:
    return "\t" if any(ending in (".tsv", ".tab") for ending in map(str.lower, path.suffixes)) else ","


def _is_header_in_comment(lines: Sequence[str]) -> bool:
    """True for names behind a `#`, as `numpy.savetxt` writes them: the next line holds numbers, and as many values."""
    for mark in DELIMITERS:
        names, values = lines[0].split(mark), lines[1].split(mark)
        if 1 < len(names) == len(values) and any(map(_is_number, values)) and not any(map(_is_number, names)):
            return True
    return False


def _delimiter(lines: Sequence[str], preferred: str) -> tuple[str, str | None]:
    """The delimiter by which the rows have as many values as the header, and the escape character if only then they do."""
    marks = (preferred, *(mark for mark in DELIMITERS if mark != preferred))
    escapes = (None, "\\") if any('\\"' in line for line in lines) else (None,)
    fits = {(mark, one): fit for one in escapes for mark in marks if (fit := _fit(lines, mark, one)) is not None}
    if not fits:
        return max(marks, key=lambda mark: len(_header(lines, mark, None)[0])), None
    return max(fits, key=lambda key: fits[key])  # the first of several: the preferred one, without escapes


def _fit(lines: Sequence[str], mark: str, escape: str | None) -> tuple[bool, int, float] | None:
    """How well the rows fit: true if they are as wide as the header, and not wider by one name that is left out; the header's
    width; and the share of numbers in the rows. `None` if most rows are neither, and for a header of one name.
    """
    header, n_lines = _header(lines, mark, escape)
    rows = _records(lines[n_lines:], mark, escape)
    widths = [len(row) for row in rows]
    n = len(header)
    for width in (n, n + 1):
        if n > 1 and widths.count(width) >= ALIKE * len(widths):
            return width == n, n, sum(_is_number(value) for row in rows for value in row) / max(1, sum(widths))
    return None


def _header(lines: Sequence[str], delimiter: str, escape: str | None) -> tuple[list[str], int]:
    """The first record, and the number of lines that it takes."""
    reader = csv.reader(lines, delimiter=delimiter, escapechar=escape)
    try:
        return next(reader, [""]) or [""], max(1, reader.line_num)
    except csv.Error:  # a value beyond the reader's limit
        return [lines[0]], 1


def _records(lines: Sequence[str], delimiter: str, escape: str | None) -> list[list[str]]:
    """The rows but blank ones and, as it may be cut off, the last of many."""
    found: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter, escapechar=escape):
            if row and not row[0].startswith("#"):
                found.append(row)
            if len(found) > MOST_ROWS:
                break
    except csv.Error:
        pass
    return found[:-1] if len(found) > MOST_ROWS // 2 else found


def _are_apart_by_spaces(lines: Sequence[str]) -> bool:
    widths = {len(line.split()) for line in lines[:MOST_ROWS] if line.strip()}
    return len(widths) == 1 and widths != {1} and all(map(_is_number, lines[-1].split()))


def _named(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names, without spaces around them; one more, first or last, where the rows have one more value than there are names,
    as R writes the names of its rows.
    """
    stripped = [name.strip() for name in header]
    names = stripped if len(set(stripped)) == len(set(header)) else list(header)
    if rows and all(len(row) == len(names) + 1 for row in rows):
        if all(not row[-1].strip() for row in rows):
            names = [*names, ""]
        elif 1 < len(rows) == len({row[0] for row in rows}):
            names = ["", *names]
    return [name or (f"Unnamed: {index}" if index else "") for index, name in enumerate(names)]


def _check_header(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise `ValueError` if the first line looks like a row: numbers over numbers, and words that come again below."""
    numbered = [name for name in names if _is_number(name)]
    if not numbered or numbered == [str(index) for index in range(len(numbered))]:
        return
    columns = [(name, [row[index] for row in rows if index < len(row)]) for index, name in enumerate(names)]
    words = [(name, values) for name, values in columns if not _is_number(name)]
    is_named = any(name and all(map(_is_number, filter(str.strip, values))) for name, values in words)
    if not words or (not is_named and any(name in map(str.strip, values) for name, values in words)):
        raise ValueError(
            f"expected the names of the columns in the first line of {path}, got what looks like values "
            f"({', '.join(names[:3])} …); add a line of names"
        )


def _decimal(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    """A comma if more numbers are written with one than with a point. In quotes between commas, three digits behind a comma
    may be thousands.
    """
    values = [value.strip() for row in rows for value in row]
    n_points, n_commas = (sum(map(bool, map(form.match, values))) for form in (DECIMAL_POINT, DECIMAL_COMMA))
    are_thousands = delimiter == "," and all(
        len(value) - value.index(",") == 4 for value in values if DECIMAL_COMMA.match(value)
    )
    return "," if n_commas > n_points and not are_thousands else "."


def _is_empty(rows: Sequence[Sequence[str]], index: int) -> bool:
    return not any(row[index].strip() for row in rows if index < len(row))


def _is_number(text: str) -> bool:
    return NUMBER.match(text) is not None
