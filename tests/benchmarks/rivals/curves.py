"""Four newcomers and we on the same curves: who finds the runs that failed or overtrained, at how many false alarms?

    python tests/benchmarks/rivals/curves.py --rivals .venv-rivals

Columns, each a share of the runs with that label (`truths.py`):

* *overtrained found*, and *at false alarms*: learned runs that are not overtrained by their test loss and are called so;
* *healthy with any alarm*: of the same runs, those with any verdict against them at all;
* *diverged named*, *never learned named*: called by that name (a tool may say several things of one run, ours says one);
* *learned called failed*: learned runs called diverged or not learning.

And while a run is watched, with a look at each eighth of its points:

* *healthy ever called overtrained*, *healthy ever alarmed*: runs whose last dev loss is within 5 % of their best, called so, or
  anything bad at all, at one look or more;
* *premature alarms*: of all calls of overtrained at a look before the last at a learned run, those after which the best dev
  loss is more than 2 % below the best before: whoever stopped there lost something; *premature runs*: learned runs with such a
  call.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import truths
from figures import DATA
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from truths import Flags, Floats, Runs

from bvtrack import classify_curve

LOOKS = 8
HELPS = 0.98
"""Training on helps where the best later dev loss is below this share of the best so far."""
UNSTABLE = "unstable"
"""Our name for a last value worse than the best one where the train loss has risen, too. While a run goes on it may come down
again: a row of its own leaves it out."""
OURS = {"overtrained": ("overtrained", UNSTABLE), "diverged": ("diverged",), "not_learning": ("not_learning",)}

Verdicts = dict[str, list[set[str]]]
"""Of each tool, what it says of each curve."""


def ask(curves: Floats, n_points: NDArray[np.int_], chance: Floats, rivals: Path | None) -> Verdicts:
    """What every tool says of the curves `[n_curves, n_points, (train, dev)]`, each up to its own number of points."""
    said = ask_rivals(curves, n_points, rivals) if rivals else {}
    pairs = [run[:n] for run, n in zip(curves, n_points, strict=True)]
    without = [ask_us(run, None) for run in pairs]
    said["bvtrack, chance not given"] = [words_of(verdict) for verdict in without]
    said["bvtrack, so, overtrained alone"] = [words_of(verdict) if verdict != UNSTABLE else set() for verdict in without]
    said["bvtrack, chance given"] = [words_of(ask_us(run, guess)) for run, guess in zip(pairs, chance, strict=True)]
    return said


def ask_us(run: Floats, chance: float | None) -> str:
    """Our verdict."""
    return classify_curve(list(run[:, 0]), list(run[:, 1]), chance=chance)


def words_of(verdict: str) -> set[str]:
    """A verdict of ours in the words of the table."""
    return {word for word, names in OURS.items() if verdict in names}


def ask_rivals(curves: Floats, n_points: NDArray[np.int_], environment: Path) -> Verdicts:
    """What the newcomers say, asked in an environment of their own."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "curves.npz"), Path(folder, "verdicts.json")
        np.savez(question, train=curves[:, :, 0], dev=curves[:, :, 1], n_points=n_points)
        python = next(path for path in (environment / "bin/python", environment / "Scripts/python.exe") if path.exists())
        subprocess.run([python, Path(__file__).with_name("ask.py"), question, answer], check=True)
        return {tool: [set(words) for words in said] for tool, said in json.loads(answer.read_text()).items()}


def judge(runs: Runs, rivals: Path | None) -> Table:
    """The table of the finished runs."""
    headings = (
        "overtrained found",
        "at false alarms",
        "healthy with any alarm",
        "diverged named",
        "never learned named",
        "learned called failed",
    )
    table = _table("Finished runs", headings)
    for tool, said in ask(runs.loss[:, :, :2], runs.n_points, runs.chance, rivals).items():
        is_over, is_diverged, is_stuck = (_says(said, word) for word in OURS)
        table.add_row(
            tool,
            share(is_over[runs.overtrained]),
            share(is_over[runs.healthy]),
            share(np.array([bool(words) for words in said])[runs.healthy]),
            share(is_diverged[runs.diverged]),
            share(is_stuck[runs.never_learned]),
            share(np.logical_or(is_diverged, is_stuck)[runs.learned]),
        )
    return table


def watch(runs: Runs, rivals: Path | None) -> Table:
    """The table of the learned runs, watched."""
    headings = ("healthy ever called overtrained", "healthy ever alarmed", "premature alarms", "premature runs")
    table = _table(f"Watched, {LOOKS} looks a run", headings)
    loss, n_points, chance = runs.loss[runs.learned, :, :2], runs.n_points[runs.learned], runs.chance[runs.learned]
    ends_well = np.array([run[n - 1, 1] <= truths.RISE * run[:n, 1].min() for run, n in zip(loss, n_points, strict=True)])
    seen = [np.maximum(n_points * look // LOOKS, 1) for look in range(1, LOOKS + 1)]
    helps = np.stack([training_on_helps(loss[:, :, 1], n_points, n) for n in seen])
    looks = [ask(loss, n, chance, rivals) for n in seen]
    for tool in looks[0]:
        is_alarm = np.array([[bool(words) for words in look[tool]] for look in looks])
        is_over = np.stack([_says(look[tool], "overtrained") for look in looks])
        table.add_row(
            tool,
            share(_ever(is_over)[ends_well]),
            share(_ever(is_alarm)[ends_well]),
            share(helps[:-1][is_over[:-1]]),
            share(_ever(is_over & helps)),
        )
    return table


def training_on_helps(dev: Floats, n_points: NDArray[np.int_], seen: NDArray[np.int_]) -> Flags:
    """True where the best dev loss after the first `seen` points is clearly below the best among them."""

    def answers() -> Iterator[bool]:
        for curve, n_all, n_seen in zip(dev, n_points, seen, strict=True):
            later = curve[n_seen:n_all]
            yield len(later) > 0 and later.min() < HELPS * curve[:n_seen].min()

    return np.fromiter(answers(), bool)


def _says(said: list[set[str]], word: str) -> Flags:
    return np.array([word in words for words in said])


def _ever(looks: Flags) -> Flags:
    return np.array(looks.any(axis=0))


def share(flags: Flags) -> str:
    """The share of them that is true."""
    return f"{flags.mean():.1%}" if len(flags) else "-"


def _table(title: str, headings: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=MARKDOWN)
    for heading in ("tool", *headings):
        table.add_column(heading)
    return table


def main() -> None:
    """Both tables, for TaskSet's runs and for those of `own_curves.py`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rivals", type=Path, help="the environment that has them; without it, only we are asked")
    parser.add_argument("--own", type=Path, help="what own_curves.py wrote")
    parser.add_argument("--finished", action="store_true", help="only the finished runs, which takes a tenth of the time")
    options = parser.parse_args()
    sets = {"TaskSet": truths.taskset(DATA / "taskset")}
    if options.own:
        sets["small networks of our own"] = truths.own(options.own)
    console = Console(width=170)
    for name, runs in sets.items():
        console.print(
            f"\n{name}: {len(runs):,} runs: {runs.diverged.sum()} diverged, {runs.never_learned.sum()} never learned, "
            f"{runs.healthy.sum()} healthy, {runs.overtrained.sum()} overtrained by their test loss"
        )
        console.print(judge(runs, options.rivals))
        if not options.finished:
            console.print(watch(runs, options.rivals))


if __name__ == "__main__":
    main()
