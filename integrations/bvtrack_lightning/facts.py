"""Facts about a module and its optimiser, as evidence for the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bvtrack import ModelFacts
from bvtrack.adapters import module_facts

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer


def model_facts(trainer: Trainer, module: LightningModule, batch_size: int | None) -> ModelFacts:
    """Read once, before the first step; of several optimisers the first counts."""
    schedule = next((config.scheduler for config in trainer.lr_scheduler_configs), None)
    return module_facts(
        module,
        next(iter(trainer.optimizers), None),
        schedule="none" if schedule is None else type(schedule).__name__,
        batch_size=batch_size,
    )


def monitors_of(trainer: Trainer) -> list[str]:
    """The metrics that callbacks and schedules choose by: `EarlyStopping`, `ModelCheckpoint`, `ReduceLROnPlateau`."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
    monitored = [getattr(each, "monitor", None) for each in (*callbacks, *trainer.lr_scheduler_configs)]
    return [name for name in monitored if isinstance(name, str)]
