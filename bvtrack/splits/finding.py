"""Findings about a split: errors, warnings and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["note", "warning", "error"]
PLACES: Mapping[Level, int] = {"error": 0, "warning": 1, "note": 2}
"""Sort order of levels, the gravest first; unknown levels, from later versions, sort last."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: its code (for tags and scripts), its level, and a sentence for people."""

    code: str
    level: Level
    message: str


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by level, the gravest first; the sort is stable."""
    return tuple(sorted(findings, key=lambda finding: PLACES.get(finding.level, len(PLACES))))


def is_ok(findings: Iterable[Finding]) -> bool:
    """True if nothing is worse than a note."""
    return all(finding.level == "note" for finding in findings)


def tag_of(findings: Iterable[Finding]) -> str:
    """The value of `bvtrack.split`: `ok`, or the findings' codes joined by `+`."""
    return "+".join(finding.code for finding in findings) or "ok"
