"""The table in docs/operate/versions.md, made of the last result of each cell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pages import made_anew

from matrix.cells import CELLS, ROOT, SHOWN, TABLE, Cell

PAGE = ROOT / "docs" / "operate" / "versions.md"
RESULTS = Path(__file__).with_name("results.json")
BEGIN = "<!-- made by tests/matrix -->"
SUITES = ("short", "whole")


@dataclass(frozen=True)
class Result:
    """What a cell's tests said, on a day; `failure` says why there were none."""

    date: str
    python: str
    versions: Mapping[str, str]
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: int = 0
    failure: str = ""

    @property
    def line(self) -> str:
        """What a cell of the table says of the tests."""
        return self.failure or f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


Results = Mapping[str, Result]
"""By cell and suite: `newest-3.13 short`."""


def read_results() -> Results:
    content = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {key: Result(**one) for key, one in content.items()}


def write_results(results: Results) -> None:
    content = {key: asdict(results[key]) for key in sorted(results)}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def table(results: Results) -> str:
    """A column for each cell: what was installed, and what its tests said; then what was not run."""
    rows = [["", *(cell.name for cell in CELLS)], ["---"] * (len(CELLS) + 1)]
    rows += [["Python", *(_of(results, cell, "python") for cell in CELLS)]]
    rows += [[name, *(_version(results, cell, name) for cell in CELLS)] for name in SHOWN]
    for suite in SUITES:
        found = [results.get(f"{cell.name} {suite}") for cell in CELLS]
        rows += [[f"{suite} suite", *(one.line if one else "not run" for one in found)]]
        rows += [["seconds, date", *(f"{one.seconds:,} s, {one.date}" if one else "" for one in found)]]
    missing = [f"* {one['what']}: {one['why']}." for one in TABLE["not-run"]]
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", "Not run:", "", *missing])


def page(text: str, results: Results) -> str:
    """The page with its table made anew."""
    return made_anew(text, BEGIN, table(results))


def write_page(results: Results) -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def _version(results: Results, cell: Cell, name: str) -> str:
    one = _last(results, cell)
    return one.versions.get(name, "") if one else ""


def _of(results: Results, cell: Cell, name: str) -> str:
    one = _last(results, cell)
    return str(getattr(one, name)) if one else cell.python


def _last(results: Results, cell: Cell) -> Result | None:
    found: Sequence[Result | None] = [results.get(f"{cell.name} {suite}") for suite in SUITES]
    return next((one for one in found if one), None)
