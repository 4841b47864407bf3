"""Two runs of the same tests, compared: with a callback that does nothing, and with the one under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inject.outcomes import Outcome


@dataclass(frozen=True)
class Comparison:
    """Tests by what became of them; `broken` and `excused` with the message that each failed with."""

    n_run: int
    n_passed: int
    """How many pass with the callback that does nothing."""
    broken: Mapping[str, str]
    excused: Mapping[str, str]
    """Those that fail with the callback under test, for a reason that is listed."""
    needless: tuple[str, ...]
    """Entries of the list whose tests were run, and pass."""


def compare(without: Mapping[str, Outcome], with_ours: Mapping[str, Outcome], reasons: Mapping[str, str]) -> Comparison:
    """A test is broken if it passes with the callback that does nothing, but not with ours. It may be skipped by neither."""
    passed = {test for test, outcome in without.items() if outcome.state == "passed"}
    failed = {test: _message(with_ours, test) for test in sorted(passed) if not _passes(with_ours, test)}
    excused = {test: message for test, message in failed.items() if reason_for(test, reasons)}
    needed = {entry for test in excused for entry in reasons if _covers(entry, test)}
    run = {entry for test in passed for entry in reasons if _covers(entry, test)}
    return Comparison(
        n_run=sum(outcome.state != "skipped" for outcome in without.values()),
        n_passed=len(passed),
        broken={test: message for test, message in failed.items() if test not in excused},
        excused=excused,
        needless=tuple(sorted(run - needed)),
    )


def reason_for(test: str, reasons: Mapping[str, str]) -> str | None:
    """Why a test is listed, by its own name or, for all its parameters, by that of its function."""
    return next((reason for entry, reason in reasons.items() if _covers(entry, test)), None)


def _covers(entry: str, test: str) -> bool:
    return entry in (test, test.partition("[")[0])


def _passes(outcomes: Mapping[str, Outcome], test: str) -> bool:
    return test in outcomes and outcomes[test].state == "passed"


def _message(outcomes: Mapping[str, Outcome], test: str) -> str:
    return f"{outcomes[test].state}: {outcomes[test].message}" if test in outcomes else "was not run"
