"""What a report says first of a split at fault: why it matters to the errors, and which rows repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.report.content import Content
from bvtrack.splits.comparing.repeated import MOST_ROWS, RepeatedRows
from bvtrack.splits.faults import why_it_matters
from bvtrack.splits.finding import Finding, told_of
from bvtrack.text import shortened

LONGEST_ROW = 200
"""Characters of a pair of rows, which may be names of files."""
LONGEST_PICTURE = 1 << 15
PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")
"""A thumbnail as `bvtrack` writes it; anybody may have changed the file that holds it."""
WHAT: Mapping[str, tuple[str, str]] = {
    "copy": ("The examples that repeat", "{shown} of the {n:,} examples that repeat"),
    "near_copy": ("The examples that nearly repeat", "{shown} of the {n:,} examples that nearly repeat"),
    "group": ("The groups in both, an example of each", "{shown} of the {n:,} groups in both, an example of each"),
}


TOLD_ABOVE = "stands at the top of this page, with what it does to the errors"


class Row(NamedTuple):
    """A pair of rows in words, and its pictures, if there are any."""

    words: str
    pictures: tuple[str, ...]


class Rows(NamedTuple):
    """Rows that repeat, and what they are."""

    what: str
    pairs: list[Row]
    has_pictures: bool


class Fault(NamedTuple):
    """A fault in a sentence or two, why it matters unless a fault above says it, and the rows that make it."""

    what: str
    why: str
    rows: list[Rows]


def faults_in_words(content: Content, longest: int) -> Iterator[Fault]:
    """The faults of the split that the verdict takes into account."""
    verdict, repeated = content.verdict, repeated_in(content.split)
    said: set[str] = set()
    for fault in verdict.split_faults:
        why = why_it_matters(fault.code)
        rows = [_rows(one) for one in repeated if one.code == fault.code and one.rows]
        shown = "" if why in said else f"{why[:1].upper()}{why[1:]}."
        yield Fault(shortened(fault.in_words(verdict.diagnosis), longest), shown if why else "", rows)
        said.add(why)


def findings_below(content: Content, longest: int) -> Iterator[Finding]:
    """The findings of the split; of those that the banner tells of only that it does."""
    told = {fault.code for fault in content.verdict.split_faults}
    for one in told_of(content.findings, content.diagnosis.unit):
        yield replace(one, message=TOLD_ABOVE if one.code in told else shortened(one.message, longest))


def repeated_in(split: Mapping[str, Any]) -> list[RepeatedRows]:
    """The rows that repeat by the content of `bvtrack/splits.json`; none by that of an older version. Raises `TypeError`,
    `LookupError` or `ValueError` if they are malformed.
    """
    return [RepeatedRows.from_json(one) for one in split.get("repeated") or ()]


def _rows(found: RepeatedRows) -> Rows:
    pictures = [_sound(some) for some in found.thumbnails]
    pairs = [Row(words, some) for words, some in _side_by_side(found.in_words(SET_NAMES, MOST_ROWS), pictures)]
    of_all, of_some = WHAT[found.kind]
    what = of_all if found.n <= len(pairs) else of_some.format(shown=len(pairs), n=found.n)
    counted = " (rows are counted from 0)" if isinstance(found.rows[0][0], int) else ""
    return Rows(f"{what}{counted}", pairs, any(pictures))


def _side_by_side(words: Sequence[str], pictures: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for index, some in enumerate(words):
        yield shortened(some, LONGEST_ROW), pictures[index] if index < len(pictures) else ()


def _sound(pictures: Sequence[str]) -> tuple[str, ...]:
    """The pictures, if they are such as a page may hold."""
    are_sound = all(len(one) <= LONGEST_PICTURE and PICTURE.fullmatch(one) for one in pictures)
    return tuple(pictures[:2]) if are_sound else ()
