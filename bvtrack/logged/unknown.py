"""The reason why a run is not diagnosed."""

from __future__ import annotations

from typing import NamedTuple


class Unknown(NamedTuple):
    """A short reason, by which runs are counted, and a sentence that says what would help."""

    reason: str
    sentence: str
