"""Comparison with the experiment's best other run, in one or two sentences."""

from __future__ import annotations

from collections.abc import Mapping

from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.diagnosis.explanation import joined
from bvtrack.measures.unit import ERROR_RATE, Unit
from bvtrack.text import cut, on_one_line

SHOWN_DIFFERENCES = 4
LONGEST_VALUE = 41
"""Longer names and values of parameters are cut to this many characters."""


def sentence_start(other: OtherRun, unit: Unit = ERROR_RATE) -> str:
    """The name and dev error of the experiment's best other run on this dev set, as the beginning of a sentence."""
    name = f", {_short(other.name)}," if other.name else ""
    return f"The experiment's best other run on this dev set{name} makes {unit.amount(other.dev_error)}"


def comparison(other: OtherRun, dev_error: float, unit: Unit = ERROR_RATE) -> str:
    """The dev error of the experiment's best other run, and, if that is lower, the parameters that differ."""
    if round(other.dev_error, 4) >= round(dev_error, 4):
        return f"{sentence_start(other, unit)}: none does better than this one."
    return f"{sentence_start(other, unit)}. {_differences_in_words(other.differences)}".strip()


def _differences_in_words(differences: Mapping[str, tuple[str | None, str | None]]) -> str:
    """The parameters that differ, as a sentence; empty if none is known to."""
    shown = [
        f"{_short(name)} ({_short(there)} there, {_short(here)} here)"
        for name, (there, here) in list(differences.items())[:SHOWN_DIFFERENCES]
    ]
    rest = len(differences) - len(shown)
    shown += [f"{rest} more"] if rest > 0 else []
    return f"It differs in {joined(shown)}." if shown else ""


def _short(value: str | None) -> str:
    return "none" if value is None else cut(on_one_line(value), LONGEST_VALUE)
