"""Parse and validate the JSON artifacts of a training, which anybody may have changed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bvtrack.diagnosis.diagnosis import PROBLEMS
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction
from bvtrack.report.page import histograms_of, split_in_words
from bvtrack.report.split_banner import repeated_in
from bvtrack.schema.names import CHANCE_ERROR
from bvtrack.splits.check import findings_in
from bvtrack.splits.comparing.histograms import Histogram
from bvtrack.splits.finding import Finding
from bvtrack.store.logged_run import LoggedRun

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""Exceptions that an unexpected file may cause."""


@dataclass(frozen=True, slots=True)
class StoredSplit:
    """The valid content of `bvtrack/splits.json`, and its findings."""

    content: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def read_verdict(content: Mapping[str, Any]) -> Verdict | None:
    """The verdict in `bvtrack/diagnosis.json`; `None` if it is invalid.

    >>> read_verdict({"diagnosis": {"tag": "high_variance"}, "steps": 1})
    """
    with contextlib.suppress(*UNREADABLE):
        verdict = Verdict.from_json(content)
        return verdict if _is_sound(verdict) else None
    return None


def read_version(content: Mapping[str, Any]) -> str | None:
    """The version of the library that wrote `bvtrack/diagnosis.json`, if it says so."""
    version = content.get("version")
    return version if isinstance(version, str) else None


def read_chance(content: Mapping[str, Any], run: LoggedRun) -> float | None:
    """The error of guessing in `bvtrack/diagnosis.json`, or as version 0.1 logged it."""
    logged = run.metrics.get(CHANCE_ERROR)
    chance = content.get("chance_error", logged.value if logged else None)
    return chance if is_fraction(chance) else None


def read_split(content: Mapping[str, Any]) -> StoredSplit:
    """The content of `bvtrack/splits.json`; empty if a report cannot show it."""
    with contextlib.suppress(*UNREADABLE):
        split_in_words(content)
        repeated_in(content)
        if all(map(_is_drawable, histograms_of(content))):
            return StoredSplit(content, _findings(content))
    return StoredSplit()


def _is_sound(verdict: Verdict) -> bool:
    """True if all names are known, and all texts and numbers have the right type."""
    diagnosis, gaps, steps = verdict.diagnosis, verdict.diagnosis.gaps, verdict.steps
    texts = [diagnosis.tag, diagnosis.certainty, diagnosis.explanation, diagnosis.baseline, verdict.curve or ""]
    texts += [text for step in steps for text in (step.id, step.title, step.why)]
    for fault in verdict.split_faults:
        texts += [fault.code, fault.message, fault.step, fault.untrue, fault.effect, *fault.between]
    numbers = [diagnosis.human_error, diagnosis.optimism.expected, diagnosis.optimism.most]
    numbers += [number for gap in gaps.values() for number in (gap.value, gap.threshold)]
    perhaps = [*(end for gap in gaps.values() for end in (gap.low, gap.high)), *(step.expected_gain for step in steps)]
    numbers += [number for number in perhaps if number is not None]
    return (
        all(isinstance(text, str) for text in texts)
        and all(map(is_finite_number, numbers))
        and all(map(is_fraction, diagnosis.errors.values()))
        and all(isinstance(n, int) for n in (*diagnosis.counts.values(), diagnosis.optimism.n_epochs, verdict.epoch or 0))
        and gaps.keys() <= GAP_NAMES.keys()
        and diagnosis.errors.keys() <= SET_NAMES.keys()
        and set(diagnosis.problems) <= set(PROBLEMS.values())
    )


def _is_drawable(histogram: Histogram) -> bool:
    """True if each set has one share per class, or per bin."""
    n_shares = len(histogram.classes) or len(histogram.edges) - 1
    numbers = [*histogram.edges, *histogram.missing.values(), *(one for some in histogram.shares.values() for one in some)]
    return (
        all(isinstance(text, str) for text in (histogram.what, *histogram.classes))
        and all(map(is_finite_number, numbers))
        and all(len(some) == n_shares for some in histogram.shares.values())
        and histogram.shares.keys() | histogram.missing.keys() <= {"train", "dev", "test"}
    )


def _findings(content: Mapping[str, Any]) -> tuple[Finding, ...]:
    """All findings of the split; none if one of them is invalid."""
    with contextlib.suppress(*UNREADABLE):
        found = tuple(findings_in(content))
        if all(isinstance(text, str) for one in found for text in (one.code, one.level, one.message)):
            return found
    return ()
