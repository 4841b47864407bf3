"""The distributions, in each set, of the columns that differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.measures.percent import percent
from bvtrack.report.figures import FONT_SIZE, WIDTH, is_narrow, style
from bvtrack.report.palette import LIGHT, OF_SET
from bvtrack.splits.comparing.histograms import Histogram
from bvtrack.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS, NARROW_COLUMNS = 3, 2
ROW_HEIGHT = 1.75
DASHES = {"train": "-", "dev": "--", "test": ":"}
LONGEST, NARROW_LONGEST = 34, 24
"""Longest names, in characters, that fit over a panel."""
LONGEST_CLASS = 10


def shift_figure(histograms: Sequence[Histogram], width: float = WIDTH) -> Figure:
    """Small panels, one per column, with a line for each set; `width` in inches."""
    from matplotlib.figure import Figure

    n_columns = COLUMNS if width >= WIDTH else NARROW_COLUMNS
    n_rows = -(-len(histograms) // n_columns)
    figure = Figure(figsize=(width, ROW_HEIGHT * n_rows + 0.3), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for panel, histogram in zip(panels, histograms, strict=False):
        _draw(panel, histogram, LONGEST if width >= WIDTH else NARROW_LONGEST)
    for panel in panels[len(histograms) :]:
        panel.set_axis_off()
    handles, _ = panels[0].get_legend_handles_labels()
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=FONT_SIZE, handlelength=3
    )
    for text in legend.get_texts():
        text.set_color(LIGHT["text"])
    return figure


def _draw(axes: Axes, histogram: Histogram, longest: int) -> None:
    if histogram.classes:
        _draw_classes(axes, histogram)
    else:
        for name, shares in histogram.shares.items():
            values = [100 * share for share in shares]
            axes.stairs(values, histogram.edges, color=LIGHT[OF_SET[name]], linestyle=DASHES[name], label=SET_NAMES[name])
    title = _short(histogram.what, longest)
    if any(share > 0 for share in histogram.missing.values()):
        title += f"\nmissing: {', '.join(f'{SET_NAMES[name]} {percent(share)}' for name, share in histogram.missing.items())}"
    axes.set_title(title, fontsize=FONT_SIZE, color=LIGHT["text"], loc="left")
    axes.set_ylim(bottom=0)
    style(axes)
    axes.tick_params(labelsize=FONT_SIZE - 1 if is_narrow(axes) else FONT_SIZE - 2)
    axes.yaxis.set_major_formatter("{x:g} %")
    axes.locator_params(axis="y", nbins=3)


def _draw_classes(axes: Axes, histogram: Histogram) -> None:
    n_sets = len(histogram.shares)
    for index, (name, shares) in enumerate(histogram.shares.items()):
        places = [place + (index - (n_sets - 1) / 2) * 0.8 / n_sets for place in range(len(shares))]
        for place, share in zip(places, shares, strict=True):
            axes.plot([place] * 2, [0, 100 * share], color=LIGHT[OF_SET[name]], linewidth=3, linestyle=DASHES[name])
        axes.plot([], [], color=LIGHT[OF_SET[name]], linestyle=DASHES[name], label=SET_NAMES[name])
    axes.set_xticks(range(len(histogram.classes)), [_short(label, LONGEST_CLASS) for label in histogram.classes])
    if max(map(len, histogram.classes)) * len(histogram.classes) > LONGEST:
        axes.tick_params(axis="x", rotation=40)


def _short(text: str, longest: int) -> str:
    """`text` shortened to one line, with dollar signs escaped, which would begin a formula."""
    return shortened(text, longest).replace("$", r"\$")
