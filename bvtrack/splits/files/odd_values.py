"""Find the values of a column that keep it from being numbers: words that stand for missing ones, and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

if TYPE_CHECKING:
    from bvtrack.splits.files.arrow_columns import Kind
    from bvtrack.splits.files.table_part import Part

STANDARD_MISSING = pyarrow.csv.ConvertOptions().null_values
"""What Arrow and pandas read as missing: nothing, NA, NaN, null and the like."""
BLANKS = [" " * n for n in range(1, 9)]
MISSING_WORDS = [
    *BLANKS,
    *("?", "-", "--", "---", ".", "..", "*", "None", "none", "NONE", "<NA>", "Na", "na", "NAN", "Nan", "Null", "NaT", "nil"),
    *("missing", "Missing", "MISSING", "unknown", "Unknown", "UNKNOWN", "not available", "Not available", "\\N"),
    *("#VALUE!", "#DIV/0!", "#REF!", "#NUM!", "#NAME?"),
]
"""Further words that stand for a missing number, of exports and spreadsheets; in a column of texts they are texts."""
A_NUMBER = r"^\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|Inf|INF|infinity)|true|True|TRUE|false|False|FALSE)\s*$"
A_TIME = r"^\s*\d{4}-\d{2}-\d{2}([ T]\d{2}(:?\d{2}(:?\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?\s*$"
_UNIT = r"[$%\x{20ac}\x{a3}\x{a5}]?"
A_DECORATED_NUMBER = rf"^\s*{_UNIT}\s*[+-]?{_UNIT}(\d+([.,]\d+)?|\d{{1,3}}([.,' ]\d{{3}})+([.,]\d+)?)\s*{_UNIT}\s*$"
"""A number with a currency, a percent sign, marks between thousands, or another decimal mark than the rest of the file."""
MOSTLY = 0.9
AT_START = 1_000


@dataclass(frozen=True)
class OddValues:
    """The values of a column that are not of a kind: how many of how many, and the first and its row, counted from 1."""

    n: int = 0
    n_all: int = 0
    value: str = ""
    row: int = 0

    def __str__(self) -> str:
        more = f" and {self.n - 1:,} more of {self.n_all:,} values" if self.n > 1 else ""
        return f"{self.value!r} in row {self.row:,}{more}"

    def __add__(self, later: OddValues) -> OddValues:
        first = self if self.n or not later.n else replace(later, row=self.n_all + later.row)
        return OddValues(self.n + later.n, self.n_all + later.n_all, first.value, first.row)

    @property
    def are_many(self) -> bool:
        """True for most of the values."""
        return self.n > self.n_all / 2

    @property
    def are_few(self) -> bool:
        """True for less than a tenth of the values."""
        return 0 < self.n <= (1 - MOSTLY) * self.n_all


def odd_values(part: Part, name: str, kind: Kind) -> OddValues:
    """The values that are neither missing nor of this kind, numbers or times."""
    found = OddValues()
    for batch in part.texts([name]):
        found += _odd(batch.column(0), A_TIME if kind == "times" else A_NUMBER, part.decimal)
    return found


def odd_values_at_start(part: Part, names: Sequence[str]) -> Mapping[str, OddValues]:
    """The values that are no numbers among the first ones, of columns in which nearly all are numbers, bare or decorated."""
    if not names:
        return {}
    found: dict[str, OddValues] = {}
    batch: Any = next(iter(part.texts(names)), {})
    for name in batch.schema.names if batch else ():
        texts = batch.column(name)
        start = texts.slice(0, AT_START)
        odd = _odd(start, A_NUMBER, part.decimal)
        if odd.n and _odd(start, A_DECORATED_NUMBER, ".").n <= (1 - MOSTLY) * len(start):  # not for all texts' cost
            found[name] = odd if odd.are_many else _odd(texts, A_NUMBER, part.decimal)
        elif not odd.n and (odd := _odd(texts, A_NUMBER, part.decimal)).are_few:
            found[name] = odd
    return found


def missing_words(part: Part, names: Sequence[str]) -> Mapping[str, OddValues]:
    """The values that are read as missing though they are words, by the columns that have some."""
    found = dict.fromkeys(names, OddValues())
    for batch in part.texts(names) if names else ():
        for name in batch.schema.names:
            found[name] += _counted(batch.column(name), pc.is_in(batch.column(name), pa.array(MISSING_WORDS)))
    return {name: odd for name, odd in found.items() if odd.n}


def _odd(texts: Any, form: str, decimal: str) -> OddValues:
    if form == A_NUMBER and decimal == ",":
        form = form.replace(r"\.", ",")
    is_missing = pc.is_in(texts, pa.array([None, *STANDARD_MISSING, *MISSING_WORDS]))
    is_fit = pc.fill_null(pc.match_substring_regex(texts, form), True)
    return _counted(texts, pc.invert(pc.or_(is_fit, is_missing)))


def _counted(texts: Any, mask: Any) -> OddValues:
    found = pc.indices_nonzero(mask)
    n_all = len(texts)
    if not len(found):
        return OddValues(n_all=n_all)
    first = found[0].as_py()
    return OddValues(len(found), n_all, str(texts[first]), first + 1)
