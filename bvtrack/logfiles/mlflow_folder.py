"""A run's folder in MLflow's file store: `metrics/NAME` with a time, a value and a step on each line, `params/NAME`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError
from bvtrack.store.metric_point import Point


def is_run_folder(folder: Path) -> bool:
    """True for the folder of one run."""
    return (folder / "meta.yaml").is_file() and (folder / "metrics").is_dir()


def is_metric_file(path: Path) -> bool:
    """True for a file below the metrics of a run's folder."""
    return any(parent.name == "metrics" and is_run_folder(parent.parent) for parent in path.parents)


def run_of_metric_file(path: Path) -> LoggedFile:
    """The run of which the file is one metric, with all of its metrics."""
    folder = next(parent.parent for parent in path.parents if parent.name == "metrics" and is_run_folder(parent.parent))
    return run_of_folder(folder)


def run_of_folder(folder: Path) -> LoggedFile:
    """The run in a folder. Raises `UnreadableLogError` if it has no metrics."""
    metrics = folder / "metrics"
    files = [path for path in sorted(metrics.rglob("*")) if path.is_file()]
    points = {path.relative_to(metrics).as_posix(): list(_points(path)) for path in files}
    if not any(points.values()):
        raise UnreadableLogError("expected metrics in the folder of a run of MLflow, got none")
    return LoggedFile(str(folder), {name: some for name, some in points.items() if some}, "step", params=_params(folder))


def _points(path: Path) -> Iterator[Point]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, IndexError):  # a line that is half written
            time, value, *step = line.split()
            yield Point(int(step[0]) if step else 0, int(time), float(value))


def _params(folder: Path) -> dict[str, str]:
    files = [path for path in sorted((folder / "params").rglob("*")) if path.is_file()]
    return {
        path.relative_to(folder / "params").as_posix(): path.read_text(encoding="utf-8", errors="replace").strip()
        for path in files
    }
