"""Distributed training: joins the results that each process found in its part of the data.

All processes call these together, or none; a process that fails says so instead of staying away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import distributed
from torchmetrics import Metric

from bvtrack.adapters import Pass, SetName, join_examples
from bvtrack_lightning.family import ancestry

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

_Value = TypeVar("_Value")
SAFE, UNSAFE = {"SingleDeviceStrategy", "DDPStrategy"}, {"DeepSpeedStrategy"}
"""Strategies, by a class's name in their ancestry, under which each process holds the whole model and may run it alone."""


@dataclass(frozen=True)
class Part(Pass):
    """Result of one process's pass over its part of a set: means by metric as sums and weights, torchmetrics not yet
    computed, or the examples of an error function. `at_end` are names of numbers that were logged once, behind all batches.
    """

    sums: dict[str, float] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    at_end: Set[str] = frozenset()

    @property
    def names(self) -> Sequence[str]:
        """Names of what was logged."""
        return [*self.sums, *self.metrics]

    def or_else(self, other: Part) -> Part:
        """What this part has logged, and what `other`, of the same data, has logged beside it."""
        return replace(
            self,
            sums=other.sums | self.sums,
            weights=other.weights | self.weights,
            metrics=other.metrics | self.metrics,
            at_end={*other.at_end, *self.at_end},
        )

    def means(self) -> dict[str, float]:
        """Each metric over all examples, in float32, as Lightning's own means are: equal sets have equal errors. Torchmetrics
        gather what other processes hold: all must ask, or none.
        """
        means = {name: float(np.float32(total / self.weights[name])) for name, total in self.sums.items()}
        return means | {name: float(self.metrics[name].compute()) for name in sorted(self.metrics)}


def may_run_passes(trainer: Trainer) -> bool:
    """True if the module can be run outside Lightning's loops; False if its weights are sharded over processes."""
    kinds = ancestry(trainer.strategy)
    return bool(kinds & SAFE) and not kinds & UNSAFE


def share_buffers(trainer: Trainer, module: LightningModule) -> None:
    """Give all processes the first one's buffers (a batch norm's averages), as DDP does before it validates."""
    if trainer.world_size > 1:
        for buffer in module.buffers():
            if buffer.dtype != torch.bool:  # gloo sends none
                distributed.broadcast(buffer, 0)


def from_all(trainer: Trainer, value: _Value) -> Sequence[_Value]:
    """The value of each process, in the order of their ranks."""
    if trainer.world_size == 1 or not distributed.is_initialized():
        return [value]
    values: list[Any] = [None] * trainer.world_size
    distributed.all_gather_object(values, value)
    return values


def join(trainer: Trainer, parts: Mapping[SetName, Part]) -> dict[SetName, Part]:
    """The parts of all processes as one, by set. Torchmetrics stay as they are: they gather for themselves when asked."""
    if trainer.world_size == 1:
        return dict(parts)
    told = from_all(trainer, {name: _portable(part) for name, part in parts.items()})
    return {name: _joined([one.get(name, Part()) for one in told], part.metrics) for name, part in parts.items()}


def _portable(part: Part) -> Part:
    """The part with the names of its torchmetrics alone, and without outputs: those of the first process are sample enough.
    Nor with what it has seen of its examples, which are not the set's in order.
    """
    return replace(part, metrics=dict.fromkeys(part.metrics), outputs=None, seen=None)  # type: ignore[arg-type]  # names alone


def _joined(parts: Sequence[Part], own_metrics: Mapping[str, Any]) -> Part:
    has_all_metrics = all(part.metrics.keys() == own_metrics.keys() for part in parts)
    problems = [part.problem for part in parts if part.problem]
    if not has_all_metrics and not problems:
        problems = ["not all processes logged the same metrics"]
    examples = [part.examples for part in parts if part.examples is not None]
    return Part(
        n=sum(part.n or 0 for part in parts),
        sums=_added(part.sums for part in parts),
        weights=_added(part.weights for part in parts),
        metrics=dict(own_metrics) if not problems else {},
        examples=join_examples(examples) if examples else None,
        is_by_example=any(part.is_by_example for part in parts),
        is_averaged=any(part.is_averaged for part in parts),
        over_classes={name for part in parts for name in part.over_classes},
        at_end={name for part in parts for name in part.at_end},
        problem=problems[0] if problems else "",
    )


def _added(tallies: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(total)
