"""Records with one column for each metric, from those that name the metric, the set or the run in a column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from bvtrack.logfiles.cells import number_in
from bvtrack.logfiles.positions import is_index
from bvtrack.logfiles.table_text import Record
from bvtrack.measures.metric_name import STAGE_OF

SETS = {"phase", "split", "set", "mode", "stage", "dataset", "subset", "partition", "data"}
"""Columns that say on which set a row's metrics were measured."""
METRICS = {"metric", "tag", "metric_name", "name", "key", "variable"}
VALUES = {"value", "metric_value", "val"}
"""Columns of a long table: a metric's name, and its value."""
RUNS = {
    "run",
    "run_id",
    "run_name",
    "fold",
    "cv_fold",
    "kfold",
    "seed",
    "trial",
    "trial_id",
    "experiment",
    "model",
    "model_name",
}
"""Columns that may tell several runs of one file apart."""


def flat(record: Record) -> dict[str, object]:
    """The record with nested ones spread out: `{"val": {"loss": 1}}` becomes `{"val/loss": 1}`."""
    found: dict[str, object] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            found |= {f"{name}/{inner}": one for inner, one in flat(value).items()}
        elif not isinstance(value, list):
            found[str(name)] = value
    return found


def wide(records: Sequence[Record]) -> list[Record]:
    """The records with one column for each metric, its set in the name."""
    columns = {name.strip().lower(): name for record in records[:1] for name in record}
    metric = next((columns[name] for name in METRICS & columns.keys()), None)
    value = next((columns[name] for name in VALUES & columns.keys()), None)
    if metric is not None and value is not None and _is_text(records, metric):
        records = [_without(one, metric, value) | {str(one.get(metric)): one.get(value)} for one in records]
    a_set = next((name for name in _columns(records) if name.strip().lower() in SETS and _names_sets(records, name)), None)
    return list(records) if a_set is None else [_of_set(record, a_set) for record in records]


def by_run(records: Sequence[Record], index: str | None) -> Mapping[str, Sequence[Record]]:
    """The records by run, if a column tells apart several whose steps, in the column `index`, each only rise."""
    for name in [name for name in _columns(records) if name.strip().lower() in RUNS]:
        groups: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            groups[str(record.get(name, "")).strip()].append(_without(record, name))
        if len(groups) > 1 and index is not None and all(map(_rises, (_numbers(some, index) for some in groups.values()))):
            return {f"{name.strip()} {group}": some for group, some in groups.items()}
    return {"": records}


def _of_set(record: Record, column: str) -> Record:
    stage = str(record.get(column, "")).strip().lower()
    kept = _without(record, column)
    return {name if is_index(name) else f"{stage}/{name}": cell for name, cell in kept.items()}


def _names_sets(records: Sequence[Record], column: str) -> bool:
    named = {str(record[column]).strip().lower() for record in records if column in record}
    return bool(named) and named <= STAGE_OF.keys()


def _is_text(records: Sequence[Record], column: str) -> bool:
    return all(isinstance(number_in(record.get(column)), str) for record in records)


def _columns(records: Sequence[Record]) -> Iterator[str]:
    yield from dict.fromkeys(name for record in records for name in record)


def _without(record: Record, *names: str) -> dict[str, object]:
    return {name: cell for name, cell in record.items() if name not in names}


def _numbers(records: Sequence[Record], column: str) -> list[float]:
    return [value for record in records if isinstance(value := number_in(record.get(column)), float)]


def _rises(values: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(values))
