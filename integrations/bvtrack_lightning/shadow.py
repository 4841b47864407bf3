"""Restores all state that a user's step changes when it runs outside Lightning's loops, also when it raises."""

from __future__ import annotations

import copy
import importlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchmetrics import Metric

from bvtrack.adapters import preserve_random_states
from bvtrack_lightning.recorder import Recorder

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

SHARED = (torch.nn.Module, torch.optim.Optimizer, Dataset, DataLoader, type)
"""Types that steps only read, or that must not be copied."""
FRAMEWORKS = {"builtins", "lightning", "lightning_fabric", "lightning_utilities", "pytorch_lightning", "torch", "weakref"}


@contextmanager
def untouched(trainer: Trainer, module: LightningModule, recorder: Recorder) -> Iterator[None]:
    """`module` in eval mode, logging into `recorder`; all that its steps may touch is as it was afterwards."""
    with preserve_random_states(), _eval_mode(module), _buffers(module), _attributes(module), _silent_loggers(trainer):
        vars(module).update(log=recorder.log, log_dict=recorder.log_dict)
        yield


@contextmanager
def _eval_mode(module: torch.nn.Module) -> Iterator[None]:
    """Each submodule's own flag is kept: people freeze a BatchNorm inside a training module."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


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
        for buffers, name, buffer, values in saved:
            buffers[name] = buffer
            if not torch.equal(buffer, values):
                buffer.copy_(values)


@contextmanager
def _attributes(module: torch.nn.Module) -> Iterator[None]:
    """Lists that steps append to, counters that they raise, meters and torchmetrics that they update, on all submodules."""
    machinery = vars(torch.nn.Module()).keys()
    places: list[dict[str, Any]] = [place for part in module.modules() for place in (vars(part), part._modules)]
    saved = [{name: value for name, value in place.items() if name not in machinery} for place in places]
    copies: dict[int, Any] = {}
    for place, originals in zip(places, saved, strict=True):
        place.update({name: _copied(value, copies) for name, value in originals.items()})
    try:
        yield
    finally:
        for place, originals in zip(places, saved, strict=True):
            for name in place.keys() - machinery - originals.keys():
                del place[name]
            place.update(originals)


def _copied(value: Any, copies: dict[int, Any]) -> Any:
    """A copy of what holds state, nested too; shared where it is a module, or data and machinery that steps only read."""
    if id(value) not in copies:
        copies[id(value)] = _new_copy(value, copies)
    return copies[id(value)]


def _new_copy(value: Any, copies: dict[int, Any]) -> Any:
    if isinstance(value, Metric):
        fresh = copy.deepcopy(value)
        fresh.reset()
        return fresh
    if isinstance(value, torch.Tensor):
        return value if isinstance(value, torch.nn.Parameter) else value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, dict, set, deque)):
        twin = copy.copy(value)
        if isinstance(twin, dict):
            twin.update({key: _copied(item, copies) for key, item in twin.items() if _holds_state(item)})
        elif isinstance(twin, list):
            twin[:] = [_copied(item, copies) if _holds_state(item) else item for item in twin]
        return twin
    if not _is_plain_object(value):
        return value
    twin = copy.copy(value)
    copies[id(value)] = twin
    vars(twin).update({name: _copied(item, copies) for name, item in vars(value).items()})
    return twin


def _holds_state(item: Any) -> bool:
    """Tensors in a list are results that steps collect, and are shared."""
    return isinstance(item, (Metric, list, dict, set, deque)) or _is_plain_object(item)


def _is_plain_object(value: Any) -> bool:
    """A meter or the like, of a class of the user's own."""
    if not hasattr(value, "__dict__") or isinstance(value, SHARED) or callable(value):
        return False
    return type(value).__module__.partition(".")[0] not in FRAMEWORKS


@contextmanager
def _silent_loggers(trainer: Trainer) -> Iterator[None]:
    """Steps that log pictures to their logger speak to one that does nothing, as in Lightning's own `fast_dev_run`."""
    family = "pytorch_lightning" if type(trainer).__module__.startswith("pytorch_lightning") else "lightning.pytorch"
    loggers = trainer.loggers
    silent = importlib.import_module(f"{family}.loggers.logger").DummyLogger
    trainer.loggers = [silent() for _ in loggers]
    try:
        yield
    finally:
        trainer.loggers = loggers
