"""One thing found wrong, or worth knowing, about a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["note", "warning", "error"]
PLACES: Mapping[Level, int] = {"error": 0, "warning": 1, "note": 2}
"""The gravest are told first; what a later version may call otherwise, last."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding's code (for tags and scripts), how grave it is, and the sentence for people."""

    code: str
    level: Level
    message: str


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The order in which findings are told; those of one level stay as they were."""
    return tuple(sorted(findings, key=lambda finding: PLACES.get(finding.level, len(PLACES))))


def is_ok(findings: Iterable[Finding]) -> bool:
    """True where nothing is worse than a note."""
    return all(finding.level == "note" for finding in findings)


def tag_of(findings: Iterable[Finding]) -> str:
    """The value of `bvtrack.split`: `ok`, or the findings' codes joined by `+`."""
    return "+".join(finding.code for finding in findings) or "ok"
