"""TensorBoard's event files: a single one, or a folder with some of each set and each run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bvtrack.logfiles.event_records import Scalar, scalars_in
from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError
from bvtrack.logfiles.params_beside import params_beside
from bvtrack.logfiles.records import run_of
from bvtrack.logfiles.table_text import Record, Rows
from bvtrack.measures.metric_name import STAGE_OF

MARK = "tfevents"
"""In the name of each event file."""


def is_event_file(path: Path) -> bool:
    """True for a file with TensorBoard's name."""
    return MARK in path.name


def event_files_in(folder: Path) -> list[Path]:
    """The event files in a folder and those inside it."""
    return sorted(path for path in folder.rglob(f"*{MARK}*") if path.is_file())


def runs_in_events(files: Sequence[Path], root: Path, name: str) -> Iterator[LoggedFile]:
    """The runs in these files below `root`.

    The files of a folder are one run. A folder called `train` or `validation`, as Keras's callback makes them, or by the tag
    that is in it, as `SummaryWriter.add_scalars` does, holds the metrics of a set, and belongs to the run of the folder above.
    """
    found: dict[Path, list[tuple[str, Scalar]]] = defaultdict(list)
    for path in files:
        for scalar in scalars_in(path.read_bytes()):
            run, metric = _placed(path.parent.relative_to(root), scalar.tag)
            found[run].append((metric, scalar))
    if not found:
        raise UnreadableLogError("expected scalars in TensorBoard's event files, got none: nothing was logged yet")
    for run, scalars in found.items():
        called = name if run == Path() else f"{name}/{run.as_posix()}"
        yield run_of(Rows(_records(scalars)), called, params_beside(root / run / MARK))


def _placed(folder: Path, tag: str) -> tuple[Path, str]:
    """The folder of the run, and the metric with its set."""
    start, last = f"{tag.replace('/', '_')}_", folder.name
    if last.startswith(start) and last.removeprefix(start).lower() in STAGE_OF:
        return folder.parent, f"{last.removeprefix(start)}/{tag}"
    return (folder.parent, f"{last}/{tag}") if last.lower() in STAGE_OF else (folder, tag)


def _records(scalars: Sequence[tuple[str, Scalar]]) -> list[Record]:
    """A record for each scalar, in the order in which they were written."""
    in_time = sorted(scalars, key=lambda one: one[1].wall_time)
    return [{"step": one.step, "wall_time": one.wall_time, metric: one.value} for metric, one in in_time]
