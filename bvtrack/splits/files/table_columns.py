"""Agree on the columns of several tables: the same names, and one kind for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from bvtrack.splits.files.arrow_columns import Kind, kind_of
from bvtrack.splits.files.odd_values import odd_values, odd_values_at_start
from bvtrack.splits.files.remark import Remark
from bvtrack.splits.files.split_file import Roles, some

if TYPE_CHECKING:
    from bvtrack.splits.files.table_part import Part


class Columns(Protocol):
    """The columns of a table: all `names`, and the kinds of those that are read."""

    @property
    def where(self) -> str: ...

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def kinds(self) -> Mapping[str, Kind]: ...

    @property
    def roles(self) -> Roles: ...


def check_left_out(files: Sequence[Columns]) -> None:
    """Raise `ValueError` for a column to leave out that no file has."""
    names = list(dict.fromkeys(name for file in files for name in file.names))
    for name in files[0].roles.without:
        if name not in names:
            nearest = get_close_matches(name, names) or names
            raise ValueError(f"expected a column to leave out, got {name!r}, which no file has; the nearest: {some(nearest)}")


def check_columns(first: Columns, other: Columns, can_lack: str | None = None) -> None:
    """Raise `ValueError` unless both have the same columns, in any order, but perhaps one that the other can lack."""
    if missing := [name for name in first.kinds if name not in other.kinds and name != can_lack]:
        if_labels = ", or name the labels' column (--target)" if other.roles.is_test and first.roles.target is None else ""
        raise ValueError(
            f"expected the columns of {first.where} in {other.where}, got none called {some(missing)}; "
            f"add them (or --without){if_labels}"
        )
    if extra := [name for name in other.kinds if name not in first.kinds]:
        raise ValueError(
            f"expected the columns of {first.where} in {other.where}, got also {some(extra)}; leave them out by --without"
        )


def kinds_of(part: Part, names: Iterable[str]) -> dict[str, Kind]:
    """The kinds of columns of a part. Raises `ValueError` for types that cannot be compared."""
    return {name: kind_of(part.path, name, part.types[name]) for name in names}


def common_kinds(
    names: Sequence[str], tables: Sequence[tuple[Part, Mapping[str, Kind]]], *, or_nothing: bool = False
) -> dict[str, Kind]:
    """The kind of each column in all tables; a column without a value anywhere is one of texts, `or_nothing`."""
    empty: Kind = "nothing" if or_nothing else "texts"
    return {name: _common(name, tables) or empty for name in names}


def _common(name: str, tables: Sequence[tuple[Part, Mapping[str, Kind]]]) -> Kind | None:
    """The kind of a column in all tables; digits in one are texts if another has texts there."""
    found: dict[Kind, Part] = {}
    for part, kinds in tables:
        if kinds.get(name, "nothing") != "nothing":
            found.setdefault(kinds[name], part)
    match sorted(found):
        case []:
            return None
        case [kind]:
            return kind
        case ["numbers", "whole numbers"]:
            return "numbers"
        case ["texts", "whole numbers"]:
            return "texts"
    (kind, part), (other_kind, other), *_ = found.items()
    if kind == "texts":
        kind, part, other_kind, other = other_kind, other, kind, part
    odd = odd_values(other, name, kind) if other_kind == "texts" and kind in ("numbers", "times") else None
    what = str(other_kind) if odd is None or not odd.n else f"{odd}" if odd.are_few else f"texts such as {odd.value!r}"
    raise ValueError(
        f"expected {kind} in column {name!r} of {other.path} as in {part.path}, got {what}; "
        "write both alike, or leave the column out (--without)"
    )


def on_texts(part: Part, kinds: Mapping[str, Kind]) -> Iterator[Remark]:
    """Columns that are read as texts though nearly all of their first values are numbers, or that hold a few texts."""
    texts = [name for name, kind in kinds.items() if kind == "texts" and pa.types.is_string(part.types[name])]
    for name, odd in odd_values_at_start(part, texts).items():
        how = "holds texts among numbers," if odd.are_few else "is read as texts, not as numbers, for"
        yield Remark(f"column {name!r} of {part.path} {how} {odd}")
