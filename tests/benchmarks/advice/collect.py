"""Train the intervention set: base configurations, and each with one step of the recipe applied, on real data.

    python tests/benchmarks/advice/collect.py --cases 12 --repeats 6

Goes on where it was left: a training that `results.csv` holds is not repeated. Seeded, so that it gives the same again.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from interventions import INTERVENTIONS, steps_for
from real_data import SOURCES, split
from rich.progress import track
from training import Config, Outcome, random_config, train

RESULTS = Path(__file__).with_name("results.csv")
KEY = ("dataset", "case", "repeat", "step")
SETS = ("train", "train_dev", "dev", "test")
COLUMNS = (
    *KEY,
    *(field.name for field in fields(Config)),
    "parameters",
    "n_train_eval",
    *(f"n_{name}" for name in SETS[1:]),
    *(f"wrong_{name}" for name in SETS),
    "wrong_dev_quarter",
    *(f"curve_{name}" for name in SETS[:3]),
    "seconds",
)
"""Errors are counts of wrong examples; `n_train` counts the training set, `n_train_eval` what its error was measured on.
Configurations and curves stand with the base runs alone: what an intervention changes is in interventions.py."""


def main() -> None:
    """Train what is missing and append it to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=12, help="base configurations for each dataset")
    parser.add_argument("--repeats", type=int, default=6, help="splits and seeds for each of them")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--datasets", nargs="*", default=list(SOURCES))
    arguments = parser.parse_args()
    done = set(_keys_of(RESULTS))
    groups = itertools.product(range(arguments.repeats), arguments.datasets, range(arguments.cases))
    with ProcessPoolExecutor(arguments.workers, initializer=_use_one_core) as pool:
        jobs = [pool.submit(_train_group, dataset, case, repeat, done) for repeat, dataset, case in groups]
        for job in track(jobs, "cases"):
            _append(job.result())


def _use_one_core() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # weight decay leaves weights so small that a step takes ten times as long


def _train_group(dataset: str, case: int, repeat: int, done: set[tuple[str, ...]]) -> list[dict[str, Any]]:
    """A base run and its interventions, on one split; what is done is left out."""
    source = SOURCES[dataset]
    steps = ["base", *steps_for(source)]
    keys = {step: (dataset, str(case), str(repeat), step) for step in steps}
    missing = [step for step in steps if keys[step] not in done]
    if not missing:
        return []
    base = random_config(source, np.random.default_rng([case, *dataset.encode()]))
    examples = split(source, repeat)
    rows = []
    for step in missing:
        config = base if step == "base" else INTERVENTIONS[step](base, source)
        rows.append(_row(keys[step], config, train(config, examples, source, seed=repeat)))
    return rows


def _row(key: tuple[str, ...], config: Config, outcome: Outcome) -> dict[str, Any]:
    row = {**dict(zip(KEY, key, strict=True)), "parameters": outcome.parameters, "seconds": round(outcome.seconds, 2)}
    row["wrong_dev_quarter"] = outcome.kept_dev_quarter
    for name in outcome.n:
        row[f"n_{name}" if name != "train" else "n_train_eval"] = outcome.n[name]
        row[f"wrong_{name}"] = outcome.kept[name]
    if key[-1] == "base":
        row |= asdict(config) | {f"curve_{name}": " ".join(map(str, curve)) for name, curve in outcome.curves.items()}
    return row


def _append(rows: Iterable[dict[str, Any]]) -> None:
    is_new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def _keys_of(path: Path) -> Iterator[tuple[str, ...]]:
    if path.exists():
        with path.open(newline="") as file:
            yield from (tuple(row[name] for name in KEY) for row in csv.DictReader(file))


if __name__ == "__main__":
    main()
