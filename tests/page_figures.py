"""The measured figures in the documentation, and what stands for each: the command that makes it and the day it was made.

For whoever writes a page. A section, from one heading to the next, that holds measured figures has a line

    Measured 2026-11-30 by `make rules` …

whose command is a target of the Makefile or names scripts of the repository. Figures are found by their units (%, points, ms,
MB …) in `FIGURE_PAGES`, and on all other pages by cells of tables that hold a number and nothing else, but in the first column,
or if it has one digit and no unit. What needs no such line:

* a definition, in a table with a column "constant" (or "constants") that names the constant of the code, which must have the
  value in that row; what is said below or above the table may repeat its figures;
* a quotation, in a line with a link to the section that the figures are from;
* a table that a script makes and a test compares, between `<!-- made by … -->` and `<!-- end -->`;
* a version, in a column that is headed by a word of `VERSIONS`;
* what is in `NOT_MEASURED`, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

from pages import END, LINK, ROOT, TARGETS, sections_in, without_code

DOCS = ROOT / "docs"
FIGURE_PAGES = ("trust/*.md", "operate/cost.md")
"""Pages that are made of figures: there those in sentences count, too."""
NOT_MEASURED: Mapping[tuple[str, str], str] = {
    ("trust/index.md", "Examples"): "errors that somebody may have; a test asks for the verdict in each row",
    ("trust/splits.md", "How two sets are tested"): "limits that were chosen, in `bvtrack/splits/comparing`",
}
"""Sections, by page and heading, whose figures are none that were measured, and why."""
MODULES = (
    "bvtrack.adapters.options",
    "bvtrack.curves.curve",
    "bvtrack.curves.outline",
    "bvtrack.diagnosis.evidence",
    "bvtrack.diagnosis.expected_gains",
    "bvtrack.diagnosis.leads",
    "bvtrack.error_rates.gaps",
    "bvtrack.shipping.report_writer",
    "bvtrack.shipping.unfinished",
    "bvtrack.splits.comparing.comparison",
    "bvtrack.splits.comparing.joint_tests",
    "bvtrack.splits.comparing.shift",
    "bvtrack.splits.comparing.two_sample",
)
"""Where the constants are that pages name."""
IN_WORDS: Mapping[str, float] = {"a third": 1 / 3, "never": 2.0}
"""Values of constants that a page puts in words: no difference of two fractions reaches 2."""

VERSIONS = ("lowest", "newest", "version", "versions")

UNIT = r"(?:%|points?|ms|µs|s|seconds|minutes|KB|MB|GB|times|core-hours)"
SPREAD = r"\d[\d,.]*(?: ?(?:to|±|[/·]) ?-?\d[\d,.]*)*(?: \(-?\d[^)]*\))?"
FIGURE = re.compile(rf"(?<![\w.,-])-?({SPREAD}) ?({UNIT})(?!\w)")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
LEVEL = re.compile(r"\b(?:95|80) %(?= (?:interval|band))")
"""A level of confidence: chosen, not measured."""
BARE = re.compile(rf"[*+-]*\d[\d\s.,;:()*+±/·-]*(?:(?:to|of|{UNIT})[\d\s.,;:()*+±/·-]*)*")
MEASURED = re.compile(r"^Measured (\S+) by `([^`]+)`(.*)$", re.MULTILINE)
SCRIPT = re.compile(r"\b(?:tests|examples)/[\w/]+\.py\b")


@dataclass(frozen=True)
class Section:
    """What stands under one heading of a page, without its blocks of code and without tables that are made by a script."""

    page: str
    title: str
    anchor: str
    text: str
    is_of_figures: bool

    @property
    def lines(self) -> Sequence[str]:
        return [line for line in _without_versions(self.text.splitlines()) if not MEASURED.match(line)]

    @property
    def measured(self) -> Sequence[re.Match[str]]:
        return list(MEASURED.finditer(self.text))

    @property
    def definitions(self) -> Sequence[str]:
        """The rows of its tables with a column of constants."""
        rows: list[str] = []
        is_in = False
        for line in self.lines:
            is_in = line.startswith("|") and (is_in or bool(re.search(r"\| constants? \|$", line)))
            rows += [line] if is_in else []
        return rows


def sections_of(path: Path) -> Iterator[Section]:
    page = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else path.name
    yield from read_sections(page, path.read_text(encoding="utf-8"))


def read_sections(page: str, text: str) -> Iterator[Section]:
    is_of_figures = any(Path(page).match(pattern) for pattern in FIGURE_PAGES)
    by_hand = re.sub(rf"<!-- made by .*?{END}", "", without_code(text), flags=re.DOTALL)
    for found in sections_in(by_hand):
        yield Section(page, *found, is_of_figures)


def pages() -> Sequence[Path]:
    return sorted(DOCS.rglob("*.md"))


def figures_in(line: str) -> Sequence[str]:
    """The figures with a unit in a line of text, as they stand there."""
    plain = LEVEL.sub("", re.sub(r"`[^`]*`", "", line)).replace("**", "")
    return [match[0] for match in FIGURE.finditer(plain)]


def bare_cells(line: str) -> Sequence[str]:
    """The cells of a table's row that hold a number, with its unit and spread, and nothing else."""
    _, *cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else [""]
    return [cell for cell in cells if BARE.fullmatch(cell) and not re.fullmatch(r"\d", cell)]


def faults_of(section: Section) -> Iterator[str]:
    """What is wrong with the figures of a section, in words."""
    yield from _faults_of_definitions(section.definitions)
    for match in section.measured:
        yield from _faults_of_line(*match.groups())
    if section.measured or (section.page, section.title) in NOT_MEASURED:
        return
    defined = set(NUMBER.findall(" ".join(section.definitions)))
    for line in section.lines:
        found = [*bare_cells(line), *(figures_in(line) if section.is_of_figures else ())]
        if found and line not in section.definitions and not defined.issuperset(NUMBER.findall(" ".join(found))):
            yield from _faults_of_quotation(section.page, line, found)


def _faults_of_line(day: str, command: str, rest: str) -> Iterator[str]:
    try:
        if date.fromisoformat(day) > datetime.now(UTC).date():
            yield f"{day} is to come"
    except ValueError:
        yield f"{day} is no date"
    scripts = SCRIPT.findall(command + rest)
    target = re.match(r"make (\w+)", command)
    if target and target[1] not in TARGETS:
        yield f"the Makefile has no target {target[1]}"
    if not target and not SCRIPT.search(command):
        yield f"`{command}` is no target of the Makefile, and names no script"
    yield from (f"{script} is not there" for script in scripts if not (ROOT / script).exists())


def _faults_of_definitions(rows: Sequence[str]) -> Iterator[str]:
    for row in rows[2:]:
        *cells, constants = row.strip("|").split("|")
        said = {float(number.replace(",", "")) for number in NUMBER.findall("|".join(cells))}
        said |= {value for words, value in IN_WORDS.items() if words in row}
        for name in re.findall(r"`(\w+)`", constants):
            values = values_of(name)
            if not any(_is_one_of(said, factor * value) for value in values for factor in (1, 100)):
                yield f"{name} is {' or '.join(map(str, values)) or 'no constant'}, which its row does not say"


def _is_one_of(said: Iterable[float], value: float) -> bool:
    return any(abs(value - one) < 1e-9 for one in said)


def values_of(name: str) -> Sequence[float]:
    """The values of the constants of this name; none where there is none."""
    modules = [import_module(module) for module in MODULES]
    return [float(vars(module)[name]) for module in modules if name in vars(module)]


def _faults_of_quotation(page: str, line: str, found: Sequence[str]) -> Iterator[str]:
    quoted = " ".join(target.text for target in _linked_from(page, line) if target.measured)
    if not quoted:
        yield f"no line `Measured …`, and no link to one: {line[:100]}"
    known = set(NUMBER.findall(quoted))
    yield from (
        f"{one} is not where its line links to" for one in found if quoted and not known.issuperset(NUMBER.findall(one))
    )


def _linked_from(page: str, line: str) -> Iterator[Section]:
    for link in LINK.finditer(line):
        path = ((DOCS / page).parent / link[1]).resolve() if link[1] else DOCS / page
        if path.suffix == ".md" and path.is_file():
            yield from (section for section in sections_of(path) if not link[2] or section.anchor == link[2])


def _without_versions(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with nothing in those cells of tables that hold versions."""
    heads: Sequence[str] = ()
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        heads = (heads or cells) if line.startswith("|") else ()
        if any(head in VERSIONS for head in heads):
            cells = ["" if head in VERSIONS else cell for head, cell in zip(heads, cells, strict=False)]
            yield " | ".join(cells).strip()
        else:
            yield line
