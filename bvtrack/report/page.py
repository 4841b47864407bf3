"""A run's report as one HTML page: nothing is loaded, nothing is run, and it reads as well in the dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bvtrack.data.comparison import Comparison
from bvtrack.data.histograms import Histogram
from bvtrack.explanation import GAP_NAMES, SET_NAMES, in_points, percent, sets_of
from bvtrack.intervals import Rate
from bvtrack.report import figures
from bvtrack.report.content import Content, rate_of
from bvtrack.report.note import headline
from bvtrack.report.palette import DARK, LIGHT, css
from bvtrack.report.svg import as_svg
from bvtrack.report.template import template

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup
    from matplotlib.axes import Axes

    from bvtrack.gaps import Gap

MOST_DIFFERENCES = 30
SMALLEST_P = 1e-4


def render_page(content: Content) -> str:
    """The page, of some 100 KB."""
    return template("page.html.jinja").render(
        **_words(content), **_figures(content), light=css(LIGHT), dark=css(DARK), in_points=in_points
    )


def _words(content: Content) -> dict[str, Any]:
    verdict = content.verdict
    return {
        "name": content.name,
        "when": _when(content),
        "headline": headline(verdict.diagnosis, verdict.steps),
        "explanation": verdict.diagnosis.explanation,
        "address": content.address,
        "steps": verdict.steps,
        "sets": [SET_NAMES[name] for name in content.sets],
        "epochs": list(_epochs(content)),
        "gaps": list(_gaps(content)),
        "split": _split(content),
        "findings": content.findings,
        "measure": content.measure,
        "version": content.version,
    }


def _when(content: Content) -> str:
    """How far the training has come, as far as it is known."""
    n = len(content.history)
    epochs = f"{n:,} epoch{'' if n == 1 else 's'}" if n else ""
    curve = (content.verdict.curve or "").replace("_", " ")
    return ", ".join(part for part in (epochs, content.state, f"curve: {curve}" if curve else "") if part)


def _figures(content: Content) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if any(content.rates(name) for name in content.sets):
        caption = curves_in_words(content)
        found["curves"] = _drawn(figures.CURVES_HEIGHT, lambda axes: figures.draw_curves(axes, content), "curves", caption)
        found["curves_caption"] = caption
    if content.diagnosis.gaps:
        found["gaps_figure"] = drawn_gaps(content.diagnosis.gaps, "gaps")
    if content.more_data and "more_data" in {step.id for step in content.verdict.steps}:
        words = ", ".join(f"{percent(one.value)} with {times} times the data" for times, one in content.more_data.items())
        draw = lambda axes: figures.draw_more_data(axes, content)  # noqa: E731  # as the others
        found["more_data"] = _drawn(figures.BANDS_HEIGHT, draw, "more-data", f"Forecast of the dev error: {words}")
    return found | _shift(content)


def drawn_gaps(gaps: Mapping[str, Gap], name: str) -> Markup:
    """The bars of the gaps."""
    height = figures.ROW_HEIGHT * len(gaps) + figures.GAPS_MARGIN
    words = "; ".join(f"{GAP_NAMES[gap_name]} {in_points(gap.value)} points" for gap_name, gap in gaps.items())
    return _drawn(height, lambda axes: figures.draw_gaps(axes, gaps), name, f"Bars of the gaps: {words}")


def _drawn(height: float, draw: Callable[[Axes], None], name: str, description: str) -> Markup:
    from markupsafe import Markup

    figure, axes = figures.new_figure(height)
    draw(axes)
    return Markup(as_svg(figure, name, description))  # what is in it is escaped by Matplotlib


def _shift(content: Content) -> dict[str, Any]:
    from markupsafe import Markup

    found = [Histogram(**one) for one in (content.split.get("distribution") or {}).get("histograms", ())]
    if not found:
        return {}
    from bvtrack.report.shift_figure import shift_figure

    caption = f"What differs between the sets, as shares of their examples: {', '.join(one.what for one in found)}."
    return {"shift": Markup(as_svg(shift_figure(found), "shift", caption)), "shift_caption": caption}


def curves_in_words(content: Content) -> str:
    """What the curves show, for those who do not see them."""
    parts = []
    for name in content.sets:
        if rates := content.rates(name):
            first, last = rates[min(rates)], rates[max(rates)]
            went = f"from {percent(first.error)} to {percent(last.error)}" if len(rates) > 1 else f"at {percent(last.error)}"
            parts.append(f"{SET_NAMES[name]} {went}")
    words = f"The error by epoch with 95 % intervals: {', '.join(parts)}"
    if content.diagnosis.baseline == "given":
        words += f"; humans make {percent(content.diagnosis.human_error)}"
    if (longer := content.longer) is not None:
        words += f"; dashed: as many epochs again should bring the best dev error to {percent(longer.value)}"
        words += f" ({percent(longer.low)} to {percent(longer.high)})"
    return f"{words}."


def _epochs(content: Content) -> Iterator[dict[str, Any]]:
    for entry in content.listed:
        cells = [_in_words(rate_of(entry, name)) if name in entry.errors else "" for name in content.sets]
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
        later, earlier = (SET_NAMES.get(side, side) for side in sets_of(name, diagnosis.errors))
        known = gap.low is not None and gap.high is not None
        yield {
            "name": GAP_NAMES[name],
            "between": f"{later} - {earlier}",
            "value": in_points(gap.value, "+"),
            "interval": f"{in_points(gap.low or 0, '+')} to {in_points(gap.high or 0, '+')}" if known else "",
            "threshold": in_points(gap.threshold),
            "is_named": gap.is_named,
        }


def _split(content: Content) -> dict[str, Any] | None:
    if not content.split and not content.findings:
        return None
    sizes: Mapping[str, Any] = content.split.get("sizes") or {}
    distribution: Mapping[str, Any] = content.split.get("distribution") or {}
    known = [Comparison(**one) for one in distribution.get("comparisons", ())]
    return {
        "counts": list(_counts(sizes)),
        "smallest_gap": in_points(sizes["smallest_gap"]) if sizes else None,
        "distribution": distribution.get("verdict"),
        "differences": [
            {"between": f"{one.earlier} and {one.later}", "words": one.in_words(), "p_value": _p_value(one.p_value)}
            for one in known
            if one.is_significant
        ][:MOST_DIFFERENCES],
    }


def _counts(sizes: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    counts, widths = sizes.get("counts", {}), sizes.get("resolution", {})
    for name, n in counts.items():
        resolution = f"±{in_points(widths[name])} points" if name in widths else ""
        share = percent(n / sum(counts.values()))
        yield {"name": SET_NAMES.get(name, name), "n": f"{n:,}", "share": share, "resolution": resolution}


def _p_value(p: float) -> str:
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"{p:.2g}"
