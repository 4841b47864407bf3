"""The Trainer as a pass of ours shows it to the module: validating, with results, loggers and decisions of the pass's own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch.optim.lr_scheduler import LRScheduler

from bvtrack.adapters import QuietWriter
from bvtrack_lightning.recorder import Recorder

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.loggers import Logger

StepName = Literal["validation_step", "test_step"]


@contextmanager
def measuring(
    trainer: Trainer, module: LightningModule, recorder: Recorder, step: StepName, n_batches: int | None
) -> Iterator[None]:
    """Whatever is logged to the Trainer, from wherever and by whichever name, meets in its loop's results: here `recorder`.

    What is logged to its loggers goes nowhere. The stage is that of `step`; what a step decides (`trainer.should_stop`) or
    puts into `trainer.callback_metrics` is undone afterwards.
    """
    loops: list[Any] = [trainer.fit_loop, trainer.fit_loop.epoch_loop, trainer.fit_loop.epoch_loop.val_loop]
    connector, state = trainer._logger_connector, trainer.state
    places: list[dict[str, Any]] = [vars(owner) for owner in (*loops, connector, state, trainer)]
    saved = [dict(place) for place in places]
    for loop in loops[1:]:
        loop._results = recorder
    if n_batches is not None:
        trainer.fit_loop.epoch_loop.val_loop._max_batches = [n_batches]
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
def preserve_schedules(trainer: Trainer, module: LightningModule) -> Iterator[None]:
    """Optimisers' settings and schedules, which a step or a hook may change by hand, as they were."""
    held = vars(module).values()
    schedulers: list[Any] = [config.scheduler for config in trainer.lr_scheduler_configs]
    schedulers += [value for value in held if isinstance(value, LRScheduler)]
    optimizers = [*trainer.optimizers, *(value for value in held if isinstance(value, torch.optim.Optimizer))]
    places: list[dict[str, Any]] = [vars(scheduler) for scheduler in schedulers]
    places += [group for optimizer in optimizers for group in optimizer.param_groups]
    saved = [{name: (value, copy.copy(value)) for name, value in place.items() if name != "params"} for place in places]
    try:
        yield
    finally:
        for place, values in zip(places, saved, strict=True):
            for name, (value, as_it_was) in values.items():
                place[name] = _put_back(value, as_it_was)


def _put_back(value: Any, as_it_was: Any) -> Any:
    """The same object with the same content, where it is one that changes in place."""
    if isinstance(value, torch.Tensor):
        value.copy_(as_it_was)
    elif isinstance(value, list):
        value[:] = as_it_was
    return value
