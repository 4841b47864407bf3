"""The content to be written to a run: points, datasets, tags, note, files and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bvtrack.schema.verdict_metrics import unlike


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a metric; `timestamp` is in milliseconds since the Unix epoch, `step` the training's epoch."""

    name: str
    value: float
    timestamp: int
    step: int


@dataclass(frozen=True)
class Bundle:
    """A run's content for MLflow, or the changes to it, as of `timestamp`. `status` ends a run of our own; `verdict` are the
    metrics that always have the verdict's values. If `awaits_verdict`, the tags of the verdict are placeholders, which replace
    no verdict.
    """

    points: Sequence[Point] = ()
    datasets: Sequence[Mapping[str, Any]] = ()
    tags: Mapping[str, str | None] = field(default_factory=dict)
    note: str | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    status: str | None = None
    timestamp: int = 0
    verdict: Mapping[str, float] = field(default_factory=dict)
    awaits_verdict: bool = False

    def since(self, sent: Bundle) -> Bundle:
        """The bundle without the tags, note, files and status that `sent` already has, and without its verdict's metrics if
        `sent` has them all. A tag that `sent` says nothing of is due, even if only to be removed: an earlier sender may have
        written it.
        """
        return replace(
            self,
            tags={name: value for name, value in self.tags.items() if name not in sent.tags or sent.tags[name] != value},
            note=None if self.note == sent.note else self.note,
            files={path: content for path, content in self.files.items() if sent.files.get(path) != content},
            status=None if self.status == sent.status else self.status,
            verdict={} if sent.verdict and not any(unlike(self.verdict, sent.verdict)) else self.verdict,
        )

    @property
    def only_new(self) -> Bundle:
        """The points and datasets only, without anything that would overwrite a later training's tags, note or verdict."""
        return Bundle(points=self.points, datasets=self.datasets, timestamp=self.timestamp)
