"""Records the metrics that a module's step logs in a pass of our own, in place of its `log` and `log_dict`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from torchmetrics import Metric

from bvtrack_lightning.processes import Part


class Recorder:
    """Averages the numbers that a step logs over examples, and keeps torchmetrics."""

    def __init__(self) -> None:
        self.n_examples = 0
        self._batch_size = 1
        self._sums: dict[str, float | torch.Tensor] = {}
        self._weights: dict[str, int] = {}
        self._metrics: dict[str, Metric] = {}

    @property
    def names(self) -> Collection[str]:
        return [*self._sums, *self._metrics]

    def start(self, batch: Any) -> None:
        """Begin a batch: the next logged values belong to it."""
        self._batch_size = batch_size_of(batch) or 1
        self.n_examples += self._batch_size

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # its graph would be made anew for each pass
    def log(self, name: str, value: Any, *_: Any, batch_size: int | None = None, **options: Any) -> None:
        """Replaces `LightningModule.log`; values that are not averaged over batches are left out."""
        if options.get("reduce_fx", "mean") not in ("mean", torch.mean):
            return
        if isinstance(value, Metric):
            self._metrics[name] = value
            return
        weight = batch_size or self._batch_size
        value = value.detach().float() if isinstance(value, torch.Tensor) else value  # half precision does not add up
        self._sums[name] = self._sums.get(name, 0.0) + value * weight
        self._weights[name] = self._weights.get(name, 0) + weight

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # its graph would be made anew for each pass
    def log_dict(self, dictionary: Mapping[str, Any], *_: Any, batch_size: int | None = None, **options: Any) -> None:
        """Replaces `LightningModule.log_dict`."""
        for name, value in dictionary.items():
            self.log(name, value, batch_size=batch_size, **options)

    def part(self) -> Part:
        """The logged metrics. This is the one place that waits for the accelerator."""
        sums = {name: float(total) for name, total in self._sums.items()}
        return Part(self.n_examples, sums=sums, weights=self._weights, metrics=self._metrics)


def batch_size_of(batch: Any) -> int | None:
    """The length of the first tensor in a batch; `None` where there is none."""
    if isinstance(batch, torch.Tensor):
        return len(batch) if batch.ndim else 1
    parts: Iterable[Any] = ()
    if isinstance(batch, Mapping):
        parts = batch.values()
    elif isinstance(batch, Sequence) and not isinstance(batch, str):
        parts = batch
    return next((size for part in parts if (size := batch_size_of(part)) is not None), None)
