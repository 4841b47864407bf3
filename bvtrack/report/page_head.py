"""The epoch that a report's verdict is about, with its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.error_rates.intervals import Rate
from bvtrack.measures.percent import percent
from bvtrack.report.content import HUMAN, Content


class JudgedError(NamedTuple):
    """A set's error in words, with the colour's role and, if known, its interval."""

    name: str
    role: str
    error: str
    interval: str


class JudgedEpoch(NamedTuple):
    """The epoch in words, what its errors are, and the errors."""

    when: str
    what: str
    errors: list[JudgedError]


def judged_epoch(content: Content) -> JudgedEpoch | None:
    """The epoch of the verdict; `None` if there are no errors, nor values."""
    errors = list(_values(content) if content.is_by_curve else _errors(content))
    if not errors:
        return None
    unit = content.diagnosis.unit
    what = "Values" if content.is_by_curve else "Errors" if unit.is_error_rate else f"{unit.axis[0].upper()}{unit.axis[1:]}"
    if content.repeated is not None:
        what = f"{what}, means over {len(content.repeated.repeats)} {content.repeated.design.over}"
    return JudgedEpoch(_when(content), what, errors)


def interval_in_words(rate: Rate) -> str:
    """The 95 % interval in percent, without the sign; empty if it is not known."""
    if not rate.has_interval:
        return ""
    low, high = rate.interval()
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _when(content: Content) -> str:
    """`epoch 15, the best of 20 by the dev set`."""
    epoch, unit, n = content.verdict.epoch, content.unit, len(content.history)
    if epoch is None:
        return ""
    dev = {entry.epoch: _dev(content, entry.unscaled if content.is_by_curve else entry.errors) for entry in content.history}
    known = [value for value in dev.values() if value == value]  # without NaN
    if n > 1 and known and dev.get(epoch) == min(known) and not content.is_by_curve:
        return f"{unit} {epoch}, the best of {n:,} by the dev set"
    is_last = n > 1 and epoch == content.history[-1].epoch
    return f"{unit} {epoch}, the last of {n:,}" if is_last else f"{unit} {epoch}"


def _dev(content: Content, values: Mapping[str, float]) -> float:
    return values.get("dev", float("nan"))


def _errors(content: Content) -> Iterator[JudgedError]:
    diagnosis = content.diagnosis
    if not diagnosis.errors:
        return
    if diagnosis.baseline == "given" or content.baseline != HUMAN:
        yield JudgedError(content.floor, "human", percent(diagnosis.human_error), "")
    for name, rate in content.judged_rates.items():
        yield JudgedError(SET_NAMES[name], SET_NAMES[name], percent(rate.error), interval_in_words(rate))


def _values(content: Content) -> Iterator[JudgedError]:
    """The values at the epoch of the verdict, for a run whose curves alone can be judged."""
    entry = next((one for one in content.history if one.epoch == content.verdict.epoch), None)
    for name in content.sets if entry is not None else ():
        if entry is not None and (value := content.cell(entry, name)):
            yield JudgedError(SET_NAMES[name], SET_NAMES[name], value, "")
