"""A run's report as one HTML page, with a dark mode, that loads and runs nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES, sets_of
from bvtrack.diagnosis.split_first import REST_ON_IT
from bvtrack.error_rates.epoch_errors import EpochErrors
from bvtrack.extras import FIGURES
from bvtrack.measures.percent import in_points, percent
from bvtrack.measures.unit import ERROR_RATE, Unit
from bvtrack.report.content import Content
from bvtrack.report.page_figures import LONGEST_NAME, page_figures
from bvtrack.report.page_head import interval_in_words, judged_epoch
from bvtrack.report.page_tables import page_tables
from bvtrack.report.palette import DARK, LIGHT, css
from bvtrack.report.repeats import repeats_in_words
from bvtrack.report.split_banner import faults_in_words, findings_below
from bvtrack.report.svg import own_style
from bvtrack.report.template import template
from bvtrack.report.weights_and_examples import weights_and_examples
from bvtrack.splits.comparing.comparison import Comparison
from bvtrack.splits.comparing.distribution_tag import distribution_in_words
from bvtrack.splits.comparing.histograms import Histogram
from bvtrack.splits.resolution import resolution_of, speaks_of, told
from bvtrack.text import shortened

MOST_DIFFERENCES = 30
LONGEST_MESSAGE = 2000
"""Longest text that contains a column's name, in characters, so that no name makes the page large."""
SMALLEST_P = 1e-4


def render_page(content: Content) -> str:
    """The page, of some 100 KB; without Matplotlib tables stand in the place of its figures."""
    return template("page.html.jinja").render(**_words(content), **_figures(content), light=css(LIGHT), dark=css(DARK))


def _figures(content: Content) -> dict[str, Any]:
    if not FIGURES.is_installed:
        return {"tables": page_tables(content)}
    with own_style():
        return page_figures(content, histograms_of(content.split))


def _words(content: Content) -> dict[str, Any]:
    verdict, unit = content.verdict, content.diagnosis.unit
    return {
        "name": shortened(content.name, LONGEST_NAME),
        "when": _when(content),
        "headline": content.headline,
        "judged": judged_epoch(content),
        "split_faults": list(faults_in_words(content, LONGEST_MESSAGE)),
        "explanation": shortened(verdict.without_split.explanation, LONGEST_MESSAGE),
        "stopped": shortened(content.stopped or "", LONGEST_MESSAGE),
        "configuration": content.configuration,
        "repeats": repeats_in_words(content, content.repeated) if content.repeated else None,
        "address": content.address,
        "steps": list(_steps(content)),
        "sets": [SET_NAMES[name] for name in content.sets],
        "epochs": list(_epochs(content)),
        "gaps": list(gap_rows(content.diagnosis, content.floor)),
        "split": split_in_words(content.split, unit) if content.split else None,
        "findings": list(findings_below(content, LONGEST_MESSAGE)),
        "measure": shortened(content.measure or "", LONGEST_NAME),
        "of": unit.of,
        "floor_error": unit.floor,
        "unit": content.unit,
        "is_by_curve": content.is_by_curve,
        "version": content.version,
        **weights_and_examples(content),
    }


class StepWords(NamedTuple):
    """A step: its title, the reason for it, and what it should gain, if that is known."""

    title: str
    why: str
    gain: str


def _steps(content: Content) -> Iterator[StepWords]:
    """The steps; the banner above them says what a fault of the split is."""
    unit, said = content.diagnosis.unit, content.verdict.split_in_words
    for step in content.verdict.steps:
        why = step.why
        if step.why.removesuffix(REST_ON_IT).strip() in said:
            why = f"What is wrong with it stands above. {REST_ON_IT if step.why.endswith(REST_ON_IT) else ''}".strip()
        points = in_points(step.expected_gain or 0.0)
        gain = "" if points == "0.0" else f"Expected gain: {unit.gained(points)}."
        yield StepWords(step.title, shortened(why, LONGEST_MESSAGE), gain)


def _when(content: Content) -> str:
    """The number of epochs, the training's state and its curve, as far as known."""
    n = len(content.history)
    epochs = f"{n:,} {content.unit}{'' if n == 1 else 's'}" if n else ""
    if content.repeated is not None:
        epochs = f"{len(content.repeated.repeats)} {content.repeated.design.over}"
    curve = (content.verdict.curve or "").replace("_", " ")
    return ", ".join(part for part in (epochs, content.state, f"curve: {curve}" if curve else "") if part)


def histograms_of(split: Mapping[str, Any]) -> list[Histogram]:
    """The histograms in the content of `bvtrack/splits.json`. Raises `TypeError` if they are malformed."""
    return [Histogram(**one) for one in (split.get("distribution") or {}).get("histograms", ())]


def _epochs(content: Content) -> Iterator[dict[str, Any]]:
    for entry in content.listed:
        cells = [_cell(content, entry, name) for name in content.sets]
        yield {"epoch": entry.epoch, "cells": cells, "is_judged": entry.epoch == content.verdict.epoch}


def _cell(content: Content, entry: EpochErrors, name: str) -> tuple[str, str]:
    """An error or a value, and its interval in brackets."""
    if name not in entry.errors:
        return content.cell(entry, name), ""
    rate = content.rate(entry, name)
    if not math.isfinite(rate.error):
        return "not a number", ""
    between = interval_in_words(rate)
    return percent(rate.error), f"({between})" if between else ""


class GapRow(NamedTuple):
    """A gap between two sets: its width and its 95 % interval in points, and the width from which on it is named."""

    name: str
    between: str
    value: str
    interval: str
    threshold: str
    is_named: bool


def gap_rows(diagnosis: Diagnosis, floor: str) -> Iterator[GapRow]:
    """The gaps of a diagnosis as text; `floor` is what the baseline of the train error is called."""
    for name, gap in diagnosis.gaps.items():
        later, earlier = (SET_NAMES.get(side, floor) for side in sets_of(name, diagnosis.errors))
        is_open = diagnosis.is_open(name)
        known = gap.low is not None and gap.high is not None and not is_open
        yield GapRow(
            GAP_NAMES[name],
            f"{later} - {earlier}",
            diagnosis.width(name, "+"),
            f"{in_points(gap.low or 0, '+')} to {in_points(gap.high or 0, '+')}" if known else "",
            "" if is_open else in_points(gap.threshold),
            name in diagnosis.named_gaps,
        )


def split_in_words(split: Mapping[str, Any], unit: Unit = ERROR_RATE) -> dict[str, Any]:
    """The content of `bvtrack/splits.json` as text, where errors are of this unit. Raises `LookupError` or `TypeError` if it is
    malformed.
    """
    sizes: Mapping[str, Any] = split.get("sizes") or {}
    distribution: Mapping[str, Any] = split.get("distribution") or {}
    known = [Comparison(**one) for one in distribution.get("comparisons", ())]
    is_of_quantities = bool(sizes.get("is_of_quantities"))
    knows = resolution_of(is_of_quantities=is_of_quantities)
    speaks = bool(sizes) and speaks_of(unit, is_of_quantities=is_of_quantities)
    widths = sizes["resolution"] if speaks else {}
    return {
        "counts": list(size_rows(sizes.get("counts", {}), told(widths, knows))),
        "knows": knows.heading if widths else None,
        "smallest_gap": knows.smallest_gap.format(100 * sizes["smallest_gap"]) if speaks else None,
        "distribution": distribution_in_words(distribution),
        "outputs": distribution_in_words(split.get("outputs") or {}),
        "differences": [
            {
                "between": f"{one.earlier} and {one.later}",
                "words": shortened(one.in_words(), LONGEST_NAME),
                "p_value": _p_value(one.p_value),
            }
            for one in known
            if one.is_significant
        ][:MOST_DIFFERENCES],
    }


def size_rows(counts: Mapping[str, int], precision: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Each set's name, number of examples, share, and precision, as text."""
    total = sum(counts.values())
    for name, n in counts.items():
        yield SET_NAMES.get(name, name), f"{n:,}", percent(n / total), precision.get(name, "")


def _p_value(p: float) -> str:
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"{p:.2g}"
