"""What one pass over one set has found, before several processes put theirs together."""

from __future__ import annotations

from dataclasses import dataclass, field

from torchmetrics import Metric

from bvtrack.adapters import Pass


@dataclass(frozen=True)
class Part(Pass):
    """What one process found in a pass over its part of a set: means by metric as sums and weights, torchmetrics not yet
    computed, or the examples of an error function.
    """

    sums: dict[str, float] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)

    def means(self) -> dict[str, float]:
        """Each metric over all examples. Torchmetrics gather what other processes hold: all must ask, or none."""
        means = {name: total / self.weights[name] for name, total in self.sums.items()}
        return means | {name: float(self.metrics[name].compute()) for name in sorted(self.metrics)}
