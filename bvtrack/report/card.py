"""Notebook cards (HTML) of a diagnosis and of a split check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.recipe import Step, recommend
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.display import render
from bvtrack.extras import FIGURES
from bvtrack.report.figures import NARROW
from bvtrack.report.note import headline
from bvtrack.report.page import gap_rows, size_rows
from bvtrack.report.page_figures import drawn_gaps
from bvtrack.report.palette import DARK, LIGHT, css
from bvtrack.report.svg import own_style
from bvtrack.report.template import template
from bvtrack.splits.resolution import told
from bvtrack.splits.sizes import SplitReport

if TYPE_CHECKING:
    from markupsafe import Markup


class Item(NamedTuple):
    """A list item: its bold title, and the rest."""

    title: str
    words: str


@render.register
def diagnosis_card(diagnosis: Diagnosis) -> str:
    """The verdict, the gaps as bars (without Matplotlib as a table), and the steps of the course's recipe."""
    return _card_of(diagnosis, recommend(diagnosis))


@render.register
def verdict_card(verdict: Verdict) -> str:
    """The same with the steps that rest on all that is known of the run."""
    return _card_of(verdict.diagnosis, verdict.steps)


def _card_of(diagnosis: Diagnosis, steps: Sequence[Step]) -> str:
    is_drawn = FIGURES.is_installed
    return _card(
        title=headline(diagnosis, steps),
        words=diagnosis.explanation,
        figure=_bars(diagnosis) if is_drawn else "",
        head=("gap", "is", "points", "95 % interval"),
        rows=[] if is_drawn else [row[:4] for row in gap_rows(diagnosis, diagnosis.unit.floor_in_short)],
        items=[Item(f"{step.title}.", step.why) for step in steps],
        is_ranked=True,
    )


def _bars(diagnosis: Diagnosis) -> Markup | str:
    if not diagnosis.gaps:
        return ""
    with own_style():
        return drawn_gaps(diagnosis, "card-gaps", NARROW)


@render.register
def split_card(report: SplitReport) -> str:
    """The sizes, their resolution, and the findings."""
    return _card(
        title="The split is fine" if report.ok else "The split needs a look",
        words=f"The smallest gap that it can see: {report.knows.smallest_gap.format(100 * report.smallest_gap)}.",
        head=("set", "examples", "share", f"precision at {report.knows.heading}"),
        rows=list(size_rows(report.counts, told(report.resolution, report.knows))),
        items=[Item(finding.level, finding.message) for finding in report.findings],
    )


def _card(
    *,
    title: str,
    words: str,
    figure: Markup | str = "",
    head: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    items: Sequence[Item] = (),
    is_ranked: bool = False,
) -> str:
    colours = {"light": css(LIGHT), "dark": css(DARK)}
    return template("card.html.jinja").render(
        title=title, words=words, figure=figure, head=head, rows=rows, items=items, list="ol" if is_ranked else "ul", **colours
    )
