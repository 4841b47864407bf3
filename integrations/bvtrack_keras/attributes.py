"""Counters, texts, lists and arrays that the user's own classes keep beside Keras' variables: put back after an evaluation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import MethodType
from typing import Any

import numpy as np

from bvtrack.adapters import NOTHING, QuietWriter, is_writer
from bvtrack_keras.framework import keras

CONTAINERS = (list, dict, set, deque)
VALUES = (int, float, str, bytes)
MOST_BYTES = 1 << 20
"""Size limit of an array that is copied: a confusion matrix of 300 classes."""


@contextmanager
def preserve_attributes(model: Any) -> Iterator[None]:
    """Put back the plain attributes of the model, its layers and its metrics whose classes are the user's own: a `test_step`
    may count, a metric may collect. Writers among them write nothing meanwhile. Attributes that Keras itself sets are left
    alone.
    """
    undo = [restore for owner in owners(model) for restore in (*_restorers(owner), *_silenced(owner))]
    try:
        yield
    finally:
        for restore in undo:
            restore()


def owners(model: Any) -> Iterator[Any]:
    """The model, its layers and its metrics, as far as their classes are not those of Keras."""
    metrics = [one for metric in model.metrics for one in (metric, *getattr(metric, "metrics", ()))]
    for owner in {id(one): one for one in (*model._flatten_layers(), *metrics)}.values():
        if not type(owner).__module__.startswith("keras."):
            yield owner


def _restorers(owner: Any) -> Iterator[Callable[[], None]]:
    for name, value in vars(owner).items():
        if name in _names_of_keras() or isinstance(value, bool):
            continue
        if isinstance(value, VALUES):
            yield partial(_rebind, owner, name, value)
        elif isinstance(value, CONTAINERS):
            yield partial(_refill, owner, name, value, value.copy())
        elif isinstance(value, np.ndarray) and value.nbytes <= MOST_BYTES:
            yield partial(_rewrite, owner, name, value, value.copy())


def _silenced(owner: Any) -> Iterator[Callable[[], None]]:
    """Puts stand-ins in the place of writers, and of their methods that are kept; Keras' tracking is bypassed."""
    for name, value in list(vars(owner).items()):
        bound = isinstance(value, MethodType) and is_writer(value.__self__)
        if name not in _names_of_keras() and (bound or is_writer(value)):
            vars(owner)[name] = NOTHING if bound else QuietWriter(value)
            yield partial(vars(owner).__setitem__, name, value)


@cache
def _names_of_keras() -> frozenset[str]:
    """Names of the attributes that Keras' own models, layers and metrics have."""
    dense = keras.layers.Dense(1)
    return frozenset().union(
        *(vars(one) for one in (keras.Sequential([keras.Input((1,)), dense]), dense, keras.metrics.Mean()))
    )


def _rebind(owner: Any, name: str, value: Any) -> None:
    if vars(owner).get(name) is not value:
        setattr(owner, name, value)


def _refill(owner: Any, name: str, value: Any, content: Any) -> None:
    """Restore a container's own content, for others may hold it too; Keras' tracking of layers in it is bypassed."""
    if not _is_as_before(value, content):
        kind: Any = next(kind for kind in CONTAINERS if isinstance(value, kind))
        kind.clear(value)
        (kind.extend if kind in (list, deque) else kind.update)(value, content)
    _rebind(owner, name, value)


def _is_as_before(value: Any, content: Any) -> bool:
    """True if a container holds the very same objects as its copy; mere equality may be anything, of arrays for one."""
    if isinstance(value, set):
        return bool(value == content)
    now, before = ([*one, *(one.values() if isinstance(one, dict) else ())] for one in (value, content))
    return len(now) == len(before) and all(one is other for one, other in zip(now, before, strict=True))


def _rewrite(owner: Any, name: str, value: Any, content: Any) -> None:
    value[...] = content
    _rebind(owner, name, value)
