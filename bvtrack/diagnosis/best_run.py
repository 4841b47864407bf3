"""How the experiment's best other run does against this one, in a sentence or two."""

from __future__ import annotations

from collections.abc import Mapping

from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.diagnosis.explanation import joined, percent
from bvtrack.text import cut, on_one_line

SHOWN_DIFFERENCES = 4
LONGEST_VALUE = 41
"""Of a parameter that differs: a longer value is cut, so that a sentence stays one."""


def sentence_start(other: OtherRun) -> str:
    """What the experiment's best other run on this dev set makes, as the beginning of a sentence."""
    name = f", {_short(other.name)}," if other.name else ""
    return f"The experiment's best other run on this dev set{name} makes {percent(other.dev_error)}"


def comparison(other: OtherRun, dev_error: float) -> str:
    """How the experiment's best other run does against this one, and, where it does better, what it does otherwise."""
    if round(other.dev_error, 4) >= round(dev_error, 4):
        return f"{sentence_start(other)}: none does better than this one."
    return f"{sentence_start(other)}. {_differences_in_words(other.differences)}".strip()


def _differences_in_words(differences: Mapping[str, tuple[str | None, str | None]]) -> str:
    """What the better run does otherwise, as a sentence; empty where nothing is known to differ."""
    shown = [
        f"{_short(name)} ({_short(there)} there, {_short(here)} here)"
        for name, (there, here) in list(differences.items())[:SHOWN_DIFFERENCES]
    ]
    rest = len(differences) - len(shown)
    shown += [f"{rest} more"] if rest > 0 else []
    return f"It differs in {joined(shown)}." if shown else ""


def _short(value: str | None) -> str:
    return "none" if value is None else cut(on_one_line(value), LONGEST_VALUE)
