"""Render the verdict as Markdown, for a run's description."""

from __future__ import annotations

from collections.abc import Sequence

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES, in_numbers, in_points, percent, sets_of
from bvtrack.diagnosis.recipe import Step
from bvtrack.error_rates.gaps import Gap
from bvtrack.splits.finding import Finding
from bvtrack.text import printable

SHOWN_STEPS = 3
MOST_SPELT_OUT = 2
PADDING = 3 * "&emsp;"
EMPTY_ROW = "| &nbsp; | | | |"
"""Spacing of the table: MLflow's UI gives it no padding and no bottom margin."""
SHORT_NAMES = {"high_bias": "bias", "high_variance": "variance", "data_mismatch": "mismatch", "dev_overfit": "dev overfit"}
"""Short names with which a headline of all four problems and the certainty has 50 characters."""


def headline(diagnosis: Diagnosis, steps: Sequence[Step], curve: str | None = None) -> str:
    """The verdict in plain words; its first 50 characters, which the runs table shows, carry it alone. Where there are no
    errors, the class of the `curve` is all there is to say.

    >>> from bvtrack import diagnose, recommend
    >>> verdict = diagnose(train_error=0.01, dev_error=0.11)
    >>> headline(verdict, recommend(verdict))
    'High variance (likely): get more training data'
    """
    short = len(diagnosis.problems) > MOST_SPELT_OUT
    parts = [SHORT_NAMES[problem] for problem in diagnosis.problems] if short else diagnosis.tag.split("+")
    words = " + ".join(parts).replace("_", " ").capitalize()
    advice = f": {steps[0].title[0].lower()}{steps[0].title[1:]}" if steps else ""
    if curve is not None and diagnosis.tag == "undetermined" and not diagnosis.errors:
        return f"{curve.replace('_', ' ').capitalize()} by its curve{advice}"
    return f"{words} ({diagnosis.certainty}){advice}"


def render_note(
    diagnosis: Diagnosis,
    steps: Sequence[Step],
    *,
    epoch: int | None = None,
    unit: str = "epoch",
    curve: str | None = None,
    measure: str | None = None,
    findings: Sequence[Finding] = (),
    best_other: OtherRun | None = None,
) -> str:
    """The whole description: headline, first steps, errors and gaps, the explanation, and the findings of the split.

    `unit` is that of `epoch`, `curve` the class of the curve, and `best_other` the experiment's best other run, to which the
    note links.
    """
    parts = [headline(diagnosis, steps, curve)]
    if steps:
        parts.append("**Next**\n\n" + "\n".join(_numbered(steps[:SHOWN_STEPS])))
    if diagnosis.errors:
        parts += [_errors_line(epoch, unit, measure), _errors_table(diagnosis)]
    parts.append(_reasons(diagnosis))
    if best_other is not None and best_other.page:
        parts.append(f"Best other run: [{escape(printable(best_other.name))}]({best_other.page})")
    if findings:
        parts.append("**Split**\n\n" + "\n".join(f"* {finding.level}: {escape(finding.message)}" for finding in findings))
    return "\n\n".join(part for part in parts if part)


def escape(text: str) -> str:
    """Escape Markdown and HTML in `text`, and put it on one line."""
    plain = "".join(f"\\{character}" if character in "\\`*_[]#|<>!~" else character for character in text)
    entities = plain.replace("&", "&amp;").replace("://", ":&#47;&#47;").replace("www.", "www&#46;")  # else made links
    return " ".join(entities.split())


def _reasons(diagnosis: Diagnosis) -> str:
    """The explanation without its numbers, which are in the table."""
    human_error = diagnosis.human_error if diagnosis.baseline == "given" else None
    return escape(diagnosis.explanation.removeprefix(in_numbers(diagnosis.errors, diagnosis.gaps, human_error)))


def _errors_line(epoch: int | None, unit: str, measure: str | None) -> str:
    when = f" at {unit} {epoch}" if epoch is not None else ""
    return f"**Errors**{when}{f' ({escape(measure)})' if measure else ''}"


def _errors_table(diagnosis: Diagnosis) -> str:
    assumed = "" if diagnosis.baseline == "given" else ", assumed&emsp;"
    rows = [
        f"| set{PADDING} | error{PADDING} | examples{PADDING} | gap to the row above |",
        "|---|---|---|---|",
        f"| human{assumed} | {percent(diagnosis.human_error)} | | |",
    ]
    named = diagnosis.named_gaps
    gaps = {
        sets_of(name, diagnosis.errors)[0]: f"{GAP_NAMES[name]} {_points(gap, is_named=name in named)}"
        for name, gap in diagnosis.gaps.items()
    }
    for name, error in diagnosis.errors.items():
        count = f"{diagnosis.counts[name]:,}" if name in diagnosis.counts else ""
        rows.append(f"| {SET_NAMES[name]} | {percent(error)} | {count} | {gaps.get(name, '')} |")
    return "\n".join([*rows, EMPTY_ROW])


def _points(gap: Gap, *, is_named: bool) -> str:
    value = f"{in_points(gap.value, '+')} points"
    shown = f"**{value}**" if is_named else value
    if gap.low is None or gap.high is None:
        return shown
    return f"{shown} ({in_points(gap.low, '+')} to {in_points(gap.high, '+')})"


def _numbered(steps: Sequence[Step]) -> list[str]:
    return [f"{number}. **{step.title}.** {escape(step.why)}" for number, step in enumerate(steps, start=1)]
