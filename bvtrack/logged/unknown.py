"""Why a run is not diagnosed."""

from __future__ import annotations

from typing import NamedTuple


class Unknown(NamedTuple):
    """Why a run is not diagnosed: in few words, to be counted by, and in a sentence that says what would help."""

    reason: str
    sentence: str
