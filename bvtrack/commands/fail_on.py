"""`--fail-on`: an exit code for what a run was found to be."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import click

from bvtrack.curves.curve import CURVES
from bvtrack.diagnosis.diagnosis import PROBLEMS, STATES_WITHOUT_GAPS
from bvtrack.text import printable

KNOWN = tuple(dict.fromkeys((*PROBLEMS.values(), *STATES_WITHOUT_GAPS, *CURVES, "balanced", "beyond_human", "easier_dev")))
FOUND, UNREADABLE = 1, 2
"""Exit codes: a tag of `--fail-on` was found; wrong usage, or something that cannot be read."""


class TagNames(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.4
    """Tags with commas between them; `high_bias+high_variance` means both."""

    name = "tag[,tag...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Check the names."""
        names = tuple(name.strip() for name in str(value).split(",") if name.strip())
        unknown = [name for name in names if not set(name.split("+")) <= set(KNOWN)]
        if unknown or not names:
            got = ", ".join(map(repr, unknown)) or "none"
            self.fail(f"expected tags or values of the curve, got {got}; there are {', '.join(KNOWN)}", param, ctx)
        return names


fail_on_option = click.option(
    "--fail-on",
    type=TagNames(),
    metavar="TAG[,TAG...]",
    help="Exit with 1 if a run has this diagnosis, one problem of it, or this curve: high_variance, overtrained, diverged …; "
    "then 2 for what cannot be read.",
)


def found_in(states: Collection[str], tags: Collection[str] | None) -> list[str]:
    """Those of the tags that the states of a run contain.

    >>> found_in(("high_bias", "high_variance", "overtrained"), ["high_variance", "diverged"])
    ['high_variance']
    """
    return [tag for tag in tags or () if set(tag.split("+")) <= set(states)]


def say_found(runs: Collection[tuple[str, Collection[str]]]) -> None:
    """Say which runs have which of the tags, on standard error."""
    for name, found in runs:
        click.echo(f"--fail-on: {printable(name)} is {', '.join(found)}", err=True)
