"""The figures of a report: error curves, gaps, and the forecast for more data."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES, sets_of
from bvtrack.measures.percent import percent
from bvtrack.report.palette import LIGHT, OF_GAP, OF_SET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bvtrack.curves.forecast import Forecast
    from bvtrack.diagnosis.diagnosis import Diagnosis
    from bvtrack.error_rates.intervals import Rate
    from bvtrack.report.content import Content

WIDTH = 7.6
"""Inches (72 points): about as wide as a column of text."""
NARROW = 4.2
"""Inches, for a phone: on 350 pixels the text is 10 pixels high."""
CURVES_HEIGHT, BANDS_HEIGHT = 3.7, 2.4
ROW_HEIGHT, GAPS_MARGIN = 0.42, 0.75
FONT_SIZE = 9
MARKERS = {"train": "o", "train_dev": "D", "dev": "s", "test": "^"}
"""So that curves can be told apart without colours."""
MOST_MARKERS = 12
BAND, GAP_TINT = 0.2, 0.1
APART = 0.12
"""Distance between the errors of a single epoch, which stand side by side, in epochs."""
ROOM_FOR_WORDS = 0.25
HIGHEST = 3.0
"""Top of the scale in multiples of the judged errors: the much larger ones of the first epochs would flatten them."""
SMALLEST_NAMED = 0.06
"""Smallest gap, as a share of the height, with room for its name; the bars name all."""
LINE = 32
"""Longest line of a label beside the lower figure, in characters: what is longer is cut off."""
WIDE_LINE, NARROW_LINE = 84, 44
"""Longest line of a label below a figure, in characters."""
NARROW_NAME = 16
"""Longest line of a gap's name in a narrow figure, in characters."""
LABEL_DISTANCE = 0.06
"""Smallest distance between labels, as a share of the height: nearer ones overlap."""


def new_figure(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """An empty figure, `height` and `width` in inches, without pyplot, whose state is the user's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def is_narrow(axes: Axes) -> bool:
    """True in a figure for a phone."""
    figure = axes.get_figure()
    return figure is not None and figure.bbox.width < WIDTH * figure.dpi - 1


def draw_curves(axes: Axes, content: Content) -> None:
    """The errors by epoch with their 95 % intervals, the gaps between them, and the forecast for as many epochs again."""
    from matplotlib.ticker import MaxNLocator

    curves = {name: rates for name in content.sets if (rates := content.rates(name))}
    first, last = min(min(rates) for rates in curves.values()), max(max(rates) for rates in curves.values())
    top = _top(content, curves)
    for name, rates in curves.items():
        _draw_curve(axes, name, rates, beside=_beside(name, curves) if first == last else 0.0)
    labels = {name: (rates[max(rates)].error, OF_SET[name], SET_NAMES[name]) for name, rates in curves.items()}
    if content.diagnosis.baseline == "given":
        axes.axhline(100 * content.diagnosis.human_error, color=LIGHT["human"], linestyle="-.", linewidth=1)
        labels["human"] = (content.diagnosis.human_error, "human", content.floor)
    end: float = last
    if content.longer is not None and "dev" in curves:
        end = _draw_longer(axes, curves["dev"], content.longer)
        labels["longer"] = (content.longer.value, "dev", "forecast" if is_narrow(axes) else "best dev, forecast")
    _shade_gaps(axes, content, curves, top, middle=(first + end) / 2 if is_narrow(axes) else last / 2)
    axes.set_ylim(0, 100 * top)
    margin = 0.02 * (end - first) or 0.5
    axes.set_xlim(first - margin, end + margin)
    axes.set_xlabel(content.unit)
    axes.set_ylabel(content.diagnosis.unit.axis, parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if first == last:
        axes.set_xticks([first])
    _label_ends(axes, labels, top)
    style(axes)


def draw_gaps(axes: Axes, diagnosis: Diagnosis) -> None:
    """Each gap as a bar with its 95 % interval and a mark at its threshold, all on one scale."""
    gaps, named = diagnosis.gaps, diagnosis.named_gaps
    shown = list(gaps)
    marks = {name: gap.threshold for name, gap in gaps.items() if not diagnosis.is_open(name)}
    ends = [end for gap in gaps.values() for end in (gap.value, gap.low, gap.high) if end is not None]
    widest = max(abs(end) for end in (*ends, *marks.values()))
    for row, name in enumerate(shown):
        gap, colour = gaps[name], LIGHT[OF_GAP[name]]
        axes.barh(row, 100 * gap.value, 0.5, color=colour, alpha=0.9 if name in named else 0.45)
        right = max(gap.value, 0.0)
        if gap.low is not None and gap.high is not None:
            right = max(gap.high, 0.0)
            axes.plot([100 * gap.low, 100 * gap.high], [row, row], color=LIGHT["text"], linewidth=1.2, marker="|", markersize=7)
        if name in marks:
            axes.plot([100 * marks[name]] * 2, [row - 0.38, row + 0.38], color=LIGHT["text"], linewidth=1.2, linestyle=":")
        words = f"{diagnosis.width(name, '+')}{' (named)' if name in named else ''}"
        is_in_the_way = right <= gap.threshold <= right + widest * ROOM_FOR_WORDS  # the mark, of the words
        place = marks[name] if name in marks and is_in_the_way else right
        axes.annotate(words, (100 * place, row), (6, 0), textcoords="offset points", va="center", color=LIGHT["text"])
    axes.axvline(0, color=LIGHT["muted"], linewidth=0.8)
    axes.set_yticks(range(len(shown)), [GAP_NAMES[name] for name in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.margins(x=0.3 if is_narrow(axes) else 0.16)
    label = f"percentage points{diagnosis.unit.of}; dotted: from here on a gap is named, unless it may be chance"
    axes.set_xlabel(textwrap.fill(label, NARROW_LINE if is_narrow(axes) else WIDE_LINE))
    style(axes)
    axes.grid(visible=False, axis="y")


def draw_more_data(axes: Axes, content: Content) -> None:
    """The dev error with two, four and eight times the training data, and the 80 % band around it."""
    forecasts = content.more_data
    dev = content.diagnosis.errors["dev"]
    times = [1, *forecasts]
    _draw_band(axes, times, [dev, *(one.low for one in forecasts.values())], [dev, *(one.high for one in forecasts.values())])
    values = [dev, *(one.value for one in forecasts.values())]
    axes.plot(times, [100 * value for value in values], color=LIGHT["dev"], linestyle="--", marker=MARKERS["dev"], markersize=5)
    for x, value in zip(times, values, strict=True):
        axes.annotate(percent(value), (x, 100 * value), (0, 7), textcoords="offset points", ha="center", color=LIGHT["text"])
    if content.diagnosis.baseline == "given":
        human = 100 * content.diagnosis.human_error
        axes.axhline(human, color=LIGHT["human"], linestyle="-.", linewidth=1)
        axes.annotate(content.floor, (1, human), (0, 4), textcoords="offset points", color=LIGHT["human"])
    between = "\n" if is_narrow(axes) else " "
    axes.set_xscale("log", base=2)
    axes.set_xticks(times, ["now" if x == 1 else f"{x} times{between}the data" for x in times])
    axes.margins(x=0.1)
    axes.set_ylim(0, 100 * max(dev, *(one.high for one in forecasts.values())) * 1.25)
    unit = content.diagnosis.unit
    label = "dev error, %" if unit.is_error_rate else textwrap.fill(f"dev: {unit.axis}", LINE)
    axes.set_ylabel(label, parse_math=False)
    style(axes)


def style(axes: Axes) -> None:
    """Quiet axes: no frame, a light grid, text in the report's colours."""
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color=LIGHT["line"])
    axes.grid(visible=True, color=LIGHT["line"], linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=LIGHT["muted"], labelcolor=LIGHT["text"], labelsize=FONT_SIZE, length=0)
    for text in (*axes.texts, axes.xaxis.label, axes.yaxis.label):
        text.set_fontsize(FONT_SIZE)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(LIGHT["muted"])


def _top(content: Content, curves: Mapping[str, Mapping[int, Rate]]) -> float:
    """The top of the scale: above all errors, or above three times those of the judged and the last epoch, and above the
    intervals of these.
    """
    errors = [rate.error for rates in curves.values() for rate in rates.values()]
    judged = content.verdict.epoch
    spoken_of = [rate for rates in curves.values() for epoch, rate in rates.items() if epoch in (judged, max(rates))]
    highest = min(max(errors), HIGHEST * max(rate.error for rate in spoken_of))
    ends = [rate.interval()[1] for rate in spoken_of if rate.has_interval]
    return max(1.1 * highest, 1.05 * max(ends, default=0.0), 1.3 * content.diagnosis.human_error, 0.005)


def _beside(name: str, curves: Mapping[str, object]) -> float:
    """The offset of a set's error from the middle, for a single epoch."""
    return APART * (list(curves).index(name) - (len(curves) - 1) / 2)


def _draw_curve(axes: Axes, name: str, rates: Mapping[int, Rate], beside: float) -> None:
    colour, epochs = LIGHT[OF_SET[name]], [epoch + beside for epoch in rates]
    sure = {epoch + beside: rate.interval() for epoch, rate in rates.items() if rate.has_interval}
    if len(sure) > 1:
        _draw_band(axes, list(sure), [low for low, _ in sure.values()], [high for _, high in sure.values()], colour)
    elif sure:
        ((epoch, ends),) = sure.items()
        axes.plot([epoch] * 2, [100 * end for end in ends], color=colour, marker="_")
    axes.plot(
        epochs,
        [100 * rate.error for rate in rates.values()],
        color=colour,
        linewidth=1.6,
        marker=MARKERS[name],
        markersize=4.5,
        markevery=max(1, math.ceil(len(epochs) / MOST_MARKERS)),
    )


def _draw_band(axes: Axes, x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str = LIGHT["dev"]) -> None:
    axes.fill_between(x, [100 * end for end in low], [100 * end for end in high], color=colour, alpha=BAND, linewidth=0)


def _draw_longer(axes: Axes, dev: Mapping[int, Rate], forecast: Forecast) -> float:
    """Draw the forecast of the best dev error, from the best so far; the epoch at which it ends."""
    first, last, best = min(dev), max(dev), min(rate.error for rate in dev.values())
    step = (last - first) / max(len(dev) - 1, 1)
    end = last + (last - first) + step
    _draw_band(axes, [last, end], [best, forecast.low], [best, forecast.high])
    axes.plot([last, end], [100 * best, 100 * forecast.value], color=LIGHT["dev"], linestyle="--", linewidth=1.4)
    axes.axvline(last, color=LIGHT["muted"], linewidth=0.8, linestyle=":")
    return end


def _shade_gaps(axes: Axes, content: Content, curves: Mapping[str, Mapping[int, Rate]], top: float, *, middle: float) -> None:
    """Tint each gap between its two curves, and mark and name it at the judged epoch; past the `middle`, on its left."""
    errors, judged = content.diagnosis.errors, content.verdict.epoch
    for name, gap in content.diagnosis.gaps.items():
        later, earlier = sets_of(name, errors)
        below = None if earlier == "human" else curves.get(earlier, {})
        common = [epoch for epoch in curves.get(later, {}) if below is None or epoch in below]
        if not common or gap.value <= 0:
            continue
        highs = [100 * curves[later][epoch].error for epoch in common]
        lows = [100 * (content.diagnosis.human_error if below is None else below[epoch].error) for epoch in common]
        colour = LIGHT[OF_GAP[name]]
        wider = [high > low for high, low in zip(highs, lows, strict=True)]
        axes.fill_between(common, lows, highs, where=wider, color=colour, alpha=GAP_TINT, linewidth=0)
        if judged in common and gap.value > SMALLEST_NAMED * top and len(common) > 1:
            at = common.index(judged)
            axes.plot([judged] * 2, [lows[at], highs[at]], color=colour, linewidth=1.2, marker="_", markersize=7)
            words = f"{GAP_NAMES[name]} {content.diagnosis.width(name, '+')}"
            words = textwrap.fill(words, NARROW_NAME) if is_narrow(axes) else words
            _write_beside(axes, judged, (lows[at] + highs[at]) / 2, words, colour, is_left=judged > middle)


def _write_beside(axes: Axes, x: float, y: float, words: str, colour: str, *, is_left: bool) -> None:
    axes.annotate(
        words,
        (x, y),
        (-6 if is_left else 6, 0),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="center",
        color=colour,
        fontweight="bold",
        bbox={"facecolor": LIGHT["ground"], "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def _label_ends(axes: Axes, labels: Mapping[str, tuple[float, str, str]], top: float) -> None:
    """Name the curves at their right ends, far enough apart to be read; a label is an error, a colour's role, and words."""
    ends = sorted(labels.values(), key=lambda label: label[0])
    heights = spread([min(error / top, 1.0) for error, _, _ in ends], LABEL_DISTANCE)
    for (error, role, words), height in zip(ends, heights, strict=True):
        text = f" {words} {percent(error)}"
        axes.annotate(text, (1.0, height), xycoords="axes fraction", va="center", color=LIGHT[role])


def spread(heights: Iterable[float], distance: float) -> list[float]:
    """Heights in ascending order, pushed up where one is nearer to the one below than `distance`.

    >>> spread([0.1, 0.11, 0.5], 0.1)
    [0.1, 0.2, 0.5]
    """
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + distance) if found else height)
    return found
