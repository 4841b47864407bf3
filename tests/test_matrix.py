"""`make matrix`: what its cells ask for, how its tests are counted, and that the page says what came of it."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from matrix.cells import CELLS, PROJECT, ROOT, SHOWN, TABLE, Cell, floors, lowest_on
from matrix.environment import counts
from matrix.page import PAGE, Result, page, read_results, table
from matrix.pythons import find_python

LOWEST = next(cell for cell in CELLS if cell.versions == "lowest")
NEWEST = next(cell for cell in CELLS if cell.versions == "newest")


def test_every_python_that_is_supported_has_its_lowest_and_its_newest_cell() -> None:
    supported = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]

    assert [(cell.python, cell.versions) for cell in CELLS] == [
        (python, versions) for versions in ("lowest", "newest") for python in supported
    ]


def test_a_lowest_cell_asks_for_the_floors_and_a_newest_one_for_nothing() -> None:
    assert f"mlflow-skinny=={floors()['mlflow-skinny']}" in LOWEST.constraints
    assert NEWEST.constraints == []


def test_a_python_that_came_later_than_a_floor_has_a_higher_one() -> None:
    assert lowest_on("3.13") == floors() | TABLE["from-python"]["3.13"]
    assert lowest_on("3.13")["numpy"] != floors()["numpy"] == lowest_on("3.11")["numpy"]


@pytest.mark.parametrize("python", TABLE["from-python"])
def test_only_what_has_a_floor_has_a_higher_one(python: str) -> None:
    assert TABLE["from-python"][python].keys() <= floors().keys()


@pytest.mark.parametrize("entry", TABLE["short"])
def test_each_test_of_the_short_suite_is_there(entry: str) -> None:
    file, _, name = entry.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))

    assert not name or name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_errors_of_a_report_count_as_failed(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="12" failures="2" errors="1" skipped="3"/></testsuites>')

    assert counts(report) == {"passed": 6, "failed": 3, "skipped": 3}


def test_this_python_is_found_and_one_that_is_not_there_is_not() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert find_python(version) == Path(sys.executable)
    assert find_python("3.99") is None


def test_a_cell_without_a_result_is_listed_as_not_run() -> None:
    ran = Result("2026-11-30", "3.11.7", dict.fromkeys(SHOWN, "1.0"), passed=8, failed=1, skipped=2, seconds=70)
    failed = Result("2026-11-30", "3.12", {}, failure="could not be installed")
    shown = table({f"{LOWEST.name} short": ran, f"{CELLS[1].name} short": failed})
    (line,) = (line for line in shown.splitlines() if line.startswith("| short suite"))

    assert line.split(" | ")[1:4] == ["8 passed, 1 failed, 2 skipped", "could not be installed", "not run"]
    assert "| seconds, date | 70 s, 2026-11-30 |" in shown
    assert shown.count("\n* ") == len(TABLE["not-run"])


def test_a_cell_is_found_by_its_name() -> None:
    assert len({cell.name for cell in CELLS}) == len(CELLS)
    assert Cell("x", "3.13", "lowest").constraints != LOWEST.constraints


def test_the_page_holds_what_came_of_the_cells() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert page(text, read_results()) == text, "run: make matrix"
