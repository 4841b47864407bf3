"""Charts that were exported as CSV: by W&B and Neptune, several runs in a file, and by TensorBoard, one metric in a file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bvtrack.logfiles.logged_file import LoggedFile
from bvtrack.logfiles.positions import is_index
from bvtrack.logfiles.records import run_of
from bvtrack.logfiles.table_text import Rows
from bvtrack.measures.metric_name import STAGE_OF

OF_RUN = re.compile(r"(?P<run>.+)\s+-\s+(?P<metric>\S.*)")
"""W&B's columns: `happy-fox-3 - val/loss`, with `__MIN` and `__MAX` of what was smoothed …"""
SPREAD = ("__MIN", "__MAX")
"""… which are not the metric."""
ONE_METRIC = {"value"}
TENSORBOARD_NAME = re.compile(r"run[-_](?P<run>.*?)-tag-(?P<tag>.*)")


def is_of_runs(columns: Sequence[str]) -> bool:
    """True if all columns but those that count name a run and a metric."""
    others = [name for name in columns if not is_index(name) and not _is_axis(name)]
    return bool(others) and all(OF_RUN.fullmatch(name) for name in others)


def runs_of_export(rows: Rows, path: Path) -> Iterator[LoggedFile]:
    """The runs in a chart's data, each part of a run of this name."""
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    for name in dict.fromkeys(name for record in rows.records for name in record):
        if (match := OF_RUN.fullmatch(name)) and not name.endswith(SPREAD) and not is_index(match["metric"]):
            columns[match["run"]][name] = match["metric"]
    for run, names in columns.items():
        records = [
            {names.get(name, name): cell for name, cell in record.items() if name in names or is_index(name)}
            for record in rows.records
            if any(str(record.get(name, "")).strip() for name in names)
        ]
        yield _part(run_of(Rows(records, rows.remarks), run, {}))


def is_one_metric(columns: Sequence[str], path: Path) -> bool:
    """True for the points of one metric, whose name, or that of its set, is not in the file but in the file's path."""
    names = {name.strip().lower() for name in columns if not is_index(name)}
    return names == ONE_METRIC or (len(names) == 1 and path.parent.name.lower() in STAGE_OF)


def run_of_one_metric(rows: Rows, path: Path, params: Mapping[str, str]) -> LoggedFile:
    """The run with this one metric, called as TensorBoard calls the file that it saves, else by its path: `train/loss.tsv` is
    the train loss of the run in the folder above.
    """
    run, metric = name_in(path.stem)
    if not run and path.parent.name.lower() in STAGE_OF:
        metric, run = f"{path.parent.name}/{metric}", str(path.parent.parent)
    records = [{name if is_index(name) else metric: cell for name, cell in one.items()} for one in rows.records]
    return _part(run_of(Rows(records, rows.remarks), run or str(path.parent), params))


def name_in(stem: str) -> tuple[str, str]:
    """The run and the metric in the name of a file.

    >>> name_in("run-train-tag-epoch_loss"), name_in("run-version_0-tag-val_loss"), name_in("val_loss")
    (('', 'train/epoch_loss'), ('version_0', 'val_loss'), ('', 'val_loss'))
    """
    match = TENSORBOARD_NAME.fullmatch(stem)
    if match is None:
        return "", stem
    *parts, last = re.split(r"[/\\_]", match["run"]) if match["run"] not in ("", ".") else [""]
    return ("_".join(parts), f"{last}/{match['tag']}") if last in STAGE_OF else (match["run"].strip("."), match["tag"])


def _part(run: LoggedFile) -> LoggedFile:
    return LoggedFile(run.name, run.points, run.unit, run.epochs, run.params, run.remarks, is_part=True)


def _is_axis(name: str) -> bool:
    return name.strip().lower().startswith(("relative time", "wall time"))
