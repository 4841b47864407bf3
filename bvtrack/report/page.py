"""A run's report as one HTML page, with a dark mode, that loads and runs nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.expected_gains import LIKELY
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES, sets_of
from bvtrack.error_rates.intervals import Rate
from bvtrack.measures.percent import in_points, percent
from bvtrack.measures.unit import ERROR_RATE, Unit
from bvtrack.report import figures
from bvtrack.report.content import Content
from bvtrack.report.loss_figure import draw_losses, losses_in_words
from bvtrack.report.palette import DARK, LIGHT, css
from bvtrack.report.shift_figure import shift_figure
from bvtrack.report.svg import as_svg, own_style
from bvtrack.report.template import template
from bvtrack.splits.comparing.comparison import Comparison
from bvtrack.splits.comparing.histograms import Histogram
from bvtrack.splits.finding import told_of
from bvtrack.splits.resolution import resolution_of, speaks_of, told
from bvtrack.text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup
    from matplotlib.axes import Axes


MOST_DIFFERENCES = 30
LONGEST_NAME, LONGEST_MESSAGE = 200, 2000
"""Longest texts that contain a column's name, in characters, so that no name makes the page large."""
SMALLEST_P = 1e-4


def render_page(content: Content) -> str:
    """The page, of some 100 KB."""
    with own_style():
        drawn = _figures(content)
    return template("page.html.jinja").render(**_words(content), **drawn, light=css(LIGHT), dark=css(DARK), in_points=in_points)


def _words(content: Content) -> dict[str, Any]:
    verdict = content.verdict
    return {
        "name": shortened(content.name, LONGEST_NAME),
        "when": _when(content),
        "headline": content.headline,
        "split_first": shortened(verdict.split_in_words, LONGEST_MESSAGE),
        "explanation": shortened(verdict.diagnosis.explanation, LONGEST_MESSAGE),
        "address": content.address,
        "steps": verdict.steps,
        "sets": [SET_NAMES[name] for name in content.sets],
        "epochs": list(_epochs(content)),
        "gaps": list(_gaps(content)),
        "split": split_in_words(content.split, content.diagnosis.unit) if content.split else None,
        "findings": [
            replace(one, message=shortened(one.message, LONGEST_MESSAGE))
            for one in told_of(content.findings, content.diagnosis.unit)
        ],
        "measure": shortened(content.measure or "", LONGEST_NAME),
        "of": content.diagnosis.unit.of,
        "floor_error": content.diagnosis.unit.floor,
        "unit": content.unit,
        "is_by_curve": content.is_by_curve,
        "version": content.version,
    }


def _when(content: Content) -> str:
    """The number of epochs, the training's state and its curve, as far as known."""
    n = len(content.history)
    epochs = f"{n:,} {content.unit}{'' if n == 1 else 's'}" if n else ""
    curve = (content.verdict.curve or "").replace("_", " ")
    return ", ".join(part for part in (epochs, content.state, f"curve: {curve}" if curve else "") if part)


def _figures(content: Content) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if content.is_by_curve and any(content.raw_values(name) for name in content.sets):
        caption = losses_in_words(content)
        found["curves"] = _drawn(figures.CURVES_HEIGHT, lambda axes: draw_losses(axes, content), "curves", caption)
        found["curves_caption"] = caption
    elif any(content.rates(name) for name in content.sets):
        caption = curves_in_words(content)
        found["curves"] = _drawn(figures.CURVES_HEIGHT, lambda axes: figures.draw_curves(axes, content), "curves", caption)
        found["curves_caption"] = caption
    if content.diagnosis.gaps:
        found["gaps_figure"] = drawn_gaps(content.diagnosis, "gaps")
    if content.more_data and "more_data" in {step.id for step in content.verdict.steps}:
        amount = content.diagnosis.unit.amount
        words = ", ".join(f"{amount(one.value)} with {times} times the data" for times, one in content.more_data.items())
        words += _beside_human(content)
        draw = lambda axes: figures.draw_more_data(axes, content)  # noqa: E731  # as the others
        found["more_data"] = _drawn(
            figures.BANDS_HEIGHT, draw, "more-data", f"Forecast for the dev set, at the same number of epochs: {words}"
        )
    return found | _shift(content)


def drawn_gaps(diagnosis: Diagnosis, name: str) -> Markup:
    """The bars of the gaps."""
    height = figures.ROW_HEIGHT * len(diagnosis.gaps) + figures.GAPS_MARGIN
    words = "; ".join(f"{GAP_NAMES[gap_name]} {diagnosis.width(gap_name)} points" for gap_name in diagnosis.gaps)
    return _drawn(height, lambda axes: figures.draw_gaps(axes, diagnosis), name, f"Bars of the gaps: {words}")


def _drawn(height: float, draw: Callable[[Axes], None], name: str, description: str) -> Markup:
    from markupsafe import Markup

    figure, axes = figures.new_figure(height)
    draw(axes)
    return Markup(as_svg(figure, name, description))  # Matplotlib has escaped its texts


def histograms_of(split: Mapping[str, Any]) -> list[Histogram]:
    """The histograms in the content of `bvtrack/splits.json`. Raises `TypeError` if they are malformed."""
    return [Histogram(**one) for one in (split.get("distribution") or {}).get("histograms", ())]


def _shift(content: Content) -> dict[str, Any]:
    from markupsafe import Markup

    found = histograms_of(content.split)
    if not found:
        return {}
    named = ", ".join(shortened(one.what, LONGEST_NAME) for one in found)
    caption = f"What differs between the sets, as shares of their examples: {named}."
    return {"shift": Markup(as_svg(shift_figure(found), "shift", caption)), "shift_caption": caption}


def curves_in_words(content: Content) -> str:
    """A description of the curves for screen readers."""
    parts = []
    curves = {name: content.rates(name) for name in content.sets}
    for name, rates in curves.items():
        if rates:
            first, last = rates[min(rates)], rates[max(rates)]
            went = f"from {percent(first.error)} to {percent(last.error)}" if len(rates) > 1 else f"at {percent(last.error)}"
            parts.append(f"{SET_NAMES[name]} {went}")
    sure = " with 95 % intervals" if any(rate.has_interval for rates in curves.values() for rate in rates.values()) else ""
    what = "The error" if (unit := content.diagnosis.unit).is_error_rate else f"{unit.axis[0].upper()}{unit.axis[1:]}"
    words = f"{what} by {content.unit}{sure}: {', '.join(parts)}{_beside_human(content)}"
    if (longer := content.longer) is not None:
        band = f"{percent(longer.low)} to {percent(longer.high)}"
        unlikely = "may bring it to" if (longer.improves or 0.0) >= LIKELY else "will probably bring nothing:"
        brings = "should bring it to" if content.is_longer_better else unlikely
        again = f"as many {content.unit}s again {brings} {percent(longer.value)} ({band})"
        words += f"; dashed, the best {unit.error_of('dev')}: {again}"
    return f"{words}."


def _beside_human(content: Content) -> str:
    if content.diagnosis.baseline != "given":
        return ""
    made = {"human": "humans make", "best run": "the best run made"}.get(content.floor, f"{content.floor}:")
    return f"; {made} {percent(content.diagnosis.human_error)}"


def _epochs(content: Content) -> Iterator[dict[str, Any]]:
    for entry in content.listed:
        cells = [
            _in_words(content.rate(entry, name)) if name in entry.errors else content.cell(entry, name) for name in content.sets
        ]
        yield {"epoch": entry.epoch, "cells": cells, "is_judged": entry.epoch == content.verdict.epoch}


def _in_words(rate: Rate) -> str:
    if not math.isfinite(rate.error):
        return "not a number"
    if not rate.has_interval:
        return percent(rate.error)
    low, high = rate.interval()
    return f"{percent(rate.error)} ({100 * low:.1f} to {100 * high:.1f})"


def _gaps(content: Content) -> Iterator[dict[str, Any]]:
    diagnosis = content.diagnosis
    for name, gap in diagnosis.gaps.items():
        later, earlier = (SET_NAMES.get(side, content.floor) for side in sets_of(name, diagnosis.errors))
        is_open = diagnosis.is_open(name)
        known = gap.low is not None and gap.high is not None and not is_open
        yield {
            "name": GAP_NAMES[name],
            "between": f"{later} - {earlier}",
            "value": diagnosis.width(name, "+"),
            "interval": f"{in_points(gap.low or 0, '+')} to {in_points(gap.high or 0, '+')}" if known else "",
            "threshold": "" if is_open else in_points(gap.threshold),
            "is_named": name in diagnosis.named_gaps,
        }


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
        "distribution": distribution.get("verdict"),
        "outputs": (split.get("outputs") or {}).get("verdict"),
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
