"""Which rows of two splits repeat one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["copy", "near_copy", "group"]
Row = int | str
"""A row's number, from 0, or the name of its file."""

MOST_ROWS = 10
"""Pairs of rows that are kept of each finding."""
BY_KIND: Mapping[str, str] = {
    "copy": "{later} {row} = {earlier} {other}",
    "near_copy": "{later} {row} ≈ {earlier} {other}",
    "group": "{later} {row} and {earlier} {other}",
}


@dataclass(frozen=True, slots=True)
class RepeatedRows:
    """Some of the rows that make a finding with this `code`: pairs of a row of the later set and one of the earlier set.

    `between` are the two sets, the later one first, and `n` is the number of all that repeat: of examples, or of groups.
    `thumbnails` are small pictures by pair, as `data:` addresses: one of a copy, both of a near copy.
    """

    between: tuple[str, str]
    kind: Kind
    code: str
    n: int
    rows: tuple[tuple[Row, Row], ...] = ()
    thumbnails: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, later: str, earlier: str, kind: Kind, code: str, n: int, rows: Iterable[Iterable[Any]]) -> RepeatedRows:
        """The first of these pairs of row numbers."""
        some = tuple((int(row), int(other)) for row, other in rows)[:MOST_ROWS]
        return cls((later, earlier), kind, code, n, some)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> RepeatedRows:
        """From `bvtrack/splits.json`. Raises `TypeError`, `LookupError` or `ValueError` for other content."""
        later, earlier = map(str, content["between"])
        rows = tuple((_row(row), _row(other)) for row, other in content["rows"])
        thumbnails = tuple(tuple(map(str, some)) for some in content.get("thumbnails", ()))
        if content["kind"] not in BY_KIND:
            raise ValueError(f"expected one of {', '.join(BY_KIND)}; got {content['kind']!r}")
        return cls((later, earlier), content["kind"], str(content["code"]), int(content["n"]), rows, thumbnails)

    def in_words(self, names: Mapping[str, str], most: int = MOST_ROWS) -> list[str]:
        """The pairs in words; `names` are those of the sets.

        >>> RepeatedRows(("dev", "train"), "copy", "dev_repeats_train", 50, ((17, 5203),)).in_words({})
        ['dev row 17 = train row 5,203']
        """
        later, earlier = (names.get(name, name) for name in self.between)
        words = BY_KIND[self.kind]
        return [
            words.format(later=later, earlier=earlier, row=_told(row), other=_told(other)) for row, other in self.rows[:most]
        ]


def _row(value: Any) -> Row:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"expected a row's number or a file's name; got {value!r}")
    return value


def _told(row: Row) -> str:
    return f"row {row:,}" if isinstance(row, int) else row
