"""The curves of a run whose values cannot be read as errors, in their own unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.report import figures
from bvtrack.report.palette import LIGHT, OF_SET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bvtrack.report.content import Content

FAR = 100.0
"""Values that differ by more than this factor are drawn on a logarithmic scale: a curve that blew up would hide all else."""


def draw_losses(axes: Axes, content: Content) -> None:
    """The values by epoch, and a line at the epoch with the best dev value."""
    from matplotlib.ticker import MaxNLocator

    curves = {name: values for name in content.sets if (values := content.raw_values(name))}
    for name, values in curves.items():
        colour = LIGHT[OF_SET[name]]
        axes.plot(list(values), list(values.values()), color=colour, marker=figures.MARKERS[name], markersize=3)
        end = (max(values), values[max(values)])
        axes.annotate(f" {SET_NAMES[name]} {end[1]:.4g}", end, va="center", color=colour)
    if content.verdict.epoch is not None and len(curves.get("dev", ())) > 1:
        axes.axvline(content.verdict.epoch, color=LIGHT["human"], linestyle=":", linewidth=1)
    every = [value for values in curves.values() for value in values.values()]
    if min(every) > 0 and max(every) > FAR * min(every):
        axes.set_yscale("log")
    axes.set_xlabel(content.unit)
    axes.set_ylabel((content.measure or "").partition(" (")[0], parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.02)
    figures.style(axes)


def losses_in_words(content: Content) -> str:
    """A description of the curves for screen readers."""
    curves = {name: content.raw_values(name) for name in content.sets}
    ends = [
        f"{SET_NAMES[name]} from {values[min(values)]:.4g} to {values[max(values)]:.4g}"
        for name, values in curves.items()
        if values
    ]
    best = content.verdict.epoch
    dotted = f"; dotted, the best {content.unit} by the dev set, {best}" if best is not None else ""
    return f"The values by {content.unit}, which cannot be read as errors: {', '.join(ends)}{dotted}."
