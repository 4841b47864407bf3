"""The interface of one file of a table, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bvtrack.splits.files.arrow_columns import Kind
from bvtrack.splits.files.split_file import Report


class Part(Protocol):
    """A file of columns: `types` are Arrow's, by column in the file's order."""

    @property
    def path(self) -> Path: ...

    @property
    def types(self) -> Mapping[str, Any]: ...

    @property
    def decimal(self) -> str:
        """The decimal mark of numbers that are written as text."""

    def batches(self, kinds: Mapping[str, Kind], report: Report) -> Iterator[Any]:
        """Arrow record batches of these columns, of types that hold values of these kinds. Raises `ValueError`."""

    def texts(self, names: Sequence[str]) -> Iterator[Any]:
        """Arrow record batches of these columns as they are written; nothing where values are not written as text."""

    def remarks(self) -> Sequence[str]:
        """What is unusual about the file."""


@dataclass(frozen=True)
class PartitionedPart:
    """A file in a folder that is named by values, such as `label=0`, which its rows do not repeat."""

    part: Part
    values: Mapping[str, Any]
    """Arrow scalars by column."""

    @property
    def path(self) -> Path:
        return self.part.path

    @property
    def types(self) -> Mapping[str, Any]:
        return {**self.part.types, **{name: value.type for name, value in self.values.items()}}

    @property
    def decimal(self) -> str:
        return self.part.decimal

    def batches(self, kinds: Mapping[str, Kind], report: Report) -> Iterator[Any]:
        import pyarrow as pa

        inner = {name: kind for name, kind in kinds.items() if name not in self.values}
        counted = inner or dict.fromkeys(list(self.part.types)[:1], "texts")
        for batch in self.part.batches(counted, report):
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            columns |= {name: pa.repeat(value, len(batch)) for name, value in self.values.items() if name in kinds}
            yield pa.RecordBatch.from_pydict({name: columns[name] for name in kinds})

    def texts(self, names: Sequence[str]) -> Iterator[Any]:
        inner = [name for name in names if name not in self.values]
        return self.part.texts(inner) if inner else iter(())

    def remarks(self) -> Sequence[str]:
        return self.part.remarks()
