"""Reads the metrics that a Trainer has logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

FIRST_LOADER = "/dataloader_idx_0"
"""Suffix of a metric's name if there are several validation dataloaders; the first one is the dev set."""


def logged_metrics(trainer: Trainer) -> dict[str, Any]:
    """The logged metrics, those of the first of several dataloaders under their plain names."""
    return {name.removesuffix(FIRST_LOADER): value for name, value in trainer.callback_metrics.items()}


def logged_at_end(trainer: Trainer) -> set[str]:
    """Names of the metrics that the last validation logged once, behind all batches."""
    results = getattr(trainer.fit_loop.epoch_loop.val_loop, "_results", {})
    return {result.meta.name for result in results.values() if result.meta.fx.endswith("_epoch_end")}


def of_the_last_batch(trainer: Trainer) -> set[str]:
    """Names of the metrics that the training step logged without averaging them over the epoch."""
    results = getattr(trainer.fit_loop.epoch_loop, "_results", {})
    return {result.meta.name for result in results.values() if not result.meta.on_epoch}
