"""What a module and its optimiser are, as evidence for the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.parameter import is_lazy

from bvtrack import ModelFacts
from bvtrack.adapters import as_number

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer


def model_facts(trainer: Trainer, module: LightningModule, batch_size: int | None) -> ModelFacts:
    """Read once, before the first step; of several optimisers the first counts. A learning rate that is warmed up is the one
    that it is warmed up to.
    """
    optimizer = next(iter(trainer.optimizers), None)
    group = optimizer.param_groups[0] if optimizer else {}
    rates = [rate for name in ("lr", "initial_lr", "max_lr") if (rate := as_number(group.get(name))) is not None]
    groups = optimizer.param_groups if optimizer else []
    decays = [decay for each in groups if (decay := as_number(each.get("weight_decay"))) is not None]
    schedule = next((config.scheduler for config in trainer.lr_scheduler_configs), None)
    return ModelFacts(
        parameters=sum(part.numel() for part in module.parameters() if part.requires_grad and not is_lazy(part)),
        optimizer=type(optimizer).__name__ if optimizer else None,
        learning_rate=max(rates, default=None),
        momentum=as_number(group.get("momentum")),
        weight_decay=max(decays, default=None),
        dropout=max(map(_dropout, module.modules()), default=0.0),
        batch_size=batch_size,
        batch_norm=any(isinstance(part, _BatchNorm) for part in module.modules()),
        schedule="none" if schedule is None else type(schedule).__name__,
    )


def monitors_of(trainer: Trainer) -> list[str]:
    """The metrics that callbacks and schedules choose by: `EarlyStopping`, `ModelCheckpoint`, `ReduceLROnPlateau`."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
    monitored = [getattr(each, "monitor", None) for each in (*callbacks, *trainer.lr_scheduler_configs)]
    return [name for name in monitored if isinstance(name, str)]


def _dropout(part: torch.nn.Module) -> float:
    """The rate of a dropout module, or of one that drops out within itself, as recurrent ones and attention do."""
    rate = part.p if isinstance(part, _DropoutNd) else getattr(part, "dropout", None)
    return as_number(rate) or 0.0
