"""Train the intervention set: the kinds of base on each dataset, and each with one step applied, on real data.

    python tests/benchmarks/advice/collect.py --repeats 6

Goes on where it was left: a training that the results hold is not repeated. Seeded, so that it gives the same again.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import torch
from base_kinds import BASES, kinds_for
from interventions import INTERVENTIONS, steps_for
from real_data import SOURCES, Split, split
from rich.progress import track
from training import Config, Outcome, train

RESULTS = Path(__file__).with_name("results.csv.gz")
KEY = ("dataset", "kind", "repeat", "step")
SETS = ("train", "train_dev", "dev", "test")
COUNTED = (*SETS, "dev_quarter")
CURVES = ("train", "seen", "train_dev", "dev", "test")
COLUMNS = (
    *KEY,
    *(field.name for field in fields(Config)),
    "n_classes",
    "parameters",
    "best_epoch",
    "n_train_eval",
    *(f"n_{name}" for name in SETS[1:]),
    *(f"wrong_{name}" for name in COUNTED),
    *(f"wrong_best_{name}" for name in COUNTED),
    *(f"curve_{name}" for name in CURVES),
    "seconds",
)
"""Errors are counts of wrong examples: `wrong_` of the last epoch's weights, `wrong_best_` of those at `best_epoch`, the first
of the lowest dev error. `n_train` counts the training set, `n_train_eval` what its error was measured on; `curve_seen` counts
wrong ones of `n_train`, as the training saw them. All curves stand with the base runs; longer training and more data have the
dev set's."""
WITH_DEV_CURVE = ("train_longer", "more_data_epochs", "more_data_updates")

Job = tuple[str, str]
"""A dataset and a kind of base."""


def main() -> None:
    """Train what is missing and append it to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=6, help="splits and seeds for each base, trained at once")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--datasets", nargs="*", default=list(SOURCES))
    parser.add_argument("--kinds", nargs="*", default=list(BASES))
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    done = set(_keys_of(arguments.results))
    with ProcessPoolExecutor(arguments.workers, initializer=_use_one_core) as pool:
        jobs = [pool.submit(_train_base, *job, arguments.repeats, done) for job in jobs_of(arguments.datasets, arguments.kinds)]
        for job in track(as_completed(jobs), "bases", len(jobs)):
            if rows := job.result():
                _append(rows, arguments.results)


def jobs_of(datasets: Iterable[str], kinds: Iterable[str]) -> list[Job]:
    """What is to be trained, what rules are fitted to first, and a kind on all datasets before the next kind."""
    chosen = sorted(datasets, key=lambda name: SOURCES[name].part)
    jobs = [(name, kind) for kind in kinds for name in chosen if kind in kinds_for(SOURCES[name])]
    return sorted(jobs, key=lambda job: SOURCES[job[0]].part)


def _use_one_core() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # weight decay leaves weights so small that a step takes ten times as long


def _train_base(dataset: str, kind: str, repeats: int, done: set[tuple[str, ...]]) -> list[dict[str, Any]]:
    """All runs of a base and of the steps from it; a step whose every repeat is done is left out."""
    source = SOURCES[dataset]
    base = BASES[kind](source)
    configs = {"base": base} | {step: INTERVENTIONS[step](base, source) for step in steps_for(base, source)}
    rows: list[dict[str, Any]] = []
    for step, config in configs.items():
        keys = [(dataset, kind, str(repeat), step) for repeat in range(repeats)]
        if not done.issuperset(keys):
            rows += _train_step(keys, config)
    return rows


def _train_step(keys: Sequence[tuple[str, ...]], config: Config) -> list[dict[str, Any]]:
    dataset, _, _, step = keys[0]
    outcomes, seconds = _trained(config, dataset, len(keys), is_base=step == "base")
    rows = [_row(key, config, outcome, seconds) for key, outcome in zip(keys, outcomes, strict=True)]
    return rows + ([_best_of(row) for row in rows] if step == "base" else [])


@cache  # a forest is the same whatever network it stands in for
def _trained_forest(n_train: int, label_noise: float, dataset: str, repeats: int) -> tuple[list[Outcome], float]:
    config = Config(n_train, 0, 0, 1, "adam", 0.0, 1, model="forest", label_noise=label_noise)
    return train(config, _splits(dataset, repeats, label_noise), SOURCES[dataset], seed=0, by_epoch=())


def _trained(config: Config, dataset: str, repeats: int, *, is_base: bool) -> tuple[list[Outcome], float]:
    if config.model == "forest":
        return _trained_forest(config.n_train, config.label_noise, dataset, repeats)
    splits = _splits(dataset, repeats, config.label_noise)
    return train(config, splits, SOURCES[dataset], seed=0, by_epoch=SETS if is_base else ())


@lru_cache(maxsize=2)
def _splits(dataset: str, repeats: int, label_noise: float) -> list[Split]:
    return [split(SOURCES[dataset], repeat, label_noise) for repeat in range(repeats)]


def _row(key: tuple[str, ...], config: Config, outcome: Outcome, seconds: float) -> dict[str, Any]:
    row = {**dict(zip(KEY, key, strict=True)), **asdict(config), "seconds": round(seconds, 3)}
    row |= {"n_classes": outcome.n_classes, "parameters": outcome.parameters, "best_epoch": outcome.best_epoch}
    row |= {f"n_{name}" if name != "train" else "n_train_eval": count for name, count in outcome.n.items()}
    row |= {f"wrong_{name}": count for name, count in outcome.last.items()}
    row |= {f"wrong_best_{name}": count for name, count in outcome.best.items()}
    curves = CURVES if key[-1] == "base" else ("dev",) if key[-1] in WITH_DEV_CURVE else ()
    return row | {f"curve_{name}": " ".join(map(str, outcome.curves[name])) for name in curves if name in outcome.curves}


def _best_of(base: dict[str, Any]) -> dict[str, Any]:
    """The row of `stop_earlier`, which keeps the base's best epoch: no training of its own."""
    row = {name: value for name, value in base.items() if not name.startswith("curve_")}
    kept = {f"wrong_{name}": row[f"wrong_best_{name}"] for name in COUNTED if f"wrong_{name}" in row}
    return row | kept | {"step": "stop_earlier", "seconds": 0.0}


def _append(rows: Iterable[dict[str, Any]], path: Path) -> None:
    is_new = not path.exists()
    with _opened(path, "at") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def _keys_of(path: Path) -> Iterator[tuple[str, ...]]:
    if path.exists():
        with _opened(path, "rt") as file:
            yield from (tuple(row[name] for name in KEY) for row in csv.DictReader(file))


def _opened(path: Path, mode: str) -> Any:
    return gzip.open(path, mode, newline="") if path.suffix == ".gz" else path.open(mode, newline="")


if __name__ == "__main__":
    main()
