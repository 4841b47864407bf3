"""One thing found wrong, or worth knowing, about a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding's code (for tags and scripts), how grave it is, and the sentence for people."""

    code: str
    level: Level
    message: str
