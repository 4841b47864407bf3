"""Fifty logs as tools and trainers write them, judged by us and by four newcomers.

    python tests/benchmarks/logs/table.py --rivals .venv-rivals --keep build/logs

Each log is of a training whose end is known. A tool is right where it says so, or refuses what nobody could judge; it *refuses*
where it says that it cannot, and is *wrong* where it says something else, silence about a bad end included.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import exports
import tools
import trainers
from example import Example
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from tools import Answer, Tool


def written(examples: list[Example], folder: Path) -> Iterator[tuple[Example, Path]]:
    """Each example with its log, written anew."""
    for number, each in enumerate(examples):
        room = folder / f"{number:02}"
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            path = each.write(room)
        yield each, path


def mark(answer: Answer, truth: frozenset[str]) -> str:
    if answer.is_right(truth):
        return "right"
    return "refused" if answer.is_refusal else f"wrong: {answer}"


def main() -> None:
    """Print a row for each log, the counts, and why we refuse what we refuse."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rivals", type=Path, help="the environment that has them; without it, only we are asked")
    parser.add_argument("--keep", type=Path, help="where to leave the logs")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    asked: dict[str, Tool] = {"bvtrack": tools.ours, **(tools.rivals(options.rivals) if options.rivals else {})}
    with tempfile.TemporaryDirectory() as folder:
        show(written(trainers.EXAMPLES + exports.EXAMPLES, options.keep or Path(folder)), asked)


def show(logs: Iterator[tuple[Example, Path]], asked: dict[str, Tool]) -> None:
    table, marks, reasons = Table(box=MARKDOWN), dict[str, list[str]]({name: [] for name in asked}), []
    for heading in ("log", "truth", *asked):
        table.add_column(heading)
    for example, path in logs:
        answers = {name: ask(path) for name, ask in asked.items()}
        for name, answer in answers.items():
            marks[name].append(mark(answer, example.truth))
        table.add_row(example.name, " or ".join(sorted(example.truth)), *(each[-1] for each in marks.values()))
        if answers["bvtrack"].is_refusal:
            reasons.append(f"{example.name}: {answers['bvtrack'].why_not}")
    for count in ("right", "refused", "wrong"):
        table.add_row(f"[bold]{count}", "", *(str(sum(each.startswith(count) for each in of)) for of in marks.values()))
    console = Console(width=200)
    console.print(table)
    console.print("What we refuse:", *reasons, sep="\n  ", markup=False, highlight=False)


if __name__ == "__main__":
    main()
