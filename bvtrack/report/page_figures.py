"""The figures of a report's page: each as inline SVG for a screen, and narrower for a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES
from bvtrack.measures.percent import percent
from bvtrack.report import figures
from bvtrack.report.content import Content
from bvtrack.report.forecasts import longer_in_words, tells_of_more_data
from bvtrack.report.loss_figure import draw_losses, losses_in_words
from bvtrack.report.repeats_figure import draw_repeats, height_of, repeats_caption
from bvtrack.report.shift_figure import shift_figure
from bvtrack.report.svg import as_svg
from bvtrack.splits.comparing.histograms import Histogram
from bvtrack.text import shortened

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_NAME = 200
"""Longest name of a column, in characters, so that none makes the page large."""


def page_figures(content: Content, histograms: Sequence[Histogram]) -> dict[str, Any]:
    """The figures and their captions by name."""
    return {**_curves(content), **_repeats(content), **_gaps(content), **_more_data(content), **_shift(histograms)}


def drawn_gaps(diagnosis: Diagnosis, name: str, width: float) -> Markup:
    """The bars of the gaps, on a figure so many inches wide."""
    return _as_markup(_gaps_figure(diagnosis, width), name, _gaps_in_words(diagnosis))


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
    if longer := longer_in_words(content):
        words += f"; dashed, the best {unit.error_of('dev')}: {longer}"
    return f"{words}."


def _beside_human(content: Content) -> str:
    if content.diagnosis.baseline != "given":
        return ""
    made = {"human": "humans make", "best run": "the best run made"}.get(content.floor, f"{content.floor}:")
    return f"; {made} {percent(content.diagnosis.human_error)}"


def _curves(content: Content) -> dict[str, Any]:
    if content.is_by_curve and any(content.raw_values(name) for name in content.sets):
        draw, caption = draw_losses, losses_in_words(content)
    elif any(content.rates(name) for name in content.sets):
        draw, caption = figures.draw_curves, curves_in_words(content)
    else:
        return {}
    height = figures.CURVES_HEIGHT
    drawn = _twice(lambda width: _drawn(height, width, lambda axes: draw(axes, content)), "curves", caption)
    return {"curves": drawn, "curves_caption": caption}


def _repeats(content: Content) -> dict[str, Any]:
    repeated = content.repeated
    if repeated is None or not repeated.spreads:
        return {}
    caption, height = repeats_caption(repeated), height_of(repeated)
    drawn = _twice(lambda width: _drawn(height, width, lambda axes: draw_repeats(axes, repeated)), "repeats", caption)
    return {"repeats_figure": drawn, "repeats_caption": caption}


def _gaps(content: Content) -> dict[str, Any]:
    diagnosis = content.diagnosis
    if not diagnosis.gaps:
        return {}
    return {"gaps_figure": _twice(lambda width: _gaps_figure(diagnosis, width), "gaps", _gaps_in_words(diagnosis))}


def _gaps_figure(diagnosis: Diagnosis, width: float) -> Figure:
    height = figures.ROW_HEIGHT * len(diagnosis.gaps) + figures.GAPS_MARGIN
    return _drawn(height, width, lambda axes: figures.draw_gaps(axes, diagnosis))


def _gaps_in_words(diagnosis: Diagnosis) -> str:
    words = "; ".join(f"{GAP_NAMES[name]} {diagnosis.width(name)} points" for name in diagnosis.gaps)
    return f"Bars of the gaps: {words}{diagnosis.unit.of}"


def _more_data(content: Content) -> dict[str, Any]:
    if not tells_of_more_data(content):
        return {}
    unit = content.diagnosis.unit
    words = ", ".join(f"{unit.amount(one.value)} with {times} times the data" for times, one in content.more_data.items())
    description = f"Forecast for the dev set{content.more_data_how}: {words}{_beside_human(content)}"
    height = figures.BANDS_HEIGHT
    drawn = _twice(
        lambda width: _drawn(height, width, lambda axes: figures.draw_more_data(axes, content)), "more-data", description
    )
    what = "dev error" if unit.is_error_rate else f"{unit.error_of('dev')}{f', in %{unit.of},' if unit.of else ''}"
    caption = f"The {what} with more training data, and where it will be in four cases of five."
    return {"more_data": drawn, "more_data_caption": caption}


def _shift(histograms: Sequence[Histogram]) -> dict[str, Any]:
    if not histograms:
        return {}
    named = ", ".join(shortened(one.what, LONGEST_NAME) for one in histograms)
    caption = f"What differs between the sets, as shares of their examples: {named}."
    return {"shift": _twice(lambda width: shift_figure(histograms, width), "shift", caption), "shift_caption": caption}


def _twice(draw: Callable[[float], Figure], name: str, description: str) -> Markup:
    """The figure in both widths; the page's style shows the one that fits."""
    from markupsafe import Markup

    parts = ((figures.WIDTH, "wide", name), (figures.NARROW, "narrow", f"{name}-narrow"))
    drawn = [f'<div class="{kind}">{_as_markup(draw(width), own, description)}</div>' for width, kind, own in parts]
    return Markup("".join(drawn))


def _drawn(height: float, width: float, draw: Callable[[Axes], None]) -> Figure:
    figure, axes = figures.new_figure(height, width)
    draw(axes)
    return figure


def _as_markup(figure: Figure, name: str, description: str) -> Markup:
    from markupsafe import Markup

    return Markup(as_svg(figure, name, description))  # Matplotlib has escaped its texts
