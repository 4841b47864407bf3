"""A run's report as Markdown: the run's note, and the rest of the page's text."""

from __future__ import annotations

from collections.abc import Iterator

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.measures.percent import percent
from bvtrack.report.content import Content
from bvtrack.report.forecasts import more_data_rows
from bvtrack.report.note import escape, render_note
from bvtrack.report.repeats import repeats_in_words
from bvtrack.report.repeats_markdown import of_configuration, repeats_markdown


def render_markdown(content: Content) -> str:
    """The report in the Markdown of GitHub, GitLab and MLflow."""
    return "\n\n".join(_parts(content)) + "\n"


def _parts(content: Content) -> Iterator[str]:
    verdict = content.verdict
    yield f"# {escape(content.name)}"
    yield render_note(
        verdict.without_split,  # the first step and the findings tell of it
        verdict.steps,
        epoch=verdict.epoch,
        unit=content.unit,
        curve=verdict.curve,
        measure=content.measure,
        findings=content.findings,
        weights=content.weights,
        stopped=content.stopped,
    )
    if len(verdict.steps) > 1:
        yield "**All steps**\n\n" + "\n".join(f"{n}. {escape(step.title)}" for n, step in enumerate(verdict.steps, start=1))
    if (longer := content.longer) is not None and content.is_longer_better:
        band = f"{percent(longer.low)} to {percent(longer.high)}"
        unit = verdict.diagnosis.unit
        value, what = unit.amount(longer.value), unit.error_of("dev")
        yield f"As many {content.unit}s again should bring the best {escape(what)} to {value} ({band})."
    if content.more_data:
        cells = [f"| {' | '.join(row)} |" for row in more_data_rows(content)]
        head = f"| with{content.more_data_how} | {_head(content)} | 80 % band |"
        yield "\n".join([head, "|---|---|---|", *cells])
    if content.sets:
        yield "\n".join(_epochs(content))
    if content.repeated is not None:
        yield from repeats_markdown(repeats_in_words(content, content.repeated))
    if content.configuration is not None:
        yield of_configuration(content.configuration)
    if (address := content.address) is not None:
        yield f"Run `{address.run_id}`" + (f": {address.link}" if address.link else "")


def _head(content: Content) -> str:
    unit = content.diagnosis.unit
    return "dev error" if unit.is_error_rate else f"dev: {escape(unit.column)}"


def _epochs(content: Content) -> Iterator[str]:
    sets = content.sets
    if not content.diagnosis.unit.is_error_rate and not content.is_by_curve:
        yield f"{escape(content.diagnosis.unit.axis.capitalize())}:\n"
    yield f"| {content.unit} | {' | '.join(SET_NAMES[name] for name in sets)} |"
    yield "|---" * (len(sets) + 1) + "|"
    for entry in content.listed:
        yield f"| {entry.epoch} | {' | '.join(content.cell(entry, name) for name in sets)} |"
