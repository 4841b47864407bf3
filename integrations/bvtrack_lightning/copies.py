"""Copies of a user's samplers and loaders, to read from while those of the training stay as they were."""

from __future__ import annotations

import copy
import functools
import random
import types
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from bvtrack.adapters import generator_restorer, is_users_class, preserve_named_state
from bvtrack_lightning.family import ancestry

_Value = TypeVar("_Value")
FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial)
COUNTERS = frozenset({bool, int, float, str})
ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, range, type, types.FunctionType, types.ModuleType})
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)
SHARED = (torch.nn.Module, torch.optim.Optimizer, Dataset, BaseContext, type, types.BuiltinFunctionType)
"""Types of data and machinery that samplers and loaders only read."""
FRAMEWORKS = {"_thread", "datasets", "h5py", "lightning", "logging", "pandas", "polars", "pyarrow", "pytorch_lightning"}
FRAMEWORKS |= {"threading", "torch", "zarr"}
"""Packages whose objects are shared too, but for their samplers, loaders and combined loaders."""
MOST_COPIED = 1 << 28
"""Size limit in bytes of a sampler's array that is copied, 256 MiB: 32 million indices. Larger ones are features."""
MOST_VISITED = 2000
"""Objects that are looked through for random generators: a dataset with its transforms has some dozens."""
LONG = 100
"""Length of a list from which on it holds examples, not transforms."""


def copy_of(value: _Value, *shared: Any) -> _Value:
    """A copy with lists, arrays, counters and random generators of its own; data, models and all that is `shared` are the
    original's.

    Raises `ValueError` for what holds a generator, a file, or the like, of which there is no second one.
    """
    copied: _Value = _Copies(*shared).of(value)
    return copied


class _Copies:
    """Copies by their originals, so that what several objects refer to stays one."""

    def __init__(self, *shared: Any) -> None:
        self._made = {id(value): value for value in shared}
        self._originals = list(shared)  # kept, for an id may be used anew

    def of(self, value: Any) -> Any:
        if type(value) in ATOMS:
            return value
        if id(value) not in self._made:
            self._originals.append(value)
            self._made[id(value)] = self._new(value)
        return self._made[id(value)]

    def _new(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.clone() if value.nbytes <= MOST_COPIED else value
        if isinstance(value, np.ndarray):
            return value.copy() if value.nbytes <= MOST_COPIED else value
        if isinstance(value, GENERATORS):
            return copy.deepcopy(value)
        if isinstance(value, torch.Generator):
            return torch.Generator(value.device).set_state(value.get_state())
        if isinstance(value, types.MethodType):
            return types.MethodType(value.__func__, self.of(value.__self__))
        if isinstance(value, functools.partial):
            keywords = {name: self.of(item) for name, item in value.keywords.items()}
            return functools.partial(self.of(value.func), *map(self.of, value.args), **keywords)
        if isinstance(value, (list, tuple, dict, set, frozenset, deque)):
            return self._container(value)
        return value if _is_shared(value) else self._object(value)

    def _container(self, value: Any) -> Any:
        items = value.values() if isinstance(value, dict) else value
        if set(map(type, items)) <= ATOMS or isinstance(value, (set, frozenset)):
            return copy.copy(value)
        if isinstance(value, tuple):
            parts = [self.of(item) for item in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        self._made[id(value)] = twin = copy.copy(value)
        for place, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            twin[place] = self.of(item)
        return twin

    def _object(self, value: Any) -> Any:
        is_iterator = hasattr(type(value), "__next__") and not hasattr(value, "__dict__")
        try:
            if hasattr(type(value), "__del__"):
                raise TypeError("what is deleted with the copy may be the original's")
            twin = copy.deepcopy(value) if is_iterator else copy.copy(value)
        except Exception as error:
            raise ValueError(
                f"expected what can be copied, to leave the training's own as it is, got a {_name(value)}"
            ) from error
        self._made[id(value)] = twin
        if twin is not value and hasattr(twin, "__dict__"):
            own = {name: item for name, item in vars(value).items() if not _is_running(value, name)}
            vars(twin).update({name: self.of(item) for name, item in own.items()})
            vars(twin).update(_at_rest(value))
        return twin


def _is_running(value: Any, name: str) -> bool:
    return name in _at_rest(value)


def _at_rest(value: Any) -> dict[str, Any]:
    """The attributes of a loader that is not being iterated: no iterator, and no workers that outlive one."""
    if isinstance(value, DataLoader):
        return {"_iterator": None, "persistent_workers": False}
    return {"_iterator": None} if "CombinedLoader" in ancestry(value) else {}


def _is_shared(value: Any) -> bool:
    if isinstance(value, (Sampler, DataLoader)) or "CombinedLoader" in ancestry(value) or hasattr(value, "_sampler"):
        return False
    return isinstance(value, SHARED) or _package(value) in FRAMEWORKS


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _name(value: Any) -> str:
    return type(value).__qualname__


@contextmanager
def unmoved(*read: Any) -> Iterator[None]:
    """What reading these loaders, samplers and datasets moves is as it was afterwards: random generators and counters that
    they, their transforms and their collate functions hold, or that the user's own code in them names.
    """
    parts = _parts_in(read)
    functions = [part for part in parts if isinstance(part, FUNCTIONS)]
    own = [part for part in parts if is_users_class(type(part)) and not isinstance(part, torch.nn.Module)]
    counters = [(part, {name: item for name, item in vars(part).items() if type(item) in COUNTERS}) for part in own]
    restores = [restore for part in parts if (restore := generator_restorer(part))]
    with preserve_named_state(map(type, own), functions):
        try:
            yield
        finally:
            for restore in restores:
                restore()
            for part, values in counters:
                vars(part).update(values)


def _parts_in(read: Iterable[Any]) -> list[Any]:
    """Objects among the attributes of loaders, their transforms and the datasets that they wrap, with their functions."""
    rest = list(read)
    found = {id(value): value for value in rest}
    while rest and len(found) < MOST_VISITED:
        for part in _parts_of(rest.pop()):
            if (type(part) not in ATOMS or isinstance(part, FUNCTIONS)) and id(part) not in found:
                found[id(part)] = part
                rest.append(part)
    return list(found.values())


def _parts_of(value: Any) -> list[Any]:
    if isinstance(value, (torch.Tensor, np.ndarray, torch.nn.Module, types.FunctionType)):
        return []
    if isinstance(value, types.MethodType):
        return [value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, (list, tuple, dict)):
        parts = list(value.values()) if isinstance(value, dict) else list(value[: LONG + 1])
        return parts if len(parts) <= LONG else []
    return list(getattr(value, "__dict__", {}).values())
