"""The Trainer as a pass of ours shows it to the module: validating, with results, loggers and decisions of the pass's own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

from bvtrack.adapters import QuietWriter
from bvtrack_lightning.recorder import Recorder

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.loggers import Logger

StepName = Literal["validation_step", "test_step"]


@contextmanager
def measuring(trainer: Trainer, module: LightningModule, recorder: Recorder, step: StepName) -> Iterator[None]:
    """Whatever is logged to the Trainer, from wherever and by whichever name, meets in its loop's results: here `recorder`.

    What is logged to its loggers goes nowhere. The stage is that of `step`; what a step decides (`trainer.should_stop`) or
    puts into `trainer.callback_metrics` is undone afterwards.
    """
    loops: list[Any] = [trainer.fit_loop.epoch_loop, trainer.fit_loop.epoch_loop.val_loop]
    connector, state = trainer._logger_connector, trainer.state
    places: list[dict[str, Any]] = [vars(owner) for owner in (*loops, connector, state, trainer)]
    saved = [dict(place) for place in places]
    for loop in loops:
        loop._results = recorder
    connector.__dict__ |= {name: dict(value) for name, value in vars(connector).items() if isinstance(value, dict)}
    state.stage = type(state.stage)("test" if step == "test_step" else "validate")  # type: ignore[misc]  # it is not None here
    trainer.loggers = [cast("Logger", QuietWriter(logger)) for logger in trainer.loggers]
    trainer.barebones = False  # there `log` would do nothing
    try:
        yield
    finally:
        for place, values in zip(places, saved, strict=True):
            place.update(values)


@contextmanager
def preserve_schedules(trainer: Trainer) -> Iterator[None]:
    """Optimisers' settings and schedules, which a hook under manual optimisation may step, as they were."""
    schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
    states = [copy.deepcopy(scheduler.state_dict()) for scheduler in schedulers]
    groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
    settings = [{name: copy.deepcopy(value) for name, value in group.items() if name != "params"} for group in groups]
    try:
        yield
    finally:
        for scheduler, state in zip(schedulers, states, strict=True):
            scheduler.load_state_dict(state)
        for group, values in zip(groups, settings, strict=True):
            group.update(values)
