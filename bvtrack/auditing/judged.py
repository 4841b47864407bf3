"""What an audit makes of a run: the result, and what is to be written of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from bvtrack.auditing.audited import Audited, changed, skipped
from bvtrack.logged.unknown import Unknown
from bvtrack.schema.tags import Tags
from bvtrack.schema.verdict_metrics import NO_VALUE, unlike
from bvtrack.store.logged_run import LoggedRun


@dataclass(frozen=True, slots=True)
class Judged:
    """The result for a run, and its new tags and metrics of the verdict; neither if nothing is to be written."""

    audited: Audited
    tags: Tags = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def nothing(cls, run: LoggedRun, unknown: Unknown) -> Self:
        """The result for a run that is not tagged."""
        return cls(skipped(run, unknown))


@dataclass(frozen=True, slots=True)
class Changes:
    """The tags and metrics of the verdict in which a run differs from what it should have."""

    tags: Tags
    values: Mapping[str, float]

    @classmethod
    def to(cls, run: LoggedRun, tags: Tags, values: Mapping[str, float]) -> Self:
        """The changes that give the run these tags and values."""
        shown = {name: latest.value for name, latest in run.verdict.items()}
        return cls(changed(run, tags), dict(unlike(values, shown)))

    def __bool__(self) -> bool:
        return bool(self.tags or self.values)


def without_values(run: LoggedRun) -> dict[str, float]:
    """The metrics of the verdict that a run has, each without a value: MLflow deletes no metric."""
    return dict.fromkeys(run.verdict, NO_VALUE)
