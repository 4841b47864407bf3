"""The repeats of a configuration as Markdown, and the note on its run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bvtrack.diagnosis.repeats import Repeated
from bvtrack.report.content import OfConfiguration
from bvtrack.report.note import escape, render_note
from bvtrack.report.repeats import RepeatRow, RepeatsInWords, SpreadRow, failed_in_words, spread_rows, what_spread_tells


def repeats_markdown(words: RepeatsInWords) -> Iterator[str]:
    """The means, what their spread tells, and a row for each repeat."""
    if words.spreads:
        yield _means(words.spreads)
        yield escape(" ".join(part for part in (words.tells, words.failed) if part))
    yield _table(["repeat", *words.labels, *words.sets, "by itself"], 1, [_cells(row) for row in words.rows])


def note_of_repeats(repeated: Repeated, measure: str | None, run_id: str) -> str:
    """The note on a configuration's run: its verdict, the means with their spread, and how to get the report."""
    verdict = repeated.verdict
    parts = [
        render_note(verdict.without_split, verdict.steps, curve=verdict.curve, measure=measure),
        _means(list(spread_rows(repeated))) if repeated.spreads else "",
        escape(" ".join(part for part in (what_spread_tells(repeated), failed_in_words(repeated)) if part)),
        f"Each of the repeats in a report: `bvtrack report {run_id} --log`",
    ]
    return "\n\n".join(part for part in parts if part)


def _means(rows: Sequence[SpreadRow]) -> str:
    return _table(["set", "mean ± deviation", "95 % interval of the mean", "lowest", "highest"], 1, [list(row) for row in rows])


def of_configuration(configuration: OfConfiguration) -> str:
    """The line on the page of a repeat."""
    address = configuration.address
    return f"{escape(str(configuration))} {f'[Its run]({address.link})' if address.link else f'Its run is `{address.run_id}`.'}"


def _cells(row: RepeatRow) -> list[str]:
    name = f"[{escape(row.name)}]({row.link})" if row.link else f"{escape(row.name)} (`{row.run_id}`)"
    return [name, *(escape(cell) for cell in (*row.labels, *row.errors, row.diagnosis))]


def _table(head: Sequence[str], n_left: int, rows: Sequence[Sequence[str]]) -> str:
    marks = ["---"] * n_left + ["---:"] * (len(head) - n_left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))
