"""What one pass over one set has found, before several processes put theirs together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torchmetrics import Metric


@dataclass
class Part:
    """What one process found in a pass over its part of a set: means by metric as sums and weights, torchmetrics not yet
    computed, or the examples of an error function: predictions and targets, or (`is_by_example`) their errors twice.
    `outputs` are some of the module's predictions `[n_kept, ...]`. `problem` says what ended it early.
    """

    n: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    examples: tuple[torch.Tensor, torch.Tensor] | None = None
    is_by_example: bool = False
    outputs: np.ndarray[Any, Any] | None = None
    problem: str = ""

    @property
    def names(self) -> Collection[str]:
        return [*self.sums, *self.metrics]

    def values(self) -> dict[str, float]:
        """Each metric over all examples. Torchmetrics gather what other processes hold: all must ask, or none."""
        means = {name: total / self.weights[name] for name, total in self.sums.items()}
        return means | {name: float(self.metrics[name].compute()) for name in sorted(self.metrics)}
