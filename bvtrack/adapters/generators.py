"""Generators of random numbers, of whichever library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from bvtrack.adapters.asked_once import asked_once

LIBRARIES = frozenset({"random", "numpy", "torch"})


def generator_restorer(value: Any) -> Callable[[], None] | None:
    """A function that puts a generator of Python, NumPy or torch back into its present state; `None` for anything else.

    >>> import random
    >>> generator = random.Random(0)
    >>> restore = generator_restorer(generator)
    >>> first = generator.random()
    >>> restore()
    >>> generator.random() == first
    True
    """
    if not _is_of_a_library(type(value)):
        return None
    if (bits := getattr(value, "bit_generator", None)) is not None and hasattr(bits, "state"):
        return partial(setattr, bits, "state", bits.state)
    for get, put in (("getstate", "setstate"), ("get_state", "set_state")):
        if hasattr(value, get) and hasattr(value, put):
            return partial(getattr(value, put), getattr(value, get)())
    return None


@asked_once
def _is_of_a_library(kind: type) -> bool:
    return any(base.__module__.partition(".")[0] in LIBRARIES for base in kind.__mro__)


@contextmanager
def preserve_generators(data: Iterable[Any]) -> Iterator[None]:
    """Put back the generators of random numbers that datasets keep as attributes, or those that they are views of."""
    owners = [owner for one in data for owner in (one, getattr(one, "dataset", None))]
    kept = [value for owner in owners for value in getattr(owner, "__dict__", {}).values()]
    undo = [restore for value in kept if (restore := generator_restorer(value)) is not None]
    try:
        yield
    finally:
        for restore in undo:
            restore()
