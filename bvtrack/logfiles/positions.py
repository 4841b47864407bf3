"""When each row of a log was written: the step that puts its metrics in order, from the columns that count."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bvtrack.logfiles.cells import number_in
from bvtrack.logfiles.table_text import Record

STEPS = (
    "global_step",
    "step",
    "_step",
    "total_steps",
    "num_updates",
    "steps",
    "iteration",
    "iter",
    "iterations",
    "iters",
    "n_iter",
)
"""Columns that count steps, the finer unit …"""
EPOCHS = ("epoch", "epochs", "ep", "epoch_num", "epoch_idx", "current_epoch", "n_epoch", "round")
"""… and those that count epochs."""
PREFIXES = ("train/", "trainer/", "val/", "eval/", "charts/", "global/")
"""Before the names of counts: W&B has a `trainer/global_step` of Lightning, and a `train/epoch` of Transformers."""
TIMES = {"wall_time", "timestamp", "_timestamp", "time_stamp", "datetime", "date"}
ITERATIONS = {"iteration", "iter", "iterations", "iters", "n_iter"}
PLACED = "the {} of some rows counts something else than in the others: they are placed by their order in the file"
FEWEST_TURNED = 2
"""Two rows may as well be two starts of a training."""
NO_COUNT = "no epoch or step column: the rows are counted, in their order"


@dataclass(frozen=True, slots=True)
class Positions:
    """The step of each record, its unit, the epoch by step where both are known, and what was assumed."""

    steps: Sequence[int]
    unit: str
    epochs: Mapping[int, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def is_index(column: str) -> bool:
    """True for a column that counts or tells the time, and is no metric."""
    return _plain(column) in (*STEPS, *EPOCHS, *TIMES)


def index_of(records: Sequence[Record]) -> str | None:
    """The column that counts the records: steps rather than epochs; `None` without one."""
    return next(iter(_candidates(records)), None)


def time_of(records: Sequence[Record]) -> str | None:
    """The column with the time of each record, if there is one."""
    return next((name for name in _columns(records) if _plain(name) in TIMES), None)


def in_order(records: Sequence[Record]) -> Sequence[Record]:
    """The records, oldest first: turned round if they are listed from the newest on."""
    index = index_of(records)
    counts = [] if index is None else _filled(records, index)
    return list(reversed(records)) if len(set(counts)) > FEWEST_TURNED and _rises(counts[::-1]) else records


def positions_of(records: Sequence[Record], kinds: Sequence[object]) -> Positions:
    """The position of each record; `kinds` says which records hold the same metrics.

    Of several counts the finest is taken that never falls: from row to row, else from one row of a kind to the next, where rows
    of another kind, such as a validation's, may count something else and are placed by their order. An iteration that starts
    again in each epoch counts on from there. If all counts fall, the training was started again.
    """
    columns = {name: values for name in _candidates(records) if len(set(values := _filled(records, name))) > 1}
    if not columns:
        return Positions(range(len(records)), "row", remarks=(NO_COUNT,))
    epochs = next(([_count(record, name) for record in records] for name in _columns(records) if _plain(name) in EPOCHS), None)
    finest = next(iter(columns))
    name, values, *remarks = next(_orders(columns, kinds), (finest, columns[finest]))
    return _positions(values, name, epochs, *map(str, remarks))


def _orders(columns: Mapping[str, Sequence[float]], kinds: Sequence[object]) -> Iterator[tuple[Any, ...]]:
    """The columns that put the records in order, the best way first: name, values, and perhaps a remark."""
    epochs = next((values for name, values in columns.items() if _plain(name) in EPOCHS), None)
    rising = [(name, values) for name, values in columns.items() if _rises(values)]
    for name, values in columns.items():
        if epochs is not None and values is not epochs and (through := _counted_on(values, epochs)) is not None:
            rising.append((name, through))
    yield from sorted(rising, key=lambda one: -len(set(one[1])))  # the number of batches in an epoch is no count
    for name, values in columns.items():
        if (placed := _placed_by_order(values, kinds)) is not None:
            yield name, placed, PLACED.format(_plain(name))


def _positions(values: Sequence[float], name: str, epochs: Sequence[float | None] | None, *remarks: str) -> Positions:
    """The values as whole steps; where they are fractions of epochs, ranks stand for them."""
    is_epoch, is_iteration = _plain(name) in EPOCHS, _plain(name) in ITERATIONS
    ranks: Mapping[float, int] = {value: rank for rank, value in enumerate(sorted(set(values)))}
    is_whole = all(value == int(value) for value in ranks)
    steps = [int(value) if is_whole else ranks[value] for value in values]
    known = epochs if not is_epoch else None if is_whole else values
    unit = "epoch" if is_epoch and is_whole else "row" if is_epoch else "iteration" if is_iteration else "step"
    pairs = zip(steps, known or (), strict=False)
    return Positions(steps, unit, {step: epoch for step, epoch in pairs if epoch is not None}, remarks)


def _candidates(records: Sequence[Record]) -> Iterator[str]:
    """The counting columns that hold a number in at least half of the records, the finest first."""
    by_name: dict[str, str] = {_plain(column): column for column in reversed(_columns(records))}
    for column in (by_name[name] for name in (*STEPS, *EPOCHS) if name in by_name):
        if sum(_count(record, column) is not None for record in records) * 2 >= len(records):
            yield column


def _filled(records: Sequence[Record], column: str) -> list[float]:
    """The column's numbers, each blank with the number before it, or the first one."""
    values = [_count(record, column) for record in records]
    last = next((value for value in values if value is not None), 0.0)
    return [last := last if value is None else value for value in values]


def _count(record: Record, column: str) -> float | None:
    value = number_in(record.get(column))
    return value if isinstance(value, float) and math.isfinite(value) else None


def _counted_on(values: Sequence[float], epochs: Sequence[float]) -> list[float] | None:
    """Iterations that start again in each epoch, counted on; `None` if they do not rise within the epochs."""
    longest = max(values)
    through = [(epoch - epochs[0]) * longest + value for value, epoch in zip(values, epochs, strict=True)]
    return through if longest > 0 and _rises(through) else None


def _placed_by_order(values: Sequence[float], kinds: Sequence[object]) -> list[float] | None:
    """The values with those of lagging kinds, all of whose rows lie behind the row before, moved to where they stand; `None` if
    they stand in a block of their own, so that their places say nothing.
    """
    behind: dict[object, list[bool]] = defaultdict(list)
    furthest = -math.inf
    for value, kind in zip(values, kinds, strict=True):
        behind[kind].append(value < furthest)
        furthest = max(furthest, value)
    lagging = {kind for kind, some in behind.items() if len(some) > 1 and all(some)}
    placed, last = [], 0.0
    for value, kind in zip(values, kinds, strict=True):
        last = last if kind in lagging else value
        placed.append(last)
    places = {(kind, place) for kind, place in zip(kinds, placed, strict=True) if kind in lagging}
    is_apart = len(places) == sum(len(behind[kind]) for kind in lagging)
    return placed if lagging and is_apart and _rises(placed) else None


def _rises(values: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(values))


def _columns(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _plain(column: str) -> str:
    plain = column.strip().strip("#").strip().lower().replace(" ", "_")
    return next((plain.removeprefix(prefix) for prefix in PREFIXES if plain.startswith(prefix)), plain)
