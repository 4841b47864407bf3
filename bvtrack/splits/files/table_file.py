"""A split in a table: one file of columns, or a folder of parts with the same columns."""

from __future__ import annotations

import csv
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bvtrack.splits.files.arrow_columns import Kind, is_missing, kind_of, rows_of, values_of
from bvtrack.splits.files.column_files import open_arrow, open_json, open_parquet
from bvtrack.splits.files.csv_file import open_csv
from bvtrack.splits.files.folder_parts import parts_in
from bvtrack.splits.files.formats import format_of
from bvtrack.splits.files.odd_values import missing_words
from bvtrack.splits.files.remark import Remark
from bvtrack.splits.files.split_file import LABELS, Reading, Report, Roles, reason_of, some
from bvtrack.splits.files.streams import check_is_data
from bvtrack.splits.files.table_columns import check_columns, check_left_out, common_kinds, kinds_of, on_texts
from bvtrack.splits.files.table_part import Part, PartitionedPart
from bvtrack.splits.files.whole_targets import can_be_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.files.split_file import Batch

INDEX = re.compile(r"(|Unnamed: 0(\.\d+)*|__index_level_0__)\Z")
"""Names that a pandas index has in a file, or rows of R, which are not features."""

BROKEN = (pa.ArrowException, OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError)
"""What a broken file raises, compressed or not, and one that is locked by a password (`RuntimeError`)."""


@dataclass(frozen=True)
class Table:
    """A table in one or more `parts`. `kinds` are what its columns are read as, without the excluded ones of its `names`."""

    path: Path
    parts: Sequence[Part]
    names: Sequence[str]
    kinds: Mapping[str, Kind]
    roles: Roles
    known: tuple[Remark, ...] = ()
    """What is known before the rows are read."""

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
        check_left_out(files)
        for file in files[1:]:
            check_columns(files[0], file, files[0].roles.target if file.roles.is_test and not file.roles.target else None)
        tables = [(part, kinds_of(part, file.kinds)) for file in files for part in file.parts]
        kinds = common_kinds([name for name in files[0].kinds if name in self.kinds], tables)
        if (
            self.roles.target
            and kinds[self.roles.target] == "numbers"
            and all(file.are_classes_whole for file in files if file.roles.target)
        ):
            kinds[self.roles.target] = "whole numbers"
        return replace(self, kinds=kinds, known=(*self.known, *on_texts(self.parts[0], kinds)))

    def batches(self, report: Report) -> Iterator[Batch]:
        """Features as floats where they are numbers: a column may hold integers in one batch and fractions in the next."""
        target = self.roles.target
        wide: dict[str, Kind] = {
            name: "numbers" if kind == "whole numbers" and name != target else kind
            for name, kind in self.kinds.items()
            if name == target or name not in self.roles.named.values()
        }
        for batch in self._record_batches(wide, report, target):
            columns = {name: self._values(batch, name, wide[name]) for name in self.features}
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

    def reading(self, split: str) -> Reading:
        found = (*self.known, *(Remark(remark) for part in self.parts for remark in part.remarks()))
        return Reading(tuple(remark.finding(split) for remark in found))

    @cached_property
    def are_classes_whole(self) -> bool:
        """True for a target of numbers that are all whole, such as 1.0, and no more than there can be classes."""
        name = self.roles.target
        if name is None or self.kinds[name] not in ("numbers", "whole numbers"):
            return False
        seen = np.empty(0)
        for batch in self._record_batches({name: "numbers"}, lambda _: None) if self.kinds[name] == "numbers" else ():
            values = self._values(batch, name, "numbers")
            seen = np.unique(np.concatenate([seen, values[~np.isnan(values)]]))
            if not can_be_classes(seen):
                return False
        return True

    def _record_batches(self, kinds: Mapping[str, Kind], report: Report, target: str | None = None) -> Iterator[Any]:
        """Record batches of these columns, with the target as it is: `1.0` cannot be read as an integer, though it is one."""
        for index, part in enumerate(self.parts):
            as_is = {target: kind_of(part.path, target, part.types[target])} if target else {}
            whole = {name: kind for name, kind in as_is.items() if kinds[name] == "whole numbers" and kind == "numbers"}
            with explained_errors(part.path):
                yield from part.batches({**kinds, **whole}, partial(_report_of_part, report, index, len(self.parts)))

    def _target(self, batch: Any, name: str) -> NDArray[Any]:
        """The values of the target. Raises `ValueError` for missing integers, which would become floats and no longer be
        classes.
        """
        values = batch.column(name)
        if self.kinds[name] == "whole numbers" and pc.is_null(values, nan_is_null=True).true_count:
            words = next((words[name] for part in self.parts if (words := missing_words(part, [name]))), None)
            raise ValueError(
                f"expected a label in each row of {self.where}, got rows without one in column {name!r}"
                f"{f' ({words})' if words else ''}; fill them in, with a number of their own such as -1"
            )
        return self._values(batch, name, self.kinds[name])

    def _values(self, batch: Any, name: str, kind: Kind) -> NDArray[Any]:
        if kind != "lists":
            return values_of(batch.column(name), kind)
        try:
            return rows_of(batch.column(name))
        except ValueError as error:
            raise ValueError(
                f"expected {error} in column {name!r} of {self.where}; pad the lists, or leave the column out (--without)"
            ) from error

    def _whole(self, role: str, name: str) -> NDArray[Any]:
        kind = self.kinds[name]
        found = [self._values(batch, name, kind) for batch in self._record_batches({name: kind}, lambda _: None)]
        values: NDArray[Any] = np.concatenate(found) if found else np.empty(0)
        n_missing = int(is_missing(values).sum())
        if n_missing:
            raise ValueError(
                f"expected a {role} in each row of {self.where}, got none in {n_missing:,} of {len(values):,}; "
                f"fill in column {name!r} or leave --{role} out"
            )
        return values


def open_table(path: Path, roles: Roles) -> Table:
    """Read the names and types of the columns of a file, or of the parts in a folder.

    Raises `ValueError` for an empty or broken file, for columns without a name or with the same name, and for parts that do not
    have the same columns.
    """
    with explained_errors(path):
        parts, remarks = _parts_of_folder(path) if path.is_dir() else ([_open_part(path, 1)], [])
    names = list(parts[0].types)
    roles = roles.found_in(names)
    roles.check(names, str(path))
    index = [name for name in names if INDEX.match(name) and name not in roles.named.values() and name not in roles.without]
    kept = [name for name in names if name not in index and name not in roles.without]
    remarks += [Remark(f"{_named(name)} of {path} is taken for an index and left out") for name in index]
    kinds = common_kinds(kept, [(part, kinds_of(part, kept)) for part in parts], or_nothing=True)
    labels = [name for name in kinds if name.lower() in LABELS and name not in roles.named.values()]
    roles = roles.with_target(labels, str(path))
    if roles.is_test and roles.target and kinds[roles.target] == "nothing":
        remarks.append(Remark(f"column {roles.target!r} of {path} holds no label, so its classes are not compared"))
        kinds = {name: kind for name, kind in kinds.items() if name != roles.target}
        roles = replace(roles, target=None)
    table = Table(path, parts, names, kinds, roles, tuple(remarks))
    if not table.features:
        raise ValueError(f"expected columns of features in {path}, got only {some(list(kinds))}; add some")
    return table


def _open_part(path: Path, n_parts: int) -> Part:
    check_is_data(path)
    with explained_errors(path):
        match format_of(path):
            case "Parquet":
                return open_parquet(path)
            case "Arrow":
                return open_arrow(path)
            case "JSON":
                return open_json(path)
        return open_csv(path, n_parts)


def _parts_of_folder(folder: Path) -> tuple[list[Part], list[Remark]]:
    found = parts_in(folder)
    parts: list[Part] = [_open_part(file, len(found.files)) for file in found.files]
    first = parts[0]
    for part in parts[1:]:
        if set(part.types) != set(first.types):
            other = [name for name in first.types if name not in part.types]
            extra = [name for name in part.types if name not in first.types]
            raise ValueError(
                f"expected the columns of {first.path} in {part.path}, got none called {some(other)} and also {some(extra)}; "
                "write all parts with the same columns"
            )
    keys = list(found.values[found.files[0]])
    scalars = {key: _typed([found.values[file][key] for file in found.files]) for key in keys}
    if twice := [key for key in keys if key in first.types]:
        raise ValueError(
            f"expected {some(twice)} as a column of the files or as names of folders in {folder}, got both; drop one"
        )
    if not keys:
        return parts, list(found.remarks)
    by_part = ({key: scalars[key][index] for key in keys} for index in range(len(parts)))
    return [PartitionedPart(part, values) for part, values in zip(parts, by_part, strict=True)], list(found.remarks)


def _report_of_part(report: Report, index: int, n_parts: int, done: float) -> None:
    report((index + done) / n_parts)


def _typed(values: Sequence[str | None]) -> Any:
    """The values in folders' names as an Arrow column, of the type that they would have in a CSV file."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["value"], *([value or ""] for value in values)])
    return pyarrow.csv.read_csv(io.BytesIO(text.getvalue().encode())).column(0).combine_chunks()


def _named(name: str) -> str:
    return f"column {name!r}" if name else "the column without a name"


@contextmanager
def explained_errors(path: Path) -> Iterator[None]:
    """Turn errors of reading a file into a `ValueError` that names it."""
    format_ = format_of(path) or "CSV"
    try:
        yield
    except UnicodeError as error:
        raise ValueError(
            f"expected a {format_} file in UTF-8, got other bytes in {path}; save it as {format_} again"
        ) from error
    except BROKEN as error:
        raise ValueError(
            f"expected a {format_} file, got one that cannot be read, {path} ({reason_of(error)}); write it again"
        ) from error
