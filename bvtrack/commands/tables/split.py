"""Results of a check of splits in files, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bvtrack.commands.tables.layout import make_table, numbers, text, words
from bvtrack.measures.percent import percent
from bvtrack.report.words import DISTRIBUTIONS
from bvtrack.splits.comparing.comparison import Comparison
from bvtrack.splits.comparing.distribution_tag import LEAK, NOTHING_FOUND, would_have_been_seen
from bvtrack.splits.comparing.repeated import RepeatedRows
from bvtrack.splits.file_check import FilesCheck, columns_of
from bvtrack.splits.finding_codes import FindingCode
from bvtrack.splits.profiling.columns import MOST_CATEGORIES

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from bvtrack.splits.profiling.profile import SplitProfile

COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}
LEVEL_WIDTH = len("warning")
BETWEEN = 2
MOST_SHOWN = 10
MOST_ROWS = 3
"""Pairs of rows that repeat, of each finding."""
SMALLEST_P = 1e-4


def print_check(console: Console, check: FilesCheck) -> None:
    """Print the splits, the verdict in one line, the findings, and the largest differences."""
    for part in _parts(check, console.width):
        console.print(part)


def verdict_line(check: FilesCheck) -> str:
    """Distributions, leaks and sizes in a line: `Same distribution, no leak, sizes as advised`."""
    distribution = DISTRIBUTIONS[check.shift.tag_without_leak]
    leak = "leaks not looked for" if not check.leaks else "a leak" if check.shift.verdict.endswith(LEAK) else "no leak"
    return f"{distribution}, {leak}, {_sizes(check)}".capitalize()


def _sizes(check: FilesCheck) -> str:
    if not check.sizes.ok:
        return "sets too small"
    is_as_advised = all(finding.code == FindingCode.NO_TEST_SET for finding in check.sizes.findings)
    return "sizes as advised" if is_as_advised else "sizes that will do"


def _parts(check: FilesCheck, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    yield _splits(check)
    level = check.findings[0].level if check.findings else "note"
    yield Text(f"\n{verdict_line(check)}\n", style=f"bold {'green' if level == 'note' else COLOURS[level]}")
    if seen := _seen(check):
        yield Text(f"{_wrapped(seen, width)}\n", style="dim")
    if check.findings:
        yield _findings(check, width)
    significant = [one for one in check.shift.comparisons if one.is_significant]
    if significant:
        yield Text()
        yield _differences(sorted(significant, key=lambda one: one.effect / one.harmless, reverse=True))
    if (more := len(significant) - MOST_SHOWN) > 0:
        yield Text(f"and {more:,} more, which --json lists", style="dim")


def _seen(check: FilesCheck) -> str:
    """How large a difference would have been seen where none was found, unless a finding says it."""
    is_said = any(finding.code == FindingCode.UNCLEAR_DISTRIBUTION for finding in check.findings)
    seen = would_have_been_seen(check.shift.detectable)
    return f"{seen}." if seen and not is_said and check.shift.tag_without_leak in NOTHING_FOUND else ""


def _splits(check: FilesCheck) -> Table:
    knows = check.knows
    precision = [numbers(f"Precision at\n{knows.heading}", can_break=True)] if knows else []
    table = make_table(
        words("Split"),
        numbers("Examples"),
        numbers("Share"),
        *precision,
        numbers("Columns", can_break=True),
        numbers("Classes", can_break=True),
        words("Fingerprint"),
    )
    total = sum(check.shift.counts.values())
    for split, found in check.found.profiles.items():
        width = check.sizes.resolution.get(split)
        known = ["" if width is None else knows.told(width).replace("±", "± ")] if knows else []
        table.add_row(
            split,
            f"{found.n:,}",
            percent(found.n / total),
            *known,
            columns_of(found),
            _classes(found),
            found.digest,
        )
    return table


def _classes(found: SplitProfile) -> str:
    if found.labels is None:
        return "no labels" if found.label_numbers is None else "numbers"
    return f"> {MOST_CATEGORIES:,}" if found.labels.is_bucketed else f"{len(found.class_counts):,}"


def _findings(check: FilesCheck, width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, BETWEEN))
    left = max(1, width - LEVEL_WIDTH - BETWEEN)
    for finding in check.findings:
        level = Text(finding.level, style=COLOURS[finding.level])
        table.add_row(level, Text(_wrapped(finding.message, left)))
        for rows in (rows_in_words(one) for one in check.shift.repeated if one.code == finding.code and one.rows):
            table.add_row("", Text(_wrapped(rows, left), style="dim"))
    return table


def rows_in_words(found: RepeatedRows) -> str:
    """Some of the rows that repeat, in a line.

    >>> rows_in_words(RepeatedRows(("dev", "train"), "copy", "dev_repeats_train", 50, ((17, 5203),)))
    'dev row 17 = train row 5,203 and 49 more (rows from 0)'
    """
    pairs = found.in_words({}, MOST_ROWS)
    more = f" and {found.n - len(pairs):,} more" if found.n > len(pairs) else ""
    are_numbers = isinstance(found.rows[0][0], int)
    return f"{', '.join(pairs)}{more}{' (rows from 0)' if are_numbers else ''}"


def _wrapped(message: str, width: int) -> str:
    """Wrap a message so that no line begins with a % sign."""
    kept = message.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.wrap(kept[0].upper() + kept[1:], width, break_on_hyphens=False)
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def _differences(differences: list[Comparison]) -> Table:
    from rich.text import Text

    table = make_table(text("Largest differences"), words("Between"), words("Test"), numbers("Effect"), numbers("p"))
    for one in differences[:MOST_SHOWN]:
        p_value = f"< {SMALLEST_P:.4f}" if one.p_value < SMALLEST_P else f"{one.p_value:.4f}"
        table.add_row(Text(one.what), f"{one.earlier}, {one.later}", one.test, f"{one.effect:.3f}", p_value)
    return table
