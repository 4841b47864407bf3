"""A run's metrics from records: one a row, with the cells by column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bvtrack.logfiles.cells import number_in, time_in, without_padding
from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError
from bvtrack.logfiles.positions import Positions, in_order, index_of, is_index, positions_of, time_of
from bvtrack.logfiles.reshaping import by_run, flat, wide
from bvtrack.logfiles.table_text import Record, Rows
from bvtrack.store.metric_point import Point

FEWEST_ROWS = 2
"""One row has no course: whether it is the best epoch, or the training goes on, nobody can tell."""
SUPERSEDED = "the {} falls back to {} in row {}: what was written before from there on is left out"


def runs_in(rows: Rows, name: str, params: Mapping[str, str]) -> Iterator[LoggedFile]:
    """The runs in these rows. Raises `UnreadableLogError` for rows without a metric, and for a single row."""
    records = in_order(wide([flat(record) for record in rows.records]))
    for group, some in by_run(records, index_of(records)).items():
        yield run_of(Rows(some, rows.remarks), f"{name} ({group})" if group else name, params)


def run_of(rows: Rows, name: str, params: Mapping[str, str]) -> LoggedFile:
    """The run in these rows. Raises `UnreadableLogError` as `runs_in` does."""
    columns, remarks = _columns(rows.records)
    if not columns:
        shown = ", ".join(dict.fromkeys(column for record in rows.records for column in record))
        raise UnreadableLogError(f"expected columns with numbers beside the epoch or step, got none; its columns are {shown}")
    positions = positions_of(rows.records, _kinds(columns, len(rows.records)))
    points, purged = _points(columns, positions, _times(rows.records))
    if max(map(len, points.values())) < FEWEST_ROWS:
        raise UnreadableLogError("expected at least two rows with metrics, got one: the metrics of the end only have no course")
    return LoggedFile(
        name,
        points,
        unit=positions.unit,
        epochs=positions.epochs,
        params=params,
        remarks=(*rows.remarks, *remarks, *positions.remarks, *purged),
    )


Cells = Mapping[str, Mapping[int, float]]
"""Numbers by column and row."""


def _columns(records: Sequence[Record]) -> tuple[Cells, list[str]]:
    """The columns with numbers, except those that count, and remarks on cells that are words."""
    numbers: dict[str, dict[int, float]] = defaultdict(dict)
    words: dict[str, list[str]] = defaultdict(list)
    for row, record in enumerate(records):
        for name, cell in record.items():
            value = number_in(cell)
            if isinstance(value, str):
                words[name].append(value)
            elif value is not None:
                numbers[name][row] = value
    found = {name: some for name, some in numbers.items() if len(words[name]) <= len(some) and not is_index(name)}
    said = "{} cells of {} are no numbers and were left out, such as {!r}"
    remarks = [said.format(len(words[name]), name, words[name][0]) for name in found if words[name]]
    return {name: _without_padding(some) for name, some in found.items()}, remarks


def _without_padding(cells: Mapping[int, float]) -> dict[int, float]:
    values = without_padding(list(cells.values()))
    return {row: value for row, value in zip(cells, values, strict=True) if value is not None}


def _kinds(columns: Cells, n: int) -> list[tuple[str, ...]]:
    """For each record, which metrics it has: validations may be logged in rows of their own."""
    kinds: list[list[str]] = [[] for _ in range(n)]
    for name, cells in columns.items():
        for row in cells:
            kinds[row].append(name)
    return [tuple(kind) for kind in kinds]


def _times(records: Sequence[Record]) -> Sequence[int]:
    column = time_of(records)
    return [0 if column is None else time_in(record.get(column)) for record in records]


def _points(columns: Cells, positions: Positions, times: Sequence[int]) -> tuple[dict[str, list[Point]], list[str]]:
    """The points by metric, the newest at each step, without those that a later start of the training has superseded."""
    found: dict[str, dict[int, Point]] = {name: {} for name in columns}
    furthest = dict.fromkeys(columns, -1)
    remarks = []
    for row, names in enumerate(_kinds(columns, len(positions.steps))):
        step = positions.steps[row]
        if any(step < furthest[name] for name in names):
            _supersede(found, step)
            furthest = dict.fromkeys(columns, -1)
            remarks = [SUPERSEDED.format(positions.unit, step, row + 1)]
        for name in names:
            found[name][step] = Point(step, times[row], columns[name][row])
            furthest[name] = step
    return {name: list(points.values()) for name, points in found.items() if points}, remarks


def _supersede(found: Mapping[str, dict[int, Point]], step: int) -> None:
    """Remove the points from `step` on."""
    for points in found.values():
        for later in [one for one in points if one >= step]:
            del points[later]
