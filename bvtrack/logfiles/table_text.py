"""Rows of a text table: CSV, TSV and what else separates columns, with the names that its header gives."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from bvtrack.logfiles.cells import number_in
from bvtrack.logfiles.logged_file import UnreadableLogError

Record = Mapping[str, object]
"""A row of a log: cells by column."""
DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 20
"""Lines by which the delimiter is found."""
SHOWN = 60


class Rows(NamedTuple):
    """The rows of a table, and remarks on what was left out."""

    records: Sequence[Record]
    remarks: tuple[str, ...] = ()


def read_rows(text: str) -> Rows:
    """The rows of a table. Raises `UnreadableLogError` without a header or without rows."""
    lines = _without_comments(text.splitlines())
    try:
        cells = [row for row in _split(lines) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UnreadableLogError(f"expected a table, got text that cannot be split into columns ({error})") from error
    if not cells:
        raise UnreadableLogError("expected a table with a header, got an empty file")
    header, *rows = cells
    if not _is_header(header):
        raise UnreadableLogError(
            f"expected a header with the names of metrics, got {_shown(lines[0])}; write one line of names first"
        )
    if not rows:
        raise UnreadableLogError(f"expected rows below the header, got none; its columns are {_shown(', '.join(header))}")
    return _records(header, rows)


def _without_comments(lines: Sequence[str]) -> list[str]:
    """The lines without blank ones and comments; the last comment is the header if the first row is one of numbers."""
    kept = [line for line in lines if line.strip()]
    n_comments = next((i for i, line in enumerate(kept) if not line.lstrip().startswith("#")), len(kept))
    rows = [line for line in kept[n_comments:] if not line.lstrip().startswith("#")]
    if n_comments and rows and not _is_header(next(_split(rows[:LOOKED_AT]), [])):
        return [kept[n_comments - 1].lstrip("# \t"), *rows]
    return rows


def _split(lines: Sequence[str]) -> Iterator[list[str]]:
    delimiter = max(DELIMITERS, key=lambda one: _n_columns(lines, one))
    if _n_columns(lines, delimiter) > 1:
        return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    return (re.split(r"\s+", line.strip()) for line in lines)


def _n_columns(lines: Sequence[str], delimiter: str) -> int:
    """The number of columns that this delimiter gives the header, 1 unless the rows have as many."""
    try:
        header, *rows = islice(csv.reader(lines, delimiter=delimiter, skipinitialspace=True), LOOKED_AT)
    except (csv.Error, ValueError):  # text that is no such table, or none at all
        return 1
    n_alike = sum(len(row) == len(header) for row in rows)
    return len(header) if n_alike * 2 >= len(rows) else min(len(header), 2)


def _records(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Rows:
    columns, records, n_long, n_short = _names(header), list[Record](), 0, 0
    for number, row in enumerate(rows):
        if _is_header_again(row, header):
            columns = _names(row)
            continue
        if len(row) < len(columns) and number == len(rows) - 1:
            n_short += 1  # half written
            continue
        n_long += len(row) > len(columns)
        records.append({name: cell for name, cell in zip(columns, row, strict=False) if name})
    remarks = [f"{n_long} rows have more cells than the header has names; what is beyond them was left out"] * bool(n_long)
    remarks += ["the last line is half written and was left out"] * bool(n_short)
    return Rows(records, tuple(remarks))


def _names(header: Sequence[str]) -> list[str]:
    """The columns' names, stripped; of equal ones the later get a number. A column without a name, such as pandas's index, has
    none.
    """
    names: list[str] = []
    for cell in header:
        name = cell.strip().strip('"')
        names.append(f"{name}.{names.count(name)}" if name and name in names else name)
    return names


def _is_header(row: Sequence[str]) -> bool:
    """True if no cell is a number."""
    return not any(isinstance(number_in(cell), float) for cell in row)


def _is_header_again(row: Sequence[str], header: Sequence[str]) -> bool:
    """True for a header that was written again, perhaps with other columns, as when a training is resumed."""
    stripped = [cell.strip() for cell in row]
    if stripped == [cell.strip() for cell in header]:
        return True
    return _is_header(row) and sum(cell in stripped for cell in (one.strip() for one in header)) * 2 > len(header)


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
