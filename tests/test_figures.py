"""Every measured figure of the documentation names the command that makes it and the day it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from page_figures import DOCS, NOT_MEASURED, Section, faults_of, figures_in, pages, read_sections, sections_of
from pages import ROOT

from bvtrack import diagnose

SECTIONS = [section for page in pages() for section in sections_of(page)]
FRONT = [ROOT / "README.md", DOCS / "index.md"]
"""Pages that quote figures: each must be one of a page that says where it is from."""
TABLE = "| what | here |\n|---|---|\n"


def section(text: str, page: str = "trust/some.md") -> Section:
    _, found = read_sections(page, f"# Title\n\n{text}\n")
    return found


@pytest.mark.parametrize("page", sorted({section.page for section in SECTIONS}))
def test_every_measured_figure_names_its_command_and_its_day(page: str) -> None:
    of_page = [section for section in SECTIONS if section.page == page]
    faults = [f"{section.title}: {fault}" for section in of_page for fault in faults_of(section)]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("page", FRONT, ids=lambda page: page.name if page.parent == ROOT else "docs/index.md")
def test_a_figure_on_a_front_page_is_one_of_those_that_say_where_they_are_from(page: Path) -> None:
    sources = [section for section in SECTIONS if section.measured or section.definitions]
    known = {figure for section in sources for line in section.lines for figure in figures_in(line)}
    quoted = {figure for section in sections_of(page) for line in section.lines for figure in figures_in(line)}

    assert quoted - known == set()


def test_the_sections_whose_figures_are_not_measured_are_there() -> None:
    assert NOT_MEASURED.keys() <= {(section.page, section.title) for section in SECTIONS}


def rows_of_examples() -> list[list[str]]:
    (examples,) = (one for one in SECTIONS if (one.page, one.anchor) == ("trust/index.md", "examples"))
    rows = [line for line in examples.lines if line.endswith("` |")]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]


@pytest.mark.parametrize("row", rows_of_examples(), ids=" ".join)
def test_each_example_of_the_page_gets_the_verdict_that_it_says(row: list[str]) -> None:
    names = ("human_error", "train_error", "train_dev_error", "dev_error", "test_error")
    errors: dict[str, Any] = {
        name: float(cell.removesuffix(" %")) / 100 for name, cell in zip(names, row, strict=False) if cell.endswith("%")
    }
    n = int(row[5].replace(",", "")) if row[5] else None

    found = diagnose(**errors, n_train=n, n_dev=n)

    assert f"`{found.tag}`" == row[6]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("It takes 3 ms.", "no line"),
        (f"{TABLE}| a thing | 3.1 (2 to 4) |", "no line"),
        ("It takes 3 ms.\n\nMeasured 2026-11-30 by `make nothing`.", "no target nothing"),
        ("It takes 3 ms.\n\nMeasured 2026-11-30 by `python tests/benchmarks/none.py`.", "none.py is not there"),
        ("It takes 3 ms.\n\nMeasured 2026-11-30 by `hand`.", "names no script"),
        ("It takes 3 ms.\n\nMeasured 2026-11-31 by `make bench`.", "is no date"),
        ("It takes 3 ms.\n\nMeasured 2999-11-30 by `make bench`.", "is to come"),
        ("| bias | constant |\n|---|---|\n| from 2 points | `SMALLEST_BIAS` |", "SMALLEST_BIAS is 0.015"),
        ("| bias | constant |\n|---|---|\n| from 2 points | `NO_SUCH` |", "NO_SUCH is no constant"),
        ("From 3 points on.\n\n| bias | constant |\n|---|---|\n| from 1.5 points | `SMALLEST_BIAS` |", "no line"),
        ("It helps in 7 % ([advice](advice.md#the-first-suggestion)).", "7 % is not where"),
    ],
)
def test_a_figure_without_a_source_is_found(text: str, fault: str) -> None:
    assert any(fault in found for found in faults_of(section(text)))


@pytest.mark.parametrize(
    "text",
    [
        "A 95 % interval, 10,000 runs, Python 3.11 and `0.5 s`.",
        "It takes 3 ms.\n\nMeasured 2026-11-30 by `make bench` (`tests/benchmarks/verdict_cost.py`).",
        "From 1.5 points on.\n\n| bias | constant |\n|---|---|\n| from 1.5 points | `SMALLEST_BIAS` |",
        "It helps in 65 % ([advice](advice.md#the-first-suggestion)).",
        "| package | lowest | why |\n|---|---|---|\n| Python | 3.11 | as tested |",
    ],
)
def test_what_has_its_source_or_is_not_measured_is_left_alone(text: str) -> None:
    assert list(faults_of(section(text))) == []


def test_figures_outside_the_pages_of_figures_are_found_in_cells_alone() -> None:
    assert list(faults_of(section("It takes 3 ms.", "start/some.md"))) == []
    assert list(faults_of(section(f"{TABLE}| a thing | 3 ms |", "start/some.md")))
