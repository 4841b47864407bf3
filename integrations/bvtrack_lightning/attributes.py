"""Copies of what a module's steps change: its submodules' attributes, for as long as a pass of ours lasts."""

from __future__ import annotations

import copy
import io
import itertools
import logging
import operator
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import BuiltinMethodType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchmetrics import Metric

from bvtrack.adapters import NOTHING, QuietWriter, attributes_of, is_writer

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule

SHARED = (torch.nn.Module, torch.optim.Optimizer, Dataset, DataLoader, type, logging.Logger, logging.Handler, io.IOBase)
"""Types that steps only read, or that must not be copied."""
FRAMEWORKS = {"builtins", "lightning", "lightning_fabric", "lightning_utilities", "pytorch_lightning", "torch", "weakref"}


@contextmanager
def preserve_attributes(module: LightningModule) -> Iterator[None]:
    """Lists that steps append to, counters that they raise, meters and torchmetrics that they update, on all submodules, are
    copies meanwhile; writers among them write nothing.
    """
    machinery = vars(torch.nn.Module()).keys()
    places: list[dict[str, Any]] = [place for part in module.modules() for place in (vars(part), part._modules)]
    saved = [{name: value for name, value in place.items() if name not in machinery} for place in places]
    copies: dict[int, Any] = {}
    for place, originals in zip(places, saved, strict=True):
        place.update({name: _copied(value, copies) for name, value in originals.items()})
    vars(module).update(_metric_attributes=None, print=NOTHING)  # Lightning's index of the originals; the training alone prints
    try:
        yield
    finally:
        for place, originals in zip(places, saved, strict=True):
            for name in place.keys() - machinery - originals.keys():
                del place[name]
            place.update(originals)


def _states_with_history(metric: Metric) -> Iterator[torch.Tensor]:
    """States that predictions with gradients have been added to, of which PyTorch makes no deep copy."""
    held: list[Any] = [item for part in metric.modules() for item in vars(part).values()]
    for item in held:
        if isinstance(item, (list, tuple)):
            yield from _of_history(item)
        elif isinstance(item, dict):  # the states of before a batch, each a tensor or a list
            yield from _of_history(
                [part for value in item.values() for part in (value if isinstance(value, list) else [value])]
            )
    yield from _of_history(held)


def _of_history(items: Sequence[Any]) -> Iterator[torch.Tensor]:
    return (item for item in items if isinstance(item, torch.Tensor) and not item.is_leaf)


def _copied(value: Any, copies: dict[int, Any]) -> Any:
    """A copy of what holds state, nested too; shared where it is a module, or data and machinery that steps only read."""
    if id(value) not in copies:
        copies[id(value)] = _new_copy(value, copies)
    return copies[id(value)]


def _new_copy(value: Any, copies: dict[int, Any]) -> Any:
    if isinstance(value, Metric):
        fresh = copy.deepcopy(value, {id(state): state.detach().clone() for state in _states_with_history(value)})
        fresh.reset()
        return fresh
    if isinstance(value, torch.Tensor):
        return value if isinstance(value, torch.nn.Parameter) else value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, dict, set, deque)):
        return _copied_container(value, copies)
    if isinstance(value, tuple):
        return _copied_tuple(value, copies)
    if isinstance(value, itertools.count):
        return copy.copy(value)
    if isinstance(value, (MethodType, BuiltinMethodType, partial)):
        return _bound_to_copies(value, copies)
    if (not isinstance(value, SHARED) or isinstance(value, io.IOBase)) and is_writer(value):
        return QuietWriter(value)
    return _copied_object(value, copies) if _is_plain_object(value) else value


def _copied_object(value: Any, copies: dict[int, Any]) -> Any:
    """A copy, unless there can be no second one, or what is deleted with it may be the original's."""
    if hasattr(type(value), "__del__"):
        return value
    twin = copy.copy(value)
    if twin is not value:
        copies[id(value)] = twin
        for name, item in attributes_of(value).items():
            object.__setattr__(twin, name, _copied(item, copies))
    return twin


def _copied_container(value: Any, copies: dict[int, Any]) -> Any:
    twin = copy.copy(value)
    if isinstance(twin, dict):
        twin.update({key: _copied(item, copies) for key, item in twin.items() if _holds_state(item)})
    elif isinstance(twin, list):
        twin[:] = [_copied(item, copies) if _holds_state(item) else item for item in twin]
    return twin


def _copied_tuple(value: Any, copies: dict[int, Any]) -> Any:
    items = [_copied(item, copies) if _holds_state(item) else item for item in value]
    if all(map(operator.is_, items, value)):
        return value
    return value._make(items) if hasattr(value, "_make") else tuple(items)


def _bound_to_copies(function: Any, copies: dict[int, Any]) -> Any:
    """A stored method of a meter, a list or a writer, as that of the copy; a module's own stays."""
    if isinstance(function, partial):
        return partial(_copied(function.func, copies), *function.args, **function.keywords)
    owner = _copied(function.__self__, copies)
    return function if owner is function.__self__ or owner is None else getattr(owner, function.__name__, function)


def _holds_state(item: Any) -> bool:
    """Tensors in a list are results that steps collect, and are shared."""
    return isinstance(item, (Metric, list, dict, set, deque, tuple)) or is_writer(item) or _is_plain_object(item)


def _is_plain_object(value: Any) -> bool:
    """A meter or the like, of a class of the user's own."""
    if isinstance(value, SHARED) or callable(value) or not attributes_of(value):
        return False
    return type(value).__module__.partition(".")[0] not in FRAMEWORKS
