"""The figure of a configuration's repeats: each error as a dot, beside the mean and its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.repeats import Repeated, mean_and_deviation
from bvtrack.report import figures
from bvtrack.report.palette import LIGHT, OF_SET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_HEIGHT, MARGIN = 0.72, 0.6
"""Inches."""
REACH = 0.26
"""Distance of the outermost dots from their row's middle, in rows."""
ROOM = 1.32
"""End of the scale as a multiple of the largest error: right of the dots stands the mean in words."""
ROOM_IF_NARROW = 1.6


def height_of(repeated: Repeated) -> float:
    """Height in inches."""
    return ROW_HEIGHT * len(repeated.spreads) + MARGIN


def draw_repeats(axes: Axes, repeated: Repeated) -> None:
    """A row for each set: a dot for each repeat, which has the same height in all rows, the mean, and its 95 % interval."""
    sets = list(repeated.spreads)
    end = max(max(*spread.values, repeated.intervals.get(name, (0, 0))[1]) for name, spread in repeated.spreads.items())
    for row, name in enumerate(sets):
        spread, colour = repeated.spreads[name], LIGHT[OF_SET[name]]
        if name in repeated.intervals:
            low, high = repeated.intervals[name]
            axes.barh(row, 100 * (high - low), 2.6 * REACH, left=100 * low, color=colour, alpha=figures.BAND)
        axes.plot([100 * spread.mean] * 2, [row - 1.3 * REACH, row + 1.3 * REACH], color=colour, linewidth=2)
        axes.plot(
            [100 * error for error in spread.values],
            [row + REACH * (2 * place / (spread.n - 1) - 1) for place in range(spread.n)],
            color=colour,
            linestyle="none",
            marker=figures.MARKERS[name],
            markersize=5,
            markeredgecolor=LIGHT["ground"],
            markeredgewidth=0.6,
        )
        right = 100 * max(*spread.values, repeated.intervals.get(name, (0, 0))[1])
        words = mean_and_deviation(spread.mean, spread.deviation)
        axes.annotate(words, (right, row), (8, 0), textcoords="offset points", va="center", color=LIGHT["text"])
    axes.set_yticks(range(len(sets)), [SET_NAMES[name] for name in sets])
    axes.set_ylim(len(sets) - 0.5, -0.5)
    axes.set_xlim(0, 100 * end * (ROOM_IF_NARROW if figures.is_narrow(axes) else ROOM) or 1)
    axes.set_xlabel(repeated.verdict.diagnosis.unit.axis, parse_math=False)
    figures.style(axes)
    axes.grid(visible=False, axis="y")


def repeats_caption(repeated: Repeated) -> str:
    """A description of the figure, for screen readers too."""
    means = "; ".join(
        f"{SET_NAMES[name]} {mean_and_deviation(spread.mean, spread.deviation)}" for name, spread in repeated.spreads.items()
    )
    sure = ", shaded its 95 % interval" if repeated.intervals else ""
    return f"The errors of each repeat, at one height in all rows; the line is their mean{sure}: {means}."
