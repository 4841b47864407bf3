"""Findings about a split: errors, warnings and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bvtrack.measures.unit import Unit
from bvtrack.splits.resolution import without_precision

Level = Literal["note", "warning", "error"]
PLACES: Mapping[Level, int] = {"error": 0, "warning": 1, "note": 2}
"""Sort order of levels, the gravest first; unknown levels, from later versions, sort last."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: its code (for tags and scripts), its level, and a sentence for people."""

    code: str
    level: Level
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by level, the gravest first; the sort is stable."""
    return tuple(sorted(findings, key=lambda finding: PLACES.get(finding.level, len(PLACES))))


def told_of(findings: Iterable[Finding], unit: Unit) -> tuple[Finding, ...]:
    """The findings in words that fit a run whose errors are of this unit."""
    return tuple(replace(finding, message=without_precision(finding.message, unit)) for finding in findings)


def is_ok(findings: Iterable[Finding]) -> bool:
    """True if nothing is worse than a note."""
    return all(finding.level == "note" for finding in findings)


def tag_of(findings: Iterable[Finding]) -> str:
    """The value of `bvtrack.split`: `ok`, or the codes of the warnings and errors joined by `+`, the gravest first."""
    codes = dict.fromkeys(finding.code for finding in gravest_first(findings) if finding.level != "note")
    return "+".join(codes) or "ok"
