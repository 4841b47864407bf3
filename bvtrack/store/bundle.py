"""What is to be written to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a metric; `timestamp` in milliseconds since the epoch, `step` the training's epoch."""

    name: str
    value: float
    timestamp: int
    step: int


@dataclass(frozen=True)
class Bundle:
    """What MLflow is to show of a run, or of what has changed in it, as of `timestamp`. `status` ends a run of our own."""

    points: Sequence[Point] = ()
    datasets: Sequence[Mapping[str, Any]] = ()
    tags: Mapping[str, str | None] = field(default_factory=dict)
    note: str | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    status: str | None = None
    timestamp: int = 0

    def since(self, sent: Bundle) -> Bundle:
        """Without what overwrites itself and has been sent already."""
        return replace(
            self,
            tags={name: value for name, value in self.tags.items() if sent.tags.get(name) != value},
            note=None if self.note == sent.note else self.note,
            files={path: content for path, content in self.files.items() if sent.files.get(path) != content},
            status=None if self.status == sent.status else self.status,
        )

    @property
    def only_new(self) -> Bundle:
        """The points and datasets alone, without what would overwrite what a later training has said of the run."""
        return Bundle(points=self.points, datasets=self.datasets, timestamp=self.timestamp)
