"""Read Parquet, Arrow and JSON-lines files in batches of rows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from bvtrack.splits.files.arrow_columns import Kind
from bvtrack.splits.files.encodings import encoding_of
from bvtrack.splits.files.split_file import Report, some
from bvtrack.splits.files.streams import check_is_text, opened

VALUES_AT_ONCE = 1 << 22
MOST_ROWS = 1 << 16
FEWEST_ROWS = 1 << 10
BLOCK = 1 << 23


@dataclass(frozen=True)
class _TypedPart:
    """A file whose format knows the types of its columns, so that only its texts can hold words."""

    path: Path
    types: Mapping[str, Any]
    decimal: ClassVar[str] = "."

    def batches(self, kinds: Mapping[str, Kind], report: Report) -> Iterator[Any]:
        raise NotImplementedError

    def texts(self, names: Sequence[str]) -> Iterator[Any]:
        return _as_texts(self.batches(dict.fromkeys(names, "texts"), lambda _: None))

    def remarks(self) -> Sequence[str]:
        return ()


class ParquetPart(_TypedPart):
    """A Parquet file."""

    def batches(self, kinds: Mapping[str, Kind], report: Report) -> Iterator[Any]:
        with pq.ParquetFile(self.path) as file:
            n = 0
            for batch in file.iter_batches(_n_rows(len(kinds)), columns=list(kinds)):
                n += len(batch)
                report(n / file.metadata.num_rows)
                yield batch


class ArrowPart(_TypedPart):
    """An Arrow file (Feather), or a stream of Arrow batches in a file."""

    def batches(self, kinds: Mapping[str, Kind], report: Report) -> Iterator[Any]:
        n_rows = _n_rows(len(kinds))
        with _arrow_batches(self.path) as (_, batches):
            for done, batch in batches:
                wanted = batch.select(list(kinds))
                for start in range(0, len(wanted), n_rows):
                    yield wanted.slice(start, n_rows)
                report(done)


class JsonPart(_TypedPart):
    """A file of JSON lines: an object for each row."""

    def batches(self, kinds: Mapping[str, Kind], report: Report) -> Iterator[Any]:
        types = {name: _json_type(self.types[name], kinds.get(name)) for name in self.types}
        for table, done in _json_tables(self.path, types):
            report(done)
            if new := [name for name in table.column_names if name not in types]:
                raise ValueError(
                    f"expected all columns of {self.path} in its first rows, got {some(new)} only later; write them in each row"
                )
            yield from table.select(list(kinds)).combine_chunks().to_batches()


def open_parquet(path: Path) -> ParquetPart:
    """Raises Arrow's errors for a broken file, `ValueError` for columns with the same name."""
    schema = pq.read_schema(path)
    return ParquetPart(path, _types(path, schema.names, schema.types))


def open_arrow(path: Path) -> ArrowPart:
    """Raises Arrow's errors for a broken file, `ValueError` for columns with the same name."""
    with _arrow_batches(path) as (schema, _):
        return ArrowPart(path, _types(path, schema.names, schema.types))


def open_json(path: Path) -> JsonPart:
    """Raises `ValueError` for JSON that is not in lines."""
    check_is_text(path)
    encoding_of(path)
    with opened(path) as stream:
        first = bytes(stream.bytes.read(1 << 12)).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not first.startswith(b"{") or first.split(b"\n")[0].strip() == b"{":
        what = "a list" if first.startswith(b"[") else "one object over many lines" if first else "nothing"
        raise ValueError(
            f"expected an object in each line of {path}, got {what}; write JSON lines: "
            'df.to_json(path, orient="records", lines=True)'
        )
    for table, _ in _json_tables(path, {}):
        return JsonPart(path, _types(path, table.schema.names, table.schema.types))
    return JsonPart(path, {})


def _types(path: Path, names: Sequence[str], types: Sequence[Any]) -> Mapping[str, Any]:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"expected columns of different names in {path}, got {repeated[0]!r} twice; rename one")
    return dict(zip(names, types, strict=True))


def _n_rows(n_columns: int) -> int:
    return min(MOST_ROWS, max(FEWEST_ROWS, VALUES_AT_ONCE // max(1, n_columns)))


def _as_texts(batches: Iterator[Any]) -> Iterator[Any]:
    """Only columns of texts: what is typed holds no words."""
    for batch in batches:
        columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns]
        if all(pa.types.is_string(one.type) or pa.types.is_large_string(one.type) for one in columns):
            yield pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in columns], names=batch.schema.names)


@contextmanager
def _arrow_batches(path: Path) -> Iterator[tuple[Any, Iterator[tuple[float, Any]]]]:
    """The schema and the batches, with the fraction read after each; memory-mapped."""
    with pa.memory_map(str(path)) as source:
        is_file = bytes(source.read(6)) == b"ARROW1"
        source.seek(0)
        size = max(1, source.size())
        if is_file:
            file = pa.ipc.open_file(source)
            n = file.num_record_batches
            yield file.schema, (((index + 1) / n, file.get_batch(index)) for index in range(n))
        else:
            stream = pa.ipc.open_stream(source)
            yield stream.schema, ((source.tell() / size, batch) for batch in stream)


def _json_type(inferred: Any, kind: Kind | None) -> Any:
    """A type wide enough for values after the first block."""
    is_whole = pa.types.is_integer(inferred) and kind in ("numbers", None)
    if is_whole or (pa.types.is_null(inferred) and kind == "numbers"):
        return pa.float64()
    return pa.string() if pa.types.is_null(inferred) and kind == "texts" else inferred


def _json_tables(path: Path, types: Mapping[str, Any]) -> Iterator[tuple[Any, float]]:
    """Tables of whole lines, and the fraction of the file read after each."""
    options = pyarrow.json.ParseOptions(explicit_schema=pa.schema(list(types.items())) if types else None)
    with opened(path) as stream:
        rest = b""
        while block := bytes(stream.bytes.read(BLOCK)):
            lines, newline, rest = (rest + block).rpartition(b"\n")
            if lines.strip():
                yield _json_table(lines + newline, options), stream.done()
        if rest.strip():
            yield _json_table(rest, options), 1.0


def _json_table(lines: bytes, options: Any) -> Any:
    read = pyarrow.json.ReadOptions(block_size=len(lines) + 1)
    return pyarrow.json.read_json(io.BytesIO(lines.removeprefix(b"\xef\xbb\xbf")), read_options=read, parse_options=options)
