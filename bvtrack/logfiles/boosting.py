"""Logs of boosted trees: evaluation results of XGBoost and LightGBM, and CatBoost's folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bvtrack.logfiles.cells import number_in
from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError
from bvtrack.logfiles.records import run_of
from bvtrack.logfiles.table_text import Record, Rows, read_rows
from bvtrack.measures.metric_name import read_metric_name

UNNAMED = re.compile(r"(?:validation|valid|eval|test)_(\d+)")
"""XGBoost's and LightGBM's names of evaluation sets that the user has not named."""
CATBOOST_SETS = {"learn": "train", "test": "validation"}
"""CatBoost calls the evaluation set `test`, though it picks the best iteration by it."""
CATBOOST_TABLES = {"learn_error.tsv": "train", "test_error.tsv": "validation"}


def with_named_sets(series: Mapping[str, Sequence[object]]) -> tuple[Mapping[str, Sequence[object]], tuple[str, ...]]:
    """The series with sets that can be read, `{"learn/Logloss": …}` and the first of several unnamed ones as `train`."""
    sets = list(dict.fromkeys(name.partition("/")[0] for name in series if "/" in name))
    if "learn" in sets:
        return _renamed(series, {"learn": "train"}), ()
    unnamed = sorted((one for one in sets if UNNAMED.fullmatch(one)), key=lambda one: int(one.rpartition("_")[2]))
    if len(unnamed) < 2 or len(unnamed) < len(sets) or not _is_ahead(series, *unnamed[:2]):
        return series, ()
    first, second = unnamed[:2]
    names = {first: "train", second: "validation"}
    return _renamed(series, names), (
        f"{first} is taken for the training data, as its metrics end better than those of {second}",
    )


def _renamed(series: Mapping[str, Sequence[object]], names: Mapping[str, str]) -> Mapping[str, Sequence[object]]:
    split = {name: name.partition("/") for name in series}
    return {f"{names.get(head, head)}{slash}{rest}": series[name] for name, (head, slash, rest) in split.items()}


def _is_ahead(series: Mapping[str, Sequence[object]], first: str, second: str) -> bool:
    """True if the first set's values end better for each metric that both have."""
    found = []
    for name in series:
        head, _, metric = name.partition("/")
        read = read_metric_name(f"train_{metric}")
        if head == first and f"{second}/{metric}" in series and read is not None:
            a, b = number_in(series[name][-1]), number_in(series[f"{second}/{metric}"][-1])
            found.append(isinstance(a, float) and isinstance(b, float) and (a > b if read.higher_is_better else a < b))
    return bool(found) and all(found)


def catboost_run(meta: Mapping[str, object], iterations: Sequence[Record], name: str) -> LoggedFile:
    """The run in the content of `catboost_training.json`."""
    names = {part: _metric_names(meta.get(f"{part}_metrics")) for part in CATBOOST_SETS}
    records: list[Record] = []
    for iteration in iterations:
        record: dict[str, object] = {"iteration": iteration.get("iteration")}
        for part, stage in CATBOOST_SETS.items():
            values = iteration.get(part)
            some = values if isinstance(values, list) else []
            record |= {f"{stage}/{metric}": value for metric, value in zip(names[part], some, strict=False)}
        records.append(record)
    if not records:
        raise UnreadableLogError("expected iterations in catboost_training.json, got none: the training has not logged yet")
    return run_of(Rows(records), name, {})


def catboost_folder(folder: Path, name: str) -> LoggedFile:
    """The run in CatBoost's `learn_error.tsv` and `test_error.tsv`."""
    by_iteration: dict[object, dict[str, object]] = {}
    for file, stage in CATBOOST_TABLES.items():
        if not (folder / file).is_file():
            continue
        for record in read_rows((folder / file).read_text(encoding="utf-8", errors="replace")).records:
            iteration = record.get("iter")
            found = by_iteration.setdefault(iteration, {"iteration": iteration})
            found |= {f"{stage}/{metric}": value for metric, value in record.items() if metric != "iter"}
    return run_of(Rows(list(by_iteration.values())), name, {})


def _metric_names(metrics: object) -> list[str]:
    return [str(one.get("name")) for one in metrics if isinstance(one, dict)] if isinstance(metrics, list) else []
