"""Runs in JSON: a list of records, lists of values by metric, and the files of Transformers and CatBoost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bvtrack.logfiles.boosting import catboost_run, with_named_sets
from bvtrack.logfiles.cells import number_in
from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError
from bvtrack.logfiles.positions import is_index
from bvtrack.logfiles.records import run_of, runs_in
from bvtrack.logfiles.table_text import Record, Rows
from bvtrack.measures.metric_name import STAGE_OF

Series = Mapping[str, Sequence[object]]
"""Values by metric."""
POINT = ("wall_time", "step", "value")
"""The values of a point in the JSON that TensorBoard exports."""


def looks_like_json(text: str) -> bool:
    """True for an object or a list, or one on each line."""
    return text.lstrip()[:1] in ("{", "[")


def read_json(text: str) -> Any:
    """The content of JSON, or of JSON lines as a `Rows`. Raises `UnreadableLogError` for neither."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise UnreadableLogError("expected JSON with metrics, got lists inside lists without end") from error
    except ValueError as error:
        records, n_broken = _lines(text)
        if not records:
            raise UnreadableLogError(
                f"expected JSON or JSON lines, got text that breaks off or is damaged ({error})"
            ) from error
        return Rows(records, (f"{n_broken} lines are no JSON and were left out",) * bool(n_broken))


def runs_in_json(content: Any, name: str, params: Mapping[str, str]) -> Iterator[LoggedFile]:
    """The runs in the content of a JSON file. Raises `UnreadableLogError`, with what was found, if there is none."""
    match content:
        case Rows():
            yield from runs_in(content, name, params)
        case {"log_history": [*records]}:
            yield _transformers_run(_records(records), name, params, content.get("train_batch_size"))
        case {"meta": dict(meta), "iterations": [*iterations]}:
            yield catboost_run(meta, _records(iterations), name)
        case [[_, _, _], *_]:
            points = [point for point in content if isinstance(point, list) and len(point) == len(POINT)]
            rows = [dict(zip(POINT, point, strict=True)) for point in points]
            yield from runs_in(Rows(rows), name, params)
        case [{**first}, *rest]:
            yield from runs_in(Rows(_records([first, *rest])), name, params)
        case dict():
            yield from _runs_in_object(content, name, params)
        case _:
            raise UnreadableLogError(f"expected records or lists of metrics, got JSON that is {_kind(content)}")


def _runs_in_object(content: Mapping[str, Any], name: str, params: Mapping[str, str]) -> Iterator[LoggedFile]:
    if series := dict(_series(content)):
        yield _series_run(_without_common_part(series), name, params)
        return
    lists = [value for value in content.values() if isinstance(value, list) and _records(value)]
    if not lists:
        raise UnreadableLogError(
            "expected metrics by epoch or step, got single values: the metrics of the end only have no course"
        )
    yield from runs_in(Rows(_records(max(lists, key=len))), name, params)


def _transformers_run(records: Sequence[Record], name: str, params: Mapping[str, str], batch_size: object) -> LoggedFile:
    """The run; as in what Transformers' own callback logs, `loss` is the train loss, as a param tells the audit."""
    if not records:
        raise UnreadableLogError("expected entries in log_history, got none: the training has not logged yet")
    known = {"transformers_version": ""} | ({"batch_size": str(batch_size)} if isinstance(batch_size, int) else {})
    return run_of(Rows(records), name, {**known, **params})


def _series(content: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Sequence[object]]]:
    """The lists of numbers by path; a mapping from whole numbers to numbers is a list, too, as pandas writes it."""
    for name, value in content.items():
        where = f"{path}/{name}" if path else str(name)
        if isinstance(value, dict):
            is_list = bool(value) and all(str(key).isdecimal() for key in value)
            yield from (
                [(where, list(value.values()))] if is_list and _is_series(list(value.values())) else _series(value, where)
            )
        elif isinstance(value, list) and _is_series(value):
            yield where, value


def _series_run(series: Series, name: str, params: Mapping[str, str]) -> LoggedFile:
    series, remarks = with_named_sets(series)
    n = max(map(len, series.values()))
    columns: dict[str, Mapping[int, object]] = {}
    for metric, values in series.items():
        if n % len(values):
            remarks += (f"{metric} has {len(values)} values beside {n} of others: nothing says when each was measured",)
        else:
            each = n // len(values)
            columns[metric] = {(i + 1) * each - 1: value for i, value in enumerate(values)}
    if not any(map(is_index, columns)):
        columns["epoch"] = dict(enumerate(range(n)))
    records = [{metric: some[i] for metric, some in columns.items() if i in some} for i in range(n)]
    return run_of(Rows(records, remarks), name, params)


def _without_common_part(series: Series) -> Series:
    """The series without a first part of the name that all have, unless it names a set: `{"history": {"loss": …}}`."""
    parts = {name.partition("/")[::2] for name in series}
    first = {part for part, _ in parts}
    if len(first) > 1 or not all(rest for _, rest in parts) or first & STAGE_OF.keys():
        return series
    return _without_common_part({name.partition("/")[2]: values for name, values in series.items()})


def _is_series(values: Sequence[object]) -> bool:
    return bool(values) and all(not isinstance(number_in(value), str) for value in values)


def _records(values: Sequence[object]) -> list[Record]:
    return [value for value in values if isinstance(value, dict)]


def _lines(text: str) -> tuple[list[Record], int]:
    """The objects of JSON lines, and the number of other lines; a last line that is half written does not count."""
    records, broken = list[Record](), []
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            records.append(found)
        else:
            broken.append(number)
    return records, len(set(broken) - {len(lines)})


def _kind(content: object) -> str:
    if content == []:
        return "an empty list"
    return "a list of something else" if isinstance(content, list) else "a single value"
