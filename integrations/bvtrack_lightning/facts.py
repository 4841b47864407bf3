"""Facts about a module and its optimiser, as evidence for the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.parameter import is_lazy

from bvtrack import ModelFacts
from bvtrack.adapters import as_number, largest

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer


def model_facts(trainer: Trainer, module: LightningModule, batch_size: int | None) -> ModelFacts:
    """Read once, before the first step; of several optimisers the first counts. A learning rate that is warmed up is the one
    that it is warmed up to.
    """
    optimizer = next(iter(trainer.optimizers), None)
    groups = optimizer.param_groups if optimizer else [{}]
    schedule = next((config.scheduler for config in trainer.lr_scheduler_configs), None)
    return ModelFacts(
        parameters=sum(part.numel() for part in module.parameters() if part.requires_grad and not is_lazy(part)),
        optimizer=type(optimizer).__name__ if optimizer else None,
        learning_rate=largest(groups[0].get(name) for name in ("lr", "initial_lr", "max_lr")),
        momentum=as_number(groups[0].get("momentum")),
        weight_decay=largest(group.get("weight_decay") for group in groups),
        dropout=largest(map(_dropout, module.modules())) or 0.0,
        batch_size=batch_size,
        batch_norm=any(isinstance(part, _BatchNorm) for part in module.modules()),
        schedule="none" if schedule is None else type(schedule).__name__,
    )


def monitors_of(trainer: Trainer) -> list[str]:
    """The metrics that callbacks and schedules choose by: `EarlyStopping`, `ModelCheckpoint`, `ReduceLROnPlateau`."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
    monitored = [getattr(each, "monitor", None) for each in (*callbacks, *trainer.lr_scheduler_configs)]
    return [name for name in monitored if isinstance(name, str)]


def _dropout(part: torch.nn.Module) -> Any:
    """The rate of a dropout module, or of one that drops out within itself, as recurrent ones and attention do."""
    return part.p if isinstance(part, _DropoutNd) else getattr(part, "dropout", None)
