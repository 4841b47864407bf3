"""Reads the metrics that a Trainer has logged."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from bvtrack import Measure, find_measure

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

FIRST_LOADER = "/dataloader_idx_0"
"""Suffix of a metric's name if there are several validation dataloaders; the first one is the dev set."""


def logged_metrics(trainer: Trainer) -> dict[str, Any]:
    """The logged metrics, those of the first of several dataloaders under their plain names."""
    return {name.removesuffix(FIRST_LOADER): value for name, value in trainer.callback_metrics.items()}


def of_the_last_batch(trainer: Trainer) -> set[str]:
    """Names of the metrics that the training step logged without averaging them over the epoch."""
    results = getattr(trainer.fit_loop.epoch_loop, "_results", {})
    return {result.meta.name for result in results.values() if not result.meta.on_epoch}


def is_measured(measure: Measure | None, names: Collection[str]) -> bool:
    """True if the error is among the logged `names`; while the measure is not known, if any error but a bare loss is."""
    if measure is not None:
        return measure.find_in(names) is not None
    found = find_measure(names)
    return found is not None and found.kind != "loss"
