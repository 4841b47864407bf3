"""`make matrix`: run a suite in an environment of its own for each cell of cells.toml, and write the table of what came of it.

PYTHONPATH=tests python -m matrix [--only NAME …] [--whole] [--keep]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from matrix.cells import CELLS, SHOWN, Cell
from matrix.environment import Environment, InstallError, NoTestsError
from matrix.page import Result, read_results, table, write_page, write_results
from matrix.pythons import find_python


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if a cell that was run could not be installed, or a test of it failed."""
    parser = argparse.ArgumentParser(prog="make matrix", description="Run a suite with each set of versions.")
    parser.add_argument("--only", nargs="+", choices=[cell.name for cell in CELLS], metavar="NAME", help="some of the cells")
    parser.add_argument("--whole", action="store_true", help="all tests, in place of the short suite")
    parser.add_argument("--keep", action="store_true", help="leave the environments in build/matrix, some gigabytes each")
    given = parser.parse_args(arguments)
    has_failed = False
    for cell in (cell for cell in CELLS if given.only is None or cell.name in given.only):
        result = run(cell, whole=given.whole, keep=given.keep)
        if result is not None:
            print(f"{cell.name}: {result.line}, {result.seconds} s", flush=True)
            suite = "whole" if given.whole else "short"
            results = {**read_results(), f"{cell.name} {suite}": result}  # another one may have ended meanwhile
            write_results(results)
            write_page(results)
            has_failed |= bool(result.failed or result.failure)
    print(table(read_results()))
    return int(has_failed)


def run(cell: Cell, *, whole: bool, keep: bool) -> Result | None:
    """What came of a cell; `None` where its Python is not there."""
    python = find_python(cell.python)
    if python is None:
        print(f"{cell.name}: not run, no Python {cell.python} was found")
        return None
    environment = Environment(cell)
    today = datetime.now(UTC).date().isoformat()
    try:
        environment.install(python, whole=whole)
    except InstallError as error:
        print(error)
        return Result(today, cell.python, {}, failure="could not be installed")
    installed = environment.versions()
    shown = {name: installed[name] for name in SHOWN}
    start = time.monotonic()
    try:
        counted = environment.test(whole=whole)
    except NoTestsError as error:
        print(error)
        return Result(today, installed["python"], shown, failure="ran no tests")
    seconds = round(time.monotonic() - start)
    if not keep:
        environment.remove()
    passed, failed, skipped = (counted[name] for name in ("passed", "failed", "skipped"))
    return Result(today, installed["python"], shown, passed, failed, skipped, seconds)


if __name__ == "__main__":
    raise SystemExit(main())
