"""Results in plain words, as `print` shows them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from bvtrack.curves.forecast import Forecast
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.explanation import SET_NAMES, points
from bvtrack.diagnosis.recipe import Step
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.display import in_words
from bvtrack.error_rates.gaps import Gap
from bvtrack.measures.percent import percent
from bvtrack.report.content import Content
from bvtrack.report.note import headline
from bvtrack.splits.comparing.distribution_tag import LEAK
from bvtrack.splits.comparing.shift import ShiftReport
from bvtrack.splits.file_check import FilesCheck
from bvtrack.splits.finding import told_of
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.sizes import SplitReport
from bvtrack.text import on_one_line, printable

WIDTH = 88
"""Characters a line, as code has them: most terminals and notebooks show as many."""
MOST_CLASSES = 10
DISTRIBUTIONS = {
    "same": "same distribution",
    "not_iid": "nearly the same distribution",
    "shifted": "different distributions",
    "no_shift_found": "no difference of distributions found",
}
"""The part of the tag `bvtrack.distribution` that speaks of distributions, in words."""


@in_words.register
def diagnosis_in_words(diagnosis: Diagnosis) -> str:
    """The verdict and its reasons. The next steps, which rest on more than that, are `recommend`'s, or the Tracker's."""
    return paragraphs([headline(diagnosis, ()), diagnosis.explanation])


@in_words.register
def verdict_in_words(verdict: Verdict) -> str:
    """The verdict, its reasons, and the steps in their order."""
    return paragraphs(_of_verdict(verdict))


@in_words.register
def report_in_words(content: Content) -> str:
    """The run, its verdict, what is found in its split, and its page."""
    verdict, address = content.verdict, content.address
    when = "" if verdict.epoch is None else f", at {content.unit} {verdict.epoch}"
    found = [str(finding) for finding in told_of(content.findings, verdict.diagnosis.unit)]
    place = f"Run {address.run_id}: {address.link or address.tracking_uri}" if address else ""
    return paragraphs([f"{content.name}{when}", *_of_verdict(verdict), *found, place])


@in_words.register
def step_in_words(step: Step) -> str:
    """The title and the reason."""
    return paragraphs([f"{step.title}. {step.why}"])


@in_words.register
def gap_in_words(gap: Gap) -> str:
    """The gap in percentage points, with its interval."""
    return points(gap)


@in_words.register
def forecast_in_words(forecast: Forecast) -> str:
    """The expected value and its interval, in the units of what was forecast."""
    helps = "" if forecast.improves is None else f"; more epochs help with a probability of {100 * forecast.improves:.0f} %"
    return f"{forecast.value:.3g} (80 % interval {forecast.low:.3g} to {forecast.high:.3g}){helps}"


@in_words.register
def sizes_in_words(report: SplitReport) -> str:
    """The sizes, their shares, what they know an error to, and the findings."""
    total = sum(report.counts.values())
    sizes = [
        [SET_NAMES.get(name, name), f"{n:,}", percent(n / total), _known_to(report, name)] for name, n in report.counts.items()
    ]
    widths = [max(map(len, column)) for column in zip(*sizes, strict=True)]
    table = [f"  {name:<{widths[0]}}  {n:>{widths[1]}}  {share:>{widths[2]}}{known}" for name, n, share, known in sizes]
    smallest = f"The smallest gap that it can see: {report.knows.smallest_gap.format(100 * report.smallest_gap)}."
    title = "The split is fine" if report.ok else "The split needs a look"
    return "\n".join([title, *table, paragraphs([smallest, *map(str, report.findings)])])


@in_words.register
def shift_in_words(report: ShiftReport) -> str:
    """The verdict, the numbers of examples, and the findings."""
    leak = ", and a leak" if report.verdict.endswith(LEAK) else ""
    verdict = f"{DISTRIBUTIONS[report.tag_without_leak]}{leak}".capitalize()
    read = ", ".join(f"{SET_NAMES.get(name, name)} {n:,}" for name, n in report.counts.items())
    return paragraphs([verdict, f"Examples read: {read}.", *map(str, report.findings)])


@in_words.register
def files_in_words(check: FilesCheck) -> str:
    """How the files were read, their distributions, and their sizes."""
    return "\n".join([*([paragraphs(map(str, check.of_files))] if check.of_files else []), str(check.shift), str(check.sizes)])


@in_words.register
def profile_in_words(profile: SplitProfile) -> str:
    """The size, the columns, the classes, and the fingerprint."""
    counts = sorted(profile.class_counts.items(), key=lambda item: -item[1])
    shown = [f"{name}: {n:,}" for name, n in counts[:MOST_CLASSES]]
    more = [f"{len(counts) - MOST_CLASSES:,} more"] if len(counts) > MOST_CLASSES else []
    classes = f"{len(counts):,} classes: {', '.join([*shown, *more])}." if counts else ""
    columns = ", ".join(
        f"{part.name} ({part.kind}{f' {list(part.shape)}' if part.shape else ''})"
        for part in profile.layout.parts[:MOST_CLASSES]
    )
    others = f" and {n_more:,} more" if (n_more := len(profile.layout.parts) - MOST_CLASSES) > 0 else ""
    return paragraphs(
        [f"{profile.name}: {profile.n:,} examples", f"Columns: {columns}{others}.", classes, f"Fingerprint {profile.digest}."]
    )


def _of_verdict(verdict: Verdict) -> Iterator[str]:
    yield headline(verdict.diagnosis, verdict.steps, verdict.curve)
    yield verdict.diagnosis.explanation
    yield from _numbered(verdict.steps)


def _numbered(steps: Sequence[Step]) -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        yield f"{number}. {step.title}. {step.why}"


def _known_to(report: SplitReport, name: str) -> str:
    width = report.resolution.get(name)
    return "" if width is None else f"  measures {report.knows.of} to {report.knows.told(width)}"


def paragraphs(parts: Iterable[str]) -> str:
    """Each part as a paragraph of lines, those that are empty left out."""
    plain = [printable(on_one_line(part)) for part in parts]
    return "\n".join(textwrap.fill(part, WIDTH, break_long_words=False, break_on_hyphens=False) for part in plain if part)
