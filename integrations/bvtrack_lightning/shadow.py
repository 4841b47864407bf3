"""Whatever a user's own step touches while we run it outside its loop, put back afterwards, also when it raises."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torchmetrics import Metric

from bvtrack import preserve_random_states


class LogRecorder(Protocol):
    """What takes the place of a module's `log` and `log_dict`."""

    def log(self, name: str, value: Any, *args: Any, **kwargs: Any) -> None: ...

    def log_dict(self, dictionary: Any, *args: Any, **kwargs: Any) -> None: ...


@contextmanager
def untouched(module: torch.nn.Module, recorder: LogRecorder) -> Iterator[None]:
    """`module` in eval mode, logging into `recorder`; random states, modes, metrics and plain attributes as they were."""
    with preserve_random_states(), _eval_mode(module), _own_metrics(module), _plain_attributes(module):
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
def _own_metrics(module: torch.nn.Module) -> Iterator[None]:
    """Fresh copies in the place of the module's torchmetrics."""
    places = [
        (parent._modules, name, child)
        for parent in module.modules()
        for name, child in parent._modules.items()
        if isinstance(child, Metric)
    ]
    for children, name, metric in places:
        fresh = copy.deepcopy(metric)
        fresh.reset()
        children[name] = fresh
    try:
        yield
    finally:
        for children, name, metric in places:
            children[name] = metric


@contextmanager
def _plain_attributes(module: torch.nn.Module) -> Iterator[None]:
    """Lists that steps append to and counters that they raise, on the module itself."""
    machinery = vars(torch.nn.Module())
    attributes = vars(module)
    saved = {name: value for name, value in attributes.items() if name not in machinery}
    attributes.update({name: _containers_copied(value) for name, value in saved.items()})
    try:
        yield
    finally:
        for name in [name for name in attributes if name not in machinery and name not in saved]:
            del attributes[name]
        attributes.update(saved)


def _containers_copied(value: Any) -> Any:
    """A copy of plain lists, dicts and sets, nested ones too, that shares what they hold."""
    if type(value) is list:
        return [_containers_copied(item) for item in value]
    if type(value) is dict:
        return {key: _containers_copied(item) for key, item in value.items()}
    return set(value) if type(value) is set else value
