"""CSV and Parquet files as batches of columns. The types of a CSV's columns are settled by its first 8 MiB."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from bvtrack.splits.files.arrow_columns import Kind, is_missing, kind_of, rows_of, values_of
from bvtrack.splits.files.split_file import LABELS, Report, Roles, reason_of, some

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.files.split_file import Batch

INDEX = ("", "Unnamed: 0", "__index_level_0__")
"""What a pandas index is called in a file: a first or last column that is no feature."""
BLOCK = 1 << 23
VALUES_AT_ONCE = 1 << 22
MOST_ROWS = 1 << 16
FEWEST_ROWS = 1 << 10
OTHER_DELIMITERS = (";", "\t", "|")


@dataclass(frozen=True)
class Table(ABC):
    """A file of columns. `types` are Arrow's, by column in the file's order, `kinds` are those to read them as, both without
    those of its `names` that are left out.
    """

    path: Path
    names: Sequence[str]
    types: Mapping[str, Any]
    kinds: Mapping[str, Kind]
    roles: Roles

    @property
    def where(self) -> str:
        return str(self.path)

    @property
    def form(self) -> str:
        return "a table"

    @property
    def features(self) -> list[str]:
        return [name for name in self.kinds if name not in self.roles.named.values()]

    def agreed(self, files: Sequence[Self]) -> Self:
        _check_left_out(files)
        for file in files[1:]:
            _check_columns(files[0], file)
        return replace(self, kinds={name: _common(name, files) for name in self.kinds})

    def batches(self, report: Report) -> Iterator[Batch]:
        target = self.roles.target
        wanted = [*self.features, *([target] if target else [])]
        with self._in_words():
            for batch in self._record_batches(wanted, report):
                columns = {name: self._feature(batch, name) for name in self.features}
                yield columns, None if target is None else self._target(batch, target)

    def groups(self) -> NDArray[Any] | None:
        return None if self.roles.group is None else self._whole("group", self.roles.group)

    def times(self) -> NDArray[Any] | None:
        name = self.roles.time
        if name is None:
            return None
        if self.kinds[name] not in ("times", "numbers", "whole numbers"):
            raise ValueError(
                f"expected times such as 2024-05-31 or numbers in column {name!r} of {self.where}, got {self.kinds[name]}; "
                "write them so"
            )
        return self._whole("time", name)

    @abstractmethod
    def _record_batches(self, names: Sequence[str], report: Report) -> Iterator[Any]:
        """Arrow's batches of these columns."""

    def _feature(self, batch: Any, name: str) -> NDArray[Any]:
        """All numbers are floats: a column may hold whole ones in one batch and others in the next."""
        kind = self.kinds[name]
        return self._values(batch, name, "numbers" if kind == "whole numbers" else kind)

    def _target(self, batch: Any, name: str) -> NDArray[Any]:
        """Missing whole numbers would be floats in one batch, and no classes."""
        if self.kinds[name] == "whole numbers" and batch.column(name).null_count:
            raise ValueError(
                f"expected a label in each row of {self.where}, got rows without one in column {name!r}; fill them in, "
                "with a number of their own such as -1"
            )
        return self._values(batch, name, self.kinds[name])

    def _values(self, batch: Any, name: str, kind: Kind) -> NDArray[Any]:
        if kind != "lists":
            return values_of(batch.column(name), kind)
        try:
            return rows_of(batch.column(name))
        except ValueError as error:
            raise ValueError(f"expected {error} in column {name!r} of {self.where}; pad the lists") from error

    def _whole(self, role: str, name: str) -> NDArray[Any]:
        with self._in_words():
            found = [self._values(batch, name, self.kinds[name]) for batch in self._record_batches([name], lambda _: None)]
        values: NDArray[Any] = np.concatenate(found) if found else np.empty(0)
        n_missing = int(is_missing(values).sum())
        if n_missing:
            raise ValueError(
                f"expected a {role} in each row of {self.where}, got none in {n_missing:,} of {len(values):,}; "
                f"fill in column {name!r} or leave --{role} out"
            )
        return values

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        with _in_words(self.path):
            yield


class CsvTable(Table):
    """Comma- or tab-separated, compressed by gzip or not."""

    def _record_batches(self, names: Sequence[str], report: Report) -> Iterator[Any]:
        size = max(1, self.path.stat().st_size)
        types = {name: self._type_to_read(name) for name in names}
        with pa.OSFile(str(self.path)) as raw, _csv_reader(self.path, raw, types) as reader:
            for batch in reader:
                report(raw.tell() / size)
                yield batch

    def _type_to_read(self, name: str) -> Any:
        """A type that takes in what may come after the first block: 2.5 after 2, a fraction of a second."""
        inferred, kind = self.types[name], self.kinds[name]
        is_kept = name in self.roles.named.values()
        match kind:
            case "texts":
                return pa.string()
            case "whole numbers" | "numbers" if not (pa.types.is_boolean(inferred) or pa.types.is_time(inferred)):
                return pa.int64() if is_kept and kind == "whole numbers" else pa.float64()
            case "times" if pa.types.is_null(inferred):
                return pa.timestamp("us")
            case "times" if not (pa.types.is_timestamp(inferred) and inferred.unit == "ns"):
                return pa.timestamp("us", tz=getattr(inferred, "tz", None))
        return inferred


class ParquetTable(Table):
    """A file of Parquet."""

    def _record_batches(self, names: Sequence[str], report: Report) -> Iterator[Any]:
        n_rows = min(MOST_ROWS, max(FEWEST_ROWS, VALUES_AT_ONCE // max(1, len(names))))
        with pq.ParquetFile(self.path) as file:
            n = 0
            for batch in file.iter_batches(n_rows, columns=list(names)):
                n += len(batch)
                report(n / file.metadata.num_rows)
                yield batch


def open_table(path: Path, roles: Roles) -> Table:
    """Read the names and types of a table's columns.

    Raises `ValueError` for a file that is empty, broken, or has columns without a name, or of one name.
    """
    is_parquet = path.name.lower().endswith((".parquet", ".pq"))
    with _in_words(path):
        schema = pq.read_schema(path) if is_parquet else _csv_schema(path)
        names = list(schema.names)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"expected columns of different names in {path}, got {repeated[0]!r} twice; rename one")
    if not is_parquet:
        _check_header(path, names)
    types = {
        name: type_
        for name, type_ in zip(names, schema.types, strict=True)
        if (name not in INDEX or name in roles.named.values()) and name not in roles.without
    }
    kinds = {name: kind_of(path, name, type_) for name, type_ in types.items()}
    roles.check(names, str(path))
    labels = [name for name in types if name.lower() in LABELS and name not in roles.named.values()]
    table = (ParquetTable if is_parquet else CsvTable)(path, names, types, kinds, roles.with_target(labels, str(path)))
    if not table.features:
        raise ValueError(f"expected columns of features in {path}, got only {some(list(types))}; add some")
    return table


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """What goes wrong in reading a file, in a sentence that names it."""
    format_ = "Parquet" if path.name.lower().endswith((".parquet", ".pq")) else "CSV"
    try:
        yield
    except UnicodeError as error:
        raise ValueError(
            f"expected a {format_} file in UTF-8, got other bytes in {path}; save it as {format_} again"
        ) from error
    except (pa.ArrowException, OSError, EOFError) as error:
        raise ValueError(
            f"expected a {format_} file, got one that cannot be read, {path} ({reason_of(error)}); write it again"
        ) from error


def _csv_schema(path: Path) -> Any:
    with pa.OSFile(str(path)) as raw, _csv_reader(path, raw, None) as reader:
        return reader.schema


def _csv_reader(path: Path, raw: Any, types: Mapping[str, Any] | None) -> Any:
    name = path.name.lower()
    stream = pa.CompressedInputStream(raw, "gzip") if name.endswith(".gz") else raw
    return pyarrow.csv.open_csv(
        stream,
        read_options=pyarrow.csv.ReadOptions(block_size=BLOCK),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter="\t" if name.endswith((".tsv", ".tsv.gz")) else ",", newlines_in_values=True
        ),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, include_columns=list(types) if types else None),
    )


def _check_header(path: Path, names: Sequence[str]) -> None:
    """Raises `ValueError` for a first line that holds no names of columns."""
    if len(names) == 1 and (found := [mark for mark in OTHER_DELIMITERS if mark in names[0]]):
        raise ValueError(
            f"expected columns apart by commas in {path} (by tabs in .tsv), got {found[0]!r} between them; convert it"
        )
    if all(_is_number(name) for name in names) and names != [str(index) for index in range(len(names))]:
        raise ValueError(
            f"expected the names of the columns in the first line of {path}, got numbers ({', '.join(names[:3])} …); add them"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_left_out(files: Sequence[Table]) -> None:
    names = list(dict.fromkeys(name for file in files for name in file.names))
    for name in files[0].roles.without:
        if name not in names:
            nearest = get_close_matches(name, names) or names
            raise ValueError(f"expected a column to leave out, got {name!r}, which no file has; the nearest: {some(nearest)}")


def _check_columns(first: Table, other: Table) -> None:
    if missing := [name for name in first.kinds if name not in other.kinds]:
        raise ValueError(
            f"expected the columns of {first.where} in {other.where}, got none called {some(missing)}; add them (or --without)"
        )
    if extra := [name for name in other.kinds if name not in first.kinds]:
        raise ValueError(
            f"expected the columns of {first.where} in {other.where}, got also {some(extra)}; leave them out by --without"
        )


def _common(name: str, files: Sequence[Table]) -> Kind:
    """The kind that a column has in all files; codes of digits in one are texts if they are so in another."""
    found: dict[Kind, Table] = {}
    for file in files:
        if file.kinds[name] != "nothing":
            found.setdefault(file.kinds[name], file)
    match sorted(found):
        case []:
            return "texts"
        case [kind]:
            return kind
        case ["numbers", "whole numbers"]:
            return "numbers"
        case ["texts", "whole numbers"]:
            return "texts"
    (kind, file), (other_kind, other), *_ = found.items()
    raise ValueError(
        f"expected {kind} in column {name!r} of {other.where} as in {file.where}, got {other_kind}; write both alike"
    )
