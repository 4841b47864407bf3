"""What a Trainer has logged."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from bvtrack import Measure, find_measure

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

FIRST_LOADER = "/dataloader_idx_0"
"""What Lightning puts behind a metric's name where there are several validation loaders; the first one is the dev set."""


def logged_metrics(trainer: Trainer) -> dict[str, Any]:
    """What has been logged, the first of several loaders under its plain name."""
    return {name.removesuffix(FIRST_LOADER): value for name, value in trainer.callback_metrics.items()}


def of_the_last_batch(trainer: Trainer) -> set[str]:
    """What the training step logged without averaging it over the epoch."""
    results = getattr(trainer.fit_loop.epoch_loop, "_results", {})
    return {result.meta.name for result in results.values() if not result.meta.on_epoch}


def is_measured(measure: Measure | None, names: Collection[str]) -> bool:
    """Whether the error is among the logged `names`, as far as it is known yet which that is."""
    if measure is not None:
        return measure.find_in(names) is not None
    found = find_measure(names)
    return found is not None and found.kind != "loss"
