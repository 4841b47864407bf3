"""The verdict on a run as plain data for programs, as `docs/show.schema.json` describes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bvtrack.diagnosis.explanation import sets_of
from bvtrack.report.content import HUMAN, Content
from bvtrack.report.note import reasons_of
from bvtrack.report.repeats import configuration_as_data, repeats_as_data
from bvtrack.splits.finding import told_of
from bvtrack.text import as_text

DIGITS = 6
"""Decimals of a fraction: a ten-thousandth of a point, and no digits that only floating-point arithmetic makes."""


def summary_of(content: Content) -> dict[str, Any]:
    """The verdict of a report's content, its evidence, its steps and the findings of the split; errors are fractions."""
    verdict, diagnosis = content.verdict, content.diagnosis
    return {
        "verdict": {
            "diagnosis": diagnosis.tag,
            "problems": list(diagnosis.problems),
            "focus": diagnosis.focus,
            "certainty": diagnosis.certainty,
            "next_step": verdict.steps[0].id if verdict.steps else None,
            "curve": verdict.curve,
            "headline": content.headline,
            "explanation": diagnosis.explanation,
            "reasons": reasons_of(verdict.without_split),
        },
        "evidence": {
            "epoch": verdict.epoch,
            "n_epochs": len(content.history),
            "epoch_unit": content.unit,
            "measure": content.measure,
            "error_unit": {"kind": diagnosis.unit.kind, "name": diagnosis.unit.name, "of": diagnosis.unit.of.strip()},
            "baseline": _baseline(content),
            "errors": dict(_errors(content)),
            "gaps": dict(_gaps(content)),
        },
        "steps": [
            {"id": step.id, "title": step.title, "why": step.why, "expected_gain": step.expected_gain} for step in verdict.steps
        ],
        "repeats": repeats_as_data(content),
        "configuration": configuration_as_data(content),
        "findings": [
            {"code": one.code, "level": one.level, "message": one.message} for one in told_of(content.findings, diagnosis.unit)
        ],
    }


def plain(value: Any) -> Any:
    r"""`value` as JSON that every parser reads: numbers rounded, `None` for those that are not finite, and valid text.

    >>> plain({"dev": [float("nan"), 0.15 - 0.14, "\ud800"]})
    {'dev': [None, 0.01, '\ufffd']}
    """
    match value:
        case float():
            return round(value, DIGITS) if math.isfinite(value) else None
        case str():
            return as_text(value)
        case Mapping():
            return {as_text(str(name)): plain(one) for name, one in value.items()}
        case Sequence():
            return [plain(one) for one in value]
        case _:
            return value


def _baseline(content: Content) -> dict[str, Any]:
    diagnosis = content.diagnosis
    is_known = diagnosis.baseline == "given" or diagnosis.unit.is_error_rate
    return {
        "source": diagnosis.baseline if content.baseline == HUMAN else "experiment_best",
        "error": diagnosis.human_error if is_known else None,
    }


def _errors(content: Content) -> Iterator[tuple[str, dict[str, Any]]]:
    """The errors that the verdict is about, with their intervals and numbers of examples."""
    for name, rate in content.judged_rates.items():
        low, high = rate.interval() if rate.has_interval else (None, None)
        yield name, {"error": rate.error, "low": low, "high": high, "n": rate.n}


def _gaps(content: Content) -> Iterator[tuple[str, dict[str, Any]]]:
    diagnosis = content.diagnosis
    for name, gap in diagnosis.gaps.items():
        later, earlier = sets_of(name, diagnosis.errors)
        is_open = diagnosis.is_open(name)
        yield (
            name,
            {
                "later": later,
                "earlier": "baseline" if earlier == "human" else earlier,
                "width": gap.value,
                "low": None if is_open else gap.low,
                "high": None if is_open else gap.high,
                "named_from": None if is_open else gap.threshold,
                "is_named": name in diagnosis.named_gaps,
                "is_upper_bound": is_open,
            },
        )
