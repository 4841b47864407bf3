"""A run in a log file, in the shape in which an audit reads runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bvtrack.store.logged_run import Latest, LoggedRun, finite_or_nan
from bvtrack.store.metric_point import Point


class UnreadableLogError(ValueError):
    """Raised for a file that holds no readable log; the message says what was expected and what arrived."""


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """One run of a log file: its points by metric, and the params beside it.

    `unit` is that of the points' steps, `epochs` the epoch by step where the file has both, and `remarks` say what was assumed
    or left out. `is_part` is true for the export of a single chart: other files may hold the run's other metrics.
    """

    name: str
    points: Mapping[str, Sequence[Point]]
    unit: str = "epoch"
    epochs: Mapping[int, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    is_part: bool = False

    @property
    def run(self) -> LoggedRun:
        """The run without its histories."""
        metrics = {name: _latest(points) for name, points in self.points.items() if points}
        return LoggedRun(run_id=self.name, name=self.name, metrics=metrics, params=self.params)

    def history(self, metric: str) -> Sequence[Point]:
        """The points of a metric; empty if there is no such metric."""
        return self.points.get(metric, ())

    def when(self, step: int) -> str:
        """A step in words, with its epoch if the file has one: `epoch 3 (step 240)`."""
        if self.unit != "epoch" and step in self.epochs:
            return f"epoch {self.epochs[step]:g} ({self.unit} {step})"
        return f"{self.unit} {step}"

    def until(self, step: int) -> LoggedFile:
        """The run as it was at this step."""
        earlier = {name: [point for point in points if point.step <= step] for name, points in self.points.items()}
        return replace(self, points={name: points for name, points in earlier.items() if points})

    def with_remarks(self, *remarks: str) -> LoggedFile:
        """The same run with more remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))


def merged(parts: Sequence[LoggedFile]) -> Iterator[LoggedFile]:
    """The runs, with the parts of one run put together: exports of single charts that name the same run."""
    by_name: dict[str, LoggedFile] = {}
    for part in parts:
        if not part.is_part or part.name not in by_name:
            by_name[part.name if part.is_part else f"{part.name}\0{len(by_name)}"] = part
            continue
        known = by_name[part.name]
        remarks = tuple(dict.fromkeys((*known.remarks, *part.remarks)))
        by_name[part.name] = replace(known, points={**known.points, **part.points}, remarks=remarks)
    yield from by_name.values()


def _latest(points: Sequence[Point]) -> Latest:
    last = max(points)
    return Latest(finite_or_nan(last.value), last.step, last.timestamp)
