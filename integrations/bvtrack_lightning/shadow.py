"""Restores all state that a user's step changes when it runs outside Lightning's loops, also when it raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from bvtrack.adapters import WriteGuard, guard_writes, is_users_class, preserve_named_state, preserve_random_states
from bvtrack_lightning.attributes import preserve_attributes
from bvtrack_lightning.equality import are_equal
from bvtrack_lightning.family import is_users_own
from bvtrack_lightning.foreign import foreign_restorer
from bvtrack_lightning.recorder import Recorder
from bvtrack_lightning.trainer_state import StepName, measuring, preserve_schedules

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer


MACHINERY = vars(torch.nn.Module()).keys()
"""Attributes by which torch keeps parameters, buffers, submodules and hooks."""


@contextmanager
def untouched(
    trainer: Trainer, module: LightningModule, recorder: Recorder, step: StepName, n_batches: int | None
) -> Iterator[WriteGuard]:
    """`module` in eval mode, logging into `recorder`; all that its steps may touch is as it was afterwards. They are told that
    there are `n_batches`.

    The guard holds back what they write elsewhere.
    """
    datamodules = [owner for owner in (getattr(trainer, "datamodule", None),) if owner is not None]
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]  # set where mypy does not look
    others = [*datamodules, *(callback for callback in callbacks if is_users_class(type(callback)))]
    parts, objects = [*module.modules(), *others], [trainer, *others]
    attributes = [value for part in parts for name, value in vars(part).items() if name not in MACHINERY]
    own = frozenset(map(id, module.modules()))
    with (
        preserve_random_states(),
        _modes(module),
        _buffers(module),
        _gradients(module),
        preserve_attributes(module),
        preserve_named_state(map(type, parts), attributes, objects, partial(foreign_restorer, own=own)),
        preserve_schedules(trainer, module),
        measuring(trainer, module, recorder, step, n_batches),
        guard_writes() as guard,
    ):
        _to_eval_mode(module, step)
        yield guard


@contextmanager
def _modes(module: torch.nn.Module) -> Iterator[None]:
    """Each submodule's own flag is kept: people freeze a BatchNorm inside a training module."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _to_eval_mode(module: LightningModule, step: StepName) -> None:
    """By the module's own hook where it has one, which may keep some dropout on."""
    hook = module.on_test_model_eval if step == "test_step" else module.on_validation_model_eval
    if is_users_own(hook):
        hook()
    else:
        module.eval()


@contextmanager
def _buffers(module: torch.nn.Module) -> Iterator[None]:
    """Buffers that steps count in, the same tensors with the same values."""
    saved = [
        (part._buffers, name, buffer, buffer.clone())
        for part in module.modules()
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        is_same = are_equal([(buffer, values) for *_, buffer, values in saved])
        for (buffers, name, buffer, values), is_as_before in zip(saved, is_same, strict=True):
            buffers[name] = buffer
            if not is_as_before:
                buffer.copy_(values)


@contextmanager
def _gradients(module: torch.nn.Module) -> Iterator[None]:
    """Each parameter has the gradient, or none, that it had; a step may look for the gradient of its input."""
    saved = [(weights, weights.grad) for weights in module.parameters()]
    try:
        yield
    finally:
        for weights, gradient in saved:
            weights.grad = gradient
