"""What tracking costs short trainings, as people run them: a process of its own for each, bare or tracked. Prints tables.

    PYTHONPATH=tests python tests/benchmarks/short_trainings.py
    PYTHONPATH=tests python tests/benchmarks/short_trainings.py --rounds 2 --only one-epoch --programs loop --stores sqlite
    PYTHONPATH=tests python tests/benchmarks/short_trainings.py --rounds 5 --only doors --stores sqlite

Three tables: trainings of one epoch (`one-epoch`), fits of half a second (`short-fit`), and ten fits of five seconds in one
process (`sweep`; `--sweep-seconds 1` for shorter ones), of a loop, Lightning and Keras unless told otherwise. A fourth,
`doors`, is made where it is asked for: a fit of five seconds by each way in. Each round runs every program once, each one
beginning with another; a difference is that to the bare program of the same round. Each begins when all processes of the last
one have ended.

`fit` is from the making of what tracks a training until `fit` has returned; the program's end is that of the process that the
user waits for. Processor time is that of the program and all that it starts, whatever is left behind included (on Linux; see
`process_tree.py`), and so is that of the training itself in the bare row. What an MLflow server takes is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import short_training
from machine import describe, load
from mlflow import MlflowClient
from process_tree import COUNTS_ALL, Taken, run
from servers import running
from short_training import PROGRAMS

TRAINING = Path(short_training.__file__)
STORES = ("sqlite", "server")
TABLES = ("one-epoch", "short-fit", "sweep")
DOORS = "doors"
FIRST_PROGRAMS = ("loop", "lightning", "keras")
BARE = ("bare", "")
"""The variant, and the store."""
Variant = tuple[str, str]


@dataclass(frozen=True)
class Shape:
    """So many fits, of so many epochs, of so many steps."""

    fits: int
    epochs: int
    steps: int


@dataclass(frozen=True)
class Measured:
    """What one program took, and the seconds of all its fits together."""

    taken: Taken
    fit: float


def environment(uri: str, folder: Path) -> dict[str, str]:
    """That of a user who set a store and nothing of ours; on one thread, and with compiled modules as an installation has."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BVTRACK_")}
    own.pop("PYTHONDONTWRITEBYTECODE", None)
    where = {"MLFLOW_TRACKING_URI": uri, "BVTRACK_JOURNAL_DIR": str(folder / "journals")}
    return own | where | {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "torch"}


def measure(program: str, variant: str, shape: Shape, uri: str, folder: Path) -> Measured:
    times = folder / "times.json"
    counts = ["--steps", str(shape.steps), "--epochs", str(shape.epochs), "--fits", str(shape.fits)]
    command = [sys.executable, str(TRAINING), program, variant, *counts, "--times", str(times)]
    taken = run(command, folder, environment(uri, folder))
    return Measured(taken, sum(json.loads(times.read_text())))


def steps_of(program: str, seconds: float, epochs: int, folder: Path) -> int:
    """The steps an epoch that make a bare fit take so many seconds here, from a short and a longer one."""
    few, many = (measure(program, "bare", Shape(2, epochs, steps), "", folder).fit / 2 for steps in (10, 110))
    return max(round(10 + 100 * (seconds - few) / (many - few)), 1)


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    rounds: int
    variants: Sequence[str]
    uris: dict[str, str]
    folder: Path


def compare(program: str, shape: Shape, asked: Asked) -> None:
    """Measure the variants of a program in rounds, after one that does not count, and print a table."""
    known = [name for name in PROGRAMS[program][1] if not asked.variants or name in asked.variants]
    variants: list[Variant] = [BARE, *((name, store) for name in known for store in asked.uris)]
    taken: dict[Variant, list[Measured]] = {variant: [] for variant in variants}
    for number in range(asked.rounds + 1):
        first = number % len(variants)
        for name, store in (*variants[first:], *variants[:first]):
            measured = measure(program, name, shape, asked.uris.get(store, next(iter(asked.uris.values()))), asked.folder)
            if number:
                taken[name, store].append(measured)
    print(
        f"{program}: {shape.fits} fit(s) of {shape.epochs} epoch(s) of {shape.steps} steps\n\n"
        "| variant | store | until fit returns, s over bare | until the program has ended, s over bare | ratio to bare | "
        "processor time, s over bare | all processes ended, s after the program |\n|---|---|---|---|---|---|---|"
    )
    for variant in variants:
        print(row(variant, taken[variant], taken[BARE]), flush=True)
    print(flush=True)


def row(variant: Variant, taken: Sequence[Measured], bare: Sequence[Measured]) -> str:
    def differences(of: Callable[[Measured], float]) -> Iterable[float]:
        own = map(of, taken)
        return own if variant == BARE else (one - of(other) for one, other in zip(own, bare, strict=True))

    ratios = [one.taken.wall / other.taken.wall for one, other in zip(taken, bare, strict=True)]
    cells = [
        spread(differences(lambda one: one.fit)),
        spread(differences(lambda one: one.taken.wall)),
        spread(ratios),
        spread(differences(lambda one: one.taken.processor)),
        spread(one.taken.ended - one.taken.wall for one in taken),
    ]
    name, store = variant
    return f"| {'bare, in seconds' if variant == BARE else name} | {store} | {' | '.join(cells)} |"


def spread(values: Iterable[float]) -> str:
    """The median, with the quartiles in brackets."""
    found = sorted(values)
    if len(found) < 2:
        return f"{found[0]:.2f}"
    low, middle, high = statistics.quantiles(found, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


@contextmanager
def stores(names: Sequence[str], folder: Path) -> Iterator[dict[str, str]]:
    """The addresses of stores that are there and set up: an SQLite file, and a server of its own on loopback."""
    files = {name: f"sqlite:///{(folder / name).as_posix()}.db" for name in STORES}
    for name in names:
        MlflowClient(files[name]).search_experiments()
    if "server" not in names:
        yield {name: files[name] for name in names}
        return
    with running(files["server"], folder) as server:
        yield {name: server.uri if name == "server" else files[name] for name in names}


def shape_of(title: str, program: str, sweep_seconds: float, folder: Path) -> Shape:
    """The fits of a table; their steps are as many as take the time that it names, bare and on this machine."""
    match title:
        case "one-epoch":
            return Shape(1, 1, 20)
        case "short-fit":
            return Shape(1, 5, steps_of(program, 0.5, 5, folder))
        case "doors":
            return Shape(1, 10, steps_of(program, 5.0, 10, folder))
        case _:
            return Shape(10, 10, steps_of(program, sweep_seconds, 10, folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default: %(default)s)")
    parser.add_argument("--only", choices=[*TABLES, DOORS], help="one of the tables")
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, help="by default those of the table")
    parser.add_argument("--variants", nargs="+", default=[], metavar="NAME", help="by default all; bare is always there")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES, help="by default both")
    parser.add_argument("--sweep-seconds", type=float, default=5.0, help="of each fit of the sweep (default: %(default)s)")
    chosen = parser.parse_args()
    print(describe())
    if not COUNTS_ALL:
        print("Processor time leaves out what a program left behind: only Linux says what that took.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, stores(chosen.stores, Path(name)) as uris:
        asked = Asked(chosen.rounds, chosen.variants, uris, Path(name))
        for title in [chosen.only] if chosen.only else TABLES:
            print(f"\n{title}, {chosen.rounds} rounds\n", flush=True)
            for program in chosen.programs or (PROGRAMS if title == DOORS else FIRST_PROGRAMS):
                if program != "loop" or title == "one-epoch":  # a loop of one's own takes what its owner does in it
                    compare(program, shape_of(title, program, chosen.sweep_seconds, Path(name)), asked)
    print(f"Load at the end: {load()}.")


if __name__ == "__main__":
    main()
