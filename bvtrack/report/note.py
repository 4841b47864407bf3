"""Render the verdict as Markdown, for a run's description."""

from __future__ import annotations

from collections.abc import Sequence

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES, in_numbers, sets_of
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.recipe import Step
from bvtrack.error_rates.gaps import Gap
from bvtrack.measures.percent import in_points, percent
from bvtrack.splits.finding import Finding, told_of
from bvtrack.text import printable

SHOWN_STEPS = 3
MOST_SPELT_OUT = 2
PADDING = 3 * "&emsp;"
EMPTY_ROW = ("&nbsp;", "", "", "")
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
    weights: Weights | None = None,
    stopped: str | None = None,
) -> str:
    """The whole description: headline, first steps, errors and gaps, the explanation, and the findings of the split.

    `unit` is that of `epoch`, `curve` the class of the curve, and `best_other` the experiment's best other run, to which the
    note links. Of the `weights` it says what there is to do to keep the right ones, and why the training was `stopped`.
    """
    parts = [headline(diagnosis, steps, curve)]
    if steps:
        parts.append("**Next**\n\n" + "\n".join(_numbered(steps[:SHOWN_STEPS])))
    if diagnosis.errors:
        parts += [_errors_line(epoch, unit, measure), _table(diagnosis)]
    parts.append(escape(reasons_of(diagnosis)))
    if stopped:
        parts.append(f"**Stopped** {escape(stopped.removeprefix('stopped '))}.")
    if weights is not None and (said := weights.in_words()):
        parts.append(f"**Weights** {escape(said)}")
    if best_other is not None and best_other.page:
        parts.append(f"Best other run: [{escape(printable(best_other.name))}]({best_other.page})")
    if findings:
        parts.append(
            "**Split**\n\n" + "\n".join(f"* {one.level}: {escape(one.message)}" for one in told_of(findings, diagnosis.unit))
        )
    return "\n\n".join(part for part in parts if part)


def escape(text: str) -> str:
    """Escape Markdown and HTML in `text`, and put it on one line."""
    plain = "".join(f"\\{character}" if character in "\\`*_[]#|<>!~" else character for character in text)
    entities = plain.replace("&", "&amp;").replace("://", ":&#47;&#47;").replace("www.", "www&#46;")  # else made links
    return " ".join(entities.split())


def reasons_of(diagnosis: Diagnosis) -> str:
    """The explanation without its numbers, which a table shows."""
    human_error = diagnosis.human_error if diagnosis.baseline == "given" else None
    numbers = in_numbers(diagnosis.errors, diagnosis.gaps, human_error, diagnosis.unit)
    return diagnosis.explanation.removeprefix(numbers).strip()


def _errors_line(epoch: int | None, unit: str, measure: str | None) -> str:
    when = f" at {unit} {epoch}" if epoch is not None else ""
    return f"**Errors**{when}{f' ({escape(measure)})' if measure else ''}"


def _table(diagnosis: Diagnosis) -> str:
    """The errors and the gaps; only error rates have numbers of examples."""
    unit = diagnosis.unit
    gaps = {sets_of(name, diagnosis.errors)[0]: _gap(name, diagnosis) for name in diagnosis.gaps}
    counts = {name: f"{n:,}" for name, n in diagnosis.counts.items()}
    rows = [
        (f"set{PADDING}", f"{escape(unit.column)}{PADDING}", f"examples{PADDING}", "gap to the row above"),
        ("---",) * 4,
        (*_floor(diagnosis), "", ""),
        *(
            (SET_NAMES[name], percent(error), counts.get(name, ""), gaps.get(name, ""))
            for name, error in diagnosis.errors.items()
        ),
        EMPTY_ROW,
    ]
    shown = [row if unit.is_error_rate else (*row[:2], row[3]) for row in rows]
    return "\n".join(_row(cells) for cells in shown)


def _floor(diagnosis: Diagnosis) -> tuple[str, str]:
    """The name of the baseline and its value."""
    if diagnosis.is_open("avoidable_bias"):
        return f"{escape(diagnosis.unit.floor)}, not known&emsp;", ""
    assumed = "" if diagnosis.baseline == "given" else ", assumed&emsp;"
    return f"{escape(diagnosis.unit.floor_in_short)}{assumed}", percent(diagnosis.human_error)


def _row(cells: Sequence[str]) -> str:
    return f"|{'|'.join(cells)}|" if set(cells) == {"---"} else f"| {' | '.join(cells)} |".replace("  ", " ")


def _gap(name: str, diagnosis: Diagnosis) -> str:
    if diagnosis.is_open(name):
        return f"{GAP_NAMES[name]} {diagnosis.width(name, '+')} points"
    return f"{GAP_NAMES[name]} {_points(diagnosis.gaps[name], is_named=name in diagnosis.named_gaps)}"


def _points(gap: Gap, *, is_named: bool) -> str:
    value = f"{in_points(gap.value, '+')} points"
    shown = f"**{value}**" if is_named else value
    if gap.low is None or gap.high is None:
        return shown
    return f"{shown} ({in_points(gap.low, '+')} to {in_points(gap.high, '+')})"


def _numbered(steps: Sequence[Step]) -> list[str]:
    return [f"{number}. **{step.title}.** {escape(step.why)}" for number, step in enumerate(steps, start=1)]
