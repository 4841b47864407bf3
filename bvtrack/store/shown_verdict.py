"""The values of the verdict's metrics that a run in MLflow shows, so that each is written only where it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self

from bvtrack.schema.names import is_of_verdict
from bvtrack.schema.verdict_metrics import STEP, unlike
from bvtrack.store.bundle import Point

if TYPE_CHECKING:
    from mlflow.entities import Run


class ShownVerdict:
    """The last point of each metric of the verdict in one run; none for a new run."""

    def __init__(self, points: Iterable[Point] = ()) -> None:
        self._points: dict[str, Point] = {}
        self.see(points)

    @classmethod
    def of(cls, run: Run) -> Self:
        """The points that a run has."""
        return cls(shown_points(run))

    def see(self, points: Iterable[Point]) -> None:
        """Take over points of the run, except those older than what is known: a server may read a replica."""
        for point in points:
            known = self._points.get(point.name)
            if known is None or known.timestamp <= point.timestamp:
                self._points[point.name] = point

    def news(self, values: Mapping[str, float], timestamp: int) -> list[Point]:
        """The points after which the run shows these values: later than all that it has, even where clocks disagree."""
        at = max([timestamp, *(point.timestamp + 1 for point in self._points.values())])
        shown = {name: point.value for name, point in self._points.items()}
        return [Point(name, value, at, STEP) for name, value in unlike(values, shown)]


def shown_points(run: Run) -> list[Point]:
    """The last points of the verdict's metrics in a run as MLflow returns it."""
    found = run.data.to_proto().metrics  # `run.data.metrics` has no times
    return [Point(one.key, one.value, one.timestamp, one.step) for one in found if is_of_verdict(one.key)]
