"""Read a text file of columns in blocks. Its column types are inferred from the first block, of 8 MiB."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bvtrack.splits.files.arrow_columns import Kind, kind_of
from bvtrack.splits.files.csv_dialect import Dialect, dialect_of
from bvtrack.splits.files.odd_values import MISSING_WORDS, STANDARD_MISSING, missing_words, odd_values
from bvtrack.splits.files.split_file import Report, reason_of
from bvtrack.splits.files.streams import Stream, check_is_text, opened
from bvtrack.text import shortened

BLOCK = 1 << 23
LEAST_BLOCK = 1 << 16
FEWEST_ROWS_WITHIN = 6
"""Ends of lines in a value from which on lines with as many delimiters as a row has are rows."""
UNCLOSED = re.compile("unexpected end of data|field larger than field limit")
NO_ROWS = re.compile("Empty CSV file|Could not skip initial")
"""Arrow's words for a file of a header alone, with and without an end of the line."""
CONVERSION = re.compile("conversion error")
RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+): (.*)", re.DOTALL)


@dataclass
class CsvPart:
    """A text file of columns."""

    path: Path
    dialect: Dialect
    types: Mapping[str, Any] = field(default_factory=dict)
    has_words: bool = False
    """True once a word was met where a number or a time is expected: then those for missing values are looked for."""
    typed: tuple[str, ...] = ()
    """The columns that were last read as numbers or times."""
    n_comments: int = 0
    """Lines between rows that begin with `#` and were skipped."""

    @property
    def decimal(self) -> str:
        return self.dialect.decimal

    def batches(self, kinds: Mapping[str, Kind], report: Report) -> Iterator[Any]:
        types = {name: self._type_to_read(name, kind) for name, kind in kinds.items()}
        self.typed = tuple(name for name, kind in kinds.items() if kind != "texts")
        n_read = 0
        while True:
            try:
                for batch in islice(self._read(types, report), n_read, None):
                    n_read += 1
                    self._check_lines(batch)
                    yield batch
                return
            except pa.ArrowInvalid as error:
                if self.has_words or not CONVERSION.search(str(error)):
                    raise ValueError(self._explained(error, kinds)) from error
                self.has_words = True  # and once more from the batch with the first of them

    def texts(self, names: Sequence[str]) -> Iterator[Any]:
        return self._read(dict.fromkeys(names, pa.string()), lambda _: None)

    def remarks(self) -> Sequence[str]:
        where = str(self.path)
        found = [*self.dialect.remarks(where)]
        if self.n_comments:
            found.append(f"{self.n_comments:,} line(s) of {where} that begin with # are not read")
        if self.has_words:
            words = missing_words(self, self.typed)
            found += [f"in column {name!r} of {where}, {odd}, is read as missing" for name, odd in words.items()]
        return found

    def infer(self, block: int) -> None:
        """Infer the types of the columns from the first block."""
        with self._reader(None, block) as (reader, _):
            self.types = {} if reader is None else {name: reader.schema.field(name).type for name in self._names}
        self.types = self.types or dict.fromkeys(self._names, pa.null())

    @property
    def _names(self) -> list[str]:
        return [name for name in self.dialect.names if name not in self.dialect.empty]

    def _read(self, types: Mapping[str, Any], report: Report) -> Iterator[Any]:
        self.n_comments = 0
        with self._reader(types, BLOCK) as (reader, stream):
            for batch in reader or ():
                report(stream.done())
                yield self._trimmed(batch) if self.dialect.has_padding else batch

    @contextmanager
    def _reader(self, types: Mapping[str, Any] | None, block: int) -> Iterator[tuple[Any, Stream]]:
        """A reader of the columns that have `types`, or of all; `None` for a file without rows."""
        dialect = self.dialect
        with opened(self.path) as stream:
            try:
                reader = pyarrow.csv.open_csv(
                    stream.bytes,
                    pyarrow.csv.ReadOptions(
                        block_size=block,
                        column_names=list(dialect.names),
                        skip_rows=dialect.n_skipped,
                        encoding=dialect.encoding.name,
                    ),
                    pyarrow.csv.ParseOptions(
                        delimiter=dialect.delimiter,
                        escape_char=dialect.escape or False,
                        newlines_in_values=dialect.encoding.n_quotes > 0,
                        invalid_row_handler=self._skip_comment,
                    ),
                    pyarrow.csv.ConvertOptions(
                        column_types=types,
                        include_columns=list(types if types is not None else self._names),
                        null_values=[*STANDARD_MISSING, *(MISSING_WORDS if self.has_words or types is None else ())],
                        decimal_point=dialect.decimal,
                    ),
                )
            except pa.ArrowInvalid as error:
                if not NO_ROWS.search(str(error)):
                    raise
                reader = None
            yield reader, stream

    def _check_lines(self, batch: Any) -> None:
        """Raise `ValueError` for a value that holds rows: a quote was opened by mistake, and closed by the next."""
        texts = [name for name in batch.schema.names if batch.column(name).type == pa.string()]
        n_delimiters = len(self.dialect.names) - 1
        for name in texts if self.dialect.encoding.n_quotes and n_delimiters > 1 else ():
            n_lines = pc.count_substring(batch.column(name), "\n")
            most = pc.max(n_lines)
            if (most.as_py() or 0) < FEWEST_ROWS_WITHIN:
                continue
            value = str(batch.column(name)[pc.index(n_lines, most).as_py()])
            if all(line.count(self.dialect.delimiter) == n_delimiters for line in value.split("\n")[1:-1]):
                raise ValueError(
                    f"expected a value in column {name!r} of {self.path}, got one of {most.as_py() + 1:,} lines that look like "
                    f"rows ({shortened(value, 40)}); close the quote before it, or double it"
                )

    def _skip_comment(self, row: Any) -> str:
        is_comment = row.text.startswith("#")
        self.n_comments += is_comment
        return "skip" if is_comment else "error"

    def _trimmed(self, batch: Any) -> Any:
        """Without the space that follows each delimiter in texts."""
        columns = [pc.utf8_ltrim_whitespace(column) if column.type == pa.string() else column for column in batch.columns]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _type_to_read(self, name: str, kind: Kind) -> Any:
        """A type wide enough for values after the first block: 2.5 after 2, a fraction of a second."""
        inferred = self.types[name]
        match kind:
            case "texts":
                return pa.string()
            case "whole numbers" | "numbers" if not (pa.types.is_boolean(inferred) or pa.types.is_time(inferred)):
                return pa.int64() if kind == "whole numbers" else pa.float64()
            case "times" if pa.types.is_null(inferred):
                return pa.timestamp("us")
            case "times" if not (pa.types.is_timestamp(inferred) and inferred.unit == "ns"):
                return pa.timestamp("us", tz=getattr(inferred, "tz", None))
        return inferred

    def _explained(self, error: pa.ArrowInvalid, kinds: Mapping[str, Kind]) -> str:
        """The sentence for an error of reading: the row that is ragged, or the value that is not of its column's kind."""
        if ragged := RAGGED.search(str(error)):
            place = f"row {int(ragged[1]) - self.dialect.n_skipped:,}" if ragged[1] else "each row"
            row = shortened(ragged[4].strip(), 60)
            return (
                f"expected {ragged[2]} values in {place} of {self.path}, got {ragged[3]} ({row}); "
                "put quotes around values that hold the delimiter, or take the row out"
            )
        if CONVERSION.search(str(error)):
            for name, kind in kinds.items():
                if kind != "texts" and (odd := odd_values(self, name, kind)).n:
                    return (
                        f"expected {kind} in column {name!r} of {self.path}, got {shortened(str(odd), 100)}; "
                        "correct the value, or leave the column out (--without)"
                    )
        return f"expected a CSV file, got one that cannot be read, {self.path} ({reason_of(error)}); write it again"


def open_csv(path: Path, n_parts: int) -> CsvPart:
    """Find out how a file writes its columns; it is one of `n_parts`, each of which is looked into a little.

    Raises `ValueError` for an empty file, for one that is no text, and for a quote that is never closed.
    """
    check_is_text(path)
    part = CsvPart(path, dialect_of(path))
    names = part.dialect.names
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"expected columns of different names in {path}, got {repeated[0]!r} twice; rename one")
    if part.dialect.encoding.n_quotes % 2:
        _check_quotes(path, part.dialect)
    try:
        part.infer(max(min(LEAST_BLOCK, BLOCK), BLOCK // n_parts))
    except pa.ArrowInvalid as error:
        raise ValueError(part._explained(error, {})) from error
    for name, type_ in part.types.items():
        if not pa.types.is_binary(type_):
            kind_of(path, name, type_)
    return part


def _check_quotes(path: Path, dialect: Dialect) -> None:
    """Raise `ValueError` for a quote that is never closed: all rows behind it would be one value."""
    reader = csv.reader(_lines(path, dialect), delimiter=dialect.delimiter, escapechar=dialect.escape, strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1
    except csv.Error as error:
        if UNCLOSED.search(str(error)):
            raise ValueError(
                f"expected each quote in {path} to be closed, got one in line {line:,} that is not; close it"
            ) from error


def _lines(path: Path, dialect: Dialect) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(dialect.encoding.name)()
    rest = ""
    with opened(path) as stream:
        while chunk := bytes(stream.bytes.read(LEAST_BLOCK)):
            lines = list(io.StringIO(rest + decoder.decode(chunk), newline=""))
            rest = lines.pop() if lines else ""
            yield from lines
    if rest:
        yield rest
