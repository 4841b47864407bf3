"""A run's report as a picture, for slides, papers and chats."""

from __future__ import annotations

import io

from bvtrack.extras import FIGURES
from bvtrack.report import figures
from bvtrack.report.content import Content
from bvtrack.report.loss_figure import draw_losses
from bvtrack.report.note import SHOWN_STEPS
from bvtrack.report.palette import LIGHT
from bvtrack.report.repeats_figure import draw_repeats, height_of
from bvtrack.report.svg import own_style
from bvtrack.text import shortened

DPI = 200
TITLE_HEIGHT, STEP_HEIGHT = 0.55, 0.18
BELOW_HEADLINE = -18
LINE = 80
"""Number of characters that fit into the picture's width."""


def render_picture(content: Content) -> bytes:
    """The verdict, the curves or the repeats, the gaps and the first steps, as PNG.

    Raises `MissingExtraError` without Matplotlib.
    """
    FIGURES.require()
    with own_style():
        return _drawn(content)


def _drawn(content: Content) -> bytes:
    from matplotlib.figure import Figure

    gaps = content.diagnosis.gaps
    repeated = content.repeated if content.repeated and content.repeated.spreads else None
    steps = [f"{n}. {step.title}" for n, step in enumerate(content.verdict.steps[:SHOWN_STEPS], start=1)]
    has_curves = any(content.rates(name) or content.raw_values(name) for name in content.sets)
    heights = [
        TITLE_HEIGHT + STEP_HEIGHT * len(steps),
        *([figures.CURVES_HEIGHT] if has_curves else []),
        *([height_of(repeated)] if repeated else []),
        *([figures.ROW_HEIGHT * len(gaps) + figures.GAPS_MARGIN] if gaps else []),
    ]
    figure = Figure(figsize=(figures.WIDTH, sum(heights)), layout="constrained", facecolor=LIGHT["ground"])
    title, *rest = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False).ravel()
    title.set_axis_off()
    number = f", {len(content.repeated.repeats)} {content.repeated.design.over}" if content.repeated else ""
    words = "\n".join([f"{shortened(content.name, LINE)}{number}", *steps])
    title.text(0, 1, content.headline, va="top", weight="bold", color=LIGHT["text"])
    title.annotate(
        words,
        (0, 1),
        (0, BELOW_HEADLINE),
        textcoords="offset points",
        va="top",
        fontsize=figures.FONT_SIZE,
        color=LIGHT["muted"],
        parse_math=False,
    )
    if has_curves:
        (draw_losses if content.is_by_curve else figures.draw_curves)(rest.pop(0), content)
    if repeated:
        draw_repeats(rest.pop(0), repeated)
    if gaps:
        figures.draw_gaps(rest.pop(0), content.diagnosis)
    found = io.BytesIO()
    figure.savefig(found, format="png", dpi=DPI)
    return found.getvalue()
