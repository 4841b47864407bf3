"""`make inject`: tests that others wrote, with our callback in every training, against the same with one that does nothing."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from inject.comparison import Comparison, compare, reason_for
from inject.suites import Suite, keras_suite, lightning_suite

NO_OP, OURS = "inject.callbacks:no_op", "inject.callbacks:ours"
REASONS = Path(__file__).with_name("counting.toml")
SUITES: Mapping[str, Callable[[Path], Suite]] = {"lightning": lightning_suite, "keras": keras_suite}
NO_SOURCES = (
    "Nothing was run: no installed package holds these tests, so name a checkout of the repository they are in:\n"
    "make inject LIGHTNING=path KERAS=path (one will do), at the version that is installed here."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if a test fails with our callback, for no listed reason, that passes with the other one."""
    parser = argparse.ArgumentParser(prog="make inject", description=__doc__)
    for name in SUITES:
        parser.add_argument(f"--{name}", type=Path, help="a checkout of the upstream repository")
    parser.add_argument("--only", nargs="+", default=(), help="some of the tests, by their paths in the checkout")
    given = parser.parse_args(arguments)
    checkouts = {name: path for name in SUITES if (path := getattr(given, name))}
    if not checkouts:
        print(NO_SOURCES)
        return 0
    try:
        suites = [SUITES[name](path) for name, path in checkouts.items()]
    except FileNotFoundError as error:
        print(f"Nothing was run: {error}")
        return 0
    return max([_check(suite, given.only) for suite in suites])


def _check(suite: Suite, only: Sequence[str]) -> int:
    reasons = tomllib.loads(REASONS.read_text())
    found = compared(suite, reasons, only)
    print(f"\n{suite.name}: {found.n_run} tests run, {found.n_passed} pass with a callback that does nothing.")
    print(f"Of these {len(found.broken)} fail with ours, and {len(found.excused)} that count callbacks or calls:")
    for test, message in found.excused.items():
        print(f"  listed  {test}\n            {reason_for(test, reasons)}\n            {message}")
    for test, message in found.broken.items():
        print(f"  BROKEN  {test}\n            {message}")
    for entry in found.needless:
        print(f"  listed, but it passes: {entry}")
    return 1 if found.broken else 0


def compared(suite: Suite, reasons: Mapping[str, str], only: Sequence[str] = (), ours: str = OURS) -> Comparison:
    """Both runs of a suite; what differs is run once more on its own in both, and counts if it differs again."""
    without, with_ours = suite.run(NO_OP, only), suite.run(ours, only)
    if broken := compare(without, with_ours, reasons).broken:
        without |= suite.run(NO_OP, list(broken))
        with_ours |= suite.run(ours, list(broken))
    return compare(without, with_ours, reasons)


if __name__ == "__main__":
    sys.exit(main())
