"""What became of each test of a run of pytest: written by a plugin as tests begin and end, and read when the run is over."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

FILE = "INJECT_OUTCOMES"
"""The environment variable that names the file to write to."""
CRASHED = "the process ended in this test"

State = Literal["passed", "failed", "skipped"]


class Outcome(NamedTuple):
    """How a test ended, and the first line of what it failed with."""

    state: State
    message: str = ""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "flaky: of pytest-rerunfailures, which suites ask for and can do without")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _write(report.nodeid, "failed", f"cannot be imported: {_message(report)}")


def pytest_runtest_logstart(nodeid: str) -> None:
    _write(nodeid, "failed", CRASHED)  # what stands if nothing follows


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        _write(report.nodeid, report.outcome, _message(report))


def read_outcomes(lines: Iterable[str]) -> dict[str, Outcome]:
    """By test, the outcome: what fails in its set-up, its call or its tear-down has failed."""
    found: dict[str, Outcome] = {}
    for line in lines:
        test, state, message = json.loads(line)
        before = found.get(test, Outcome("failed", CRASHED))
        if before.state != "failed" or before.message == CRASHED:
            found[test] = Outcome(state, message)
    return found


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    if report.outcome != "failed":
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else report.longreprtext
    return next(iter(text.strip().splitlines()), "")[:300]


def _write(*line: str) -> None:
    with Path(os.environ[FILE]).open("a") as file:
        file.write(json.dumps(line) + "\n")
