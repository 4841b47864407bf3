"""Puts back objects of torch and NumPy that a user's code can reach beside the module that is trained."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np
import torch
from torchmetrics import Metric

from bvtrack.adapters import generator_restorer

MOST_BYTES = 1 << 20
"""Size limit of a tensor or an array that is copied: a confusion matrix of 360 classes, but no data."""


def foreign_restorer(value: Any, own: Collection[int]) -> Callable[[], None] | None:
    """A function that puts a generator, a tensor, or a module's metrics and buffers back; `None` for anything else, and for
    those with their `id` among `own`.
    """
    if isinstance(value, torch.nn.Module):
        return _all([_part_restorer(part) for part in value.modules() if id(part) not in own])
    if isinstance(value, torch.Tensor):
        return None if isinstance(value, torch.nn.Parameter) or value.nbytes > MOST_BYTES else _tensor_restorer(value)
    if isinstance(value, np.ndarray):
        return partial(_fill, value, value.copy()) if value.nbytes <= MOST_BYTES and value.flags.writeable else None
    return generator_restorer(value)


def _part_restorer(part: torch.nn.Module) -> Callable[[], None]:
    if isinstance(part, Metric):
        return partial(vars(part).update, {name: _kept(value) for name, value in vars(part).items()})
    return _all([_tensor_restorer(buffer) for buffer in part.buffers(recurse=False)])


def _kept(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    return value.copy() if isinstance(value, (list, dict)) else value


def _tensor_restorer(tensor: torch.Tensor) -> Callable[[], None]:
    return partial(_put_back, tensor, tensor.detach().clone(), tensor._version)


def _put_back(tensor: torch.Tensor, values: torch.Tensor, version: int) -> None:
    if tensor._version != version:
        with torch.no_grad():
            tensor.copy_(values)


def _fill(array: Any, values: Any) -> None:
    array[...] = values


def _all(functions: Collection[Callable[[], None]]) -> Callable[[], None]:
    def call_all() -> None:
        for function in functions:
            function()

    return call_all
