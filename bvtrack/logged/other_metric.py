"""Whether another dev metric tells otherwise of a run than the one that it is diagnosed by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bvtrack.curves.curve import Shape
from bvtrack.diagnosis.run_verdict import EpochErrors
from bvtrack.logged.autologgers import readings
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.series import series_of
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.metric_point import Point


def dev_loss_of(run: LoggedRun, found: Found) -> str | None:
    """The dev loss that was logged beside the error; `None` if there is none, or the error is made of it."""
    if found.has_units:
        return None
    losses = [metric for metric in readings(run) if metric.kind == "loss" and metric.stage == "dev"]
    best = min(losses, key=lambda metric: (metric.rank, metric.preference), default=None)
    return best.name if best is not None and run.metrics[best.name].step else None


def disagreement(loss: str, history: Callable[[str], Sequence[Point]], epochs: Sequence[EpochErrors]) -> str:
    """A sentence on a dev loss that has risen since its best epoch while the dev error has not; else empty."""
    points = series_of(history(loss)).points
    if len(points) < 2 or len(epochs) < 2 or _has_risen([entry.errors.get("dev") for entry in epochs], is_loss=False):
        return ""
    if not _has_risen([point.value for point in points], is_loss=True):
        return ""
    best = min(point.value for point in points)
    risen = f"{loss} has risen from {best:.4g} to {points[-1].value:.4g} while the dev error has not"
    why = "the model has become over-confident, which matters if its probabilities are used, or if the loss chooses the epoch"
    return f"{risen}: {why}."


def _has_risen(values: Sequence[float | None], *, is_loss: bool) -> bool:
    shape = Shape(is_loss=is_loss)
    for place, value in enumerate(values):
        shape.add(place, None, value)
    return shape.classify(None, None) in ("overtrained", "unstable", "diverged")
