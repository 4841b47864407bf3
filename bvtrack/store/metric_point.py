"""A point of a metric as MLflow stores it."""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    """A metric's point; sorted, the newest value of a step comes last."""

    step: int
    timestamp: int
    value: float
