"""State outside of a model that its class's code names: globals, closures and class attributes, kept as they are."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from bvtrack.adapters.generators import generator_restorer
from bvtrack.adapters.quiet_writer import QuietWriter, is_users_class, is_users_file, is_writer

Restore = Callable[[], None]
CONTAINERS = (list, dict, set, deque)
COUNTERS = (int, float, str, bytes)
"""Types of values that a step may bind anew, as a counter is; what is made when it is first needed is left."""
MOST_NESTED, MOST_SEARCHED, MOST_VISITED = 4, 10_000, 50_000
"""Depth to which objects within objects are restored, the largest container that is searched for them, and how many are."""


@contextmanager
def preserve_named_state(
    kinds: Iterable[type],
    attributes: Iterable[object] = (),
    objects: Iterable[object] = (),
    restorer: Callable[[Any], Restore | None] = generator_restorer,
) -> Iterator[None]:
    """Put back the state that the user's own code can reach by name, on this thread.

    Looked through are the methods of the classes `kinds`, those of the `attributes` that are functions or objects of the
    user's own, and what they name in turn. Containers, plain objects, counters and generators of random numbers among all this
    are as they were afterwards, as are the attributes of `objects`. Writers among the globals write nothing
    meanwhile. `restorer` gives, for an object of a library, the function that puts it back.
    """
    search = _Search(restorer)
    for one in objects:
        search.note_attributes(one)
    for kind in kinds:
        search.look_through(kind)
    for attribute in attributes:
        search.note(attribute)
    try:
        search.silence()
        yield
    finally:
        search.restore()


class _Search:
    """Finds state, and remembers how to put it back."""

    def __init__(self, restorer: Callable[[Any], Restore | None]) -> None:
        self._restorer = restorer
        self._restores: list[Restore] = []
        self._noted: dict[int, Any] = {}
        self._looked_through: dict[int, Any] = {}
        self._writers: list[tuple[dict[str, Any], str, Any]] = []

    def silence(self) -> None:
        for place, name, value in self._writers:
            place[name] = QuietWriter(value)

    def restore(self) -> None:
        for place, name, value in self._writers:
            place[name] = value
        for restore in self._restores:
            restore()

    def note(self, value: Any) -> None:
        """Remember a value, and look through its methods."""
        if not is_writer(value):
            self._note(value, 0)
        self.look_through(value)

    def look_through(self, value: Any) -> None:
        """Look for state that a class, a function, or the methods of an object of the user's own name."""
        if isinstance(value, type):
            for base in filter(is_users_class, value.__mro__):
                if _is_new(base, self._looked_through):
                    self._look_through_class(base)
        elif (function := _function_in(value)) is not None:
            self._look_through_function(function)
        elif _is_plain_object(value):
            self.look_through(type(value))

    def note_attributes(self, value: Any) -> None:
        """Remember the attributes of an object, of whatever class."""
        if _is_new(value, self._noted):
            self._note_attributes(value, 0)

    def _look_through_class(self, kind: type) -> None:
        attributes = dict(vars(kind))
        self._note_names(attributes, vars(kind).get, partial(setattr, kind))
        for attribute in attributes.values():
            self.look_through(attribute)

    def _look_through_function(self, function: FunctionType) -> None:
        if not is_users_file(function.__module__ or "") or not _is_new(function, self._looked_through):
            return
        self._note_names(vars(function), vars(function).get, partial(setattr, function))
        names, everything = _names_in(function.__code__), function.__globals__
        named = {name: everything[name] for name in names if name in everything}
        modules = [value for value in named.values() if isinstance(value, ModuleType) and is_users_file(value.__name__)]
        for place in (everything, *(vars(module) for module in modules)):
            values = {name: place[name] for name in names if name in place}
            self._writers += [(place, name, value) for name, value in values.items() if is_writer(value)]
            self._note_names(values, place.get, place.__setitem__)
            self._look_through_values(values)
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        held = {name: cell for name, cell in cells if not _is_empty(cell)}
        closed = {name: cell.cell_contents for name, cell in held.items()}
        self._note_names(
            closed, lambda name: held[name].cell_contents, lambda name, value: setattr(held[name], "cell_contents", value)
        )
        self._look_through_values(closed)

    def _look_through_values(self, values: Mapping[str, Any]) -> None:
        for value in values.values():
            if not isinstance(value, (ModuleType, *COUNTERS)):
                self.look_through(value)

    def _note_names(self, values: Mapping[str, Any], read: Callable[[str], Any], bind: Callable[[str, Any], Any]) -> None:
        for name, value in list(values.items()):
            if isinstance(value, COUNTERS):
                self._restores.append(partial(_rebind, name, value, read, bind))
            elif not is_writer(value):
                self._note(value, 0)

    def _note(self, value: Any, depth: int) -> None:
        if value is None or isinstance(value, COUNTERS) or len(self._noted) > MOST_VISITED or not _is_new(value, self._noted):
            return
        if (restore := self._restorer(value)) is not None:
            self._restores.append(restore)
        elif isinstance(value, CONTAINERS):
            self._restores.append(_container_restorer(value))
            self._note_all(value.values() if isinstance(value, dict) else value, depth)
        elif isinstance(value, tuple):
            self._note_all(value, depth)
        elif _is_plain_object(value):
            self._note_attributes(value, depth)
            self.look_through(type(value))

    def _note_all(self, values: Any, depth: int) -> None:
        if depth < MOST_NESTED and len(values) <= MOST_SEARCHED:
            for value in list(values):
                self._note(value, depth + 1)

    def _note_attributes(self, value: Any, depth: int) -> None:
        attributes, slots = getattr(value, "__dict__", None), _slots_of(value)
        if attributes is not None:
            self._restores.append(partial(_reset, attributes, dict(attributes)))
        for name, item in slots.items():
            self._restores.append(partial(object.__setattr__, value, name, item))
        self._note_all([*(attributes or {}).values(), *slots.values()], depth)


def _is_new(value: Any, seen: dict[int, Any]) -> bool:
    """True the first time; what was seen is kept, for an id may be used anew."""
    n = len(seen)
    seen.setdefault(id(value), value)
    return len(seen) > n


@lru_cache(4096)
def _names_in(code: CodeType) -> frozenset[str]:
    inner = [_names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)


def _function_in(attribute: Any) -> FunctionType | None:
    """The function behind a method, a property, a partial or a decorator that keeps what it wraps."""
    if isinstance(attribute, property):
        attribute = attribute.fget
    elif isinstance(attribute, (staticmethod, classmethod, MethodType)):
        attribute = attribute.__func__
    elif isinstance(attribute, partial):
        attribute = attribute.func
    function = inspect.unwrap(attribute) if isinstance(attribute, FunctionType) else None
    return function if isinstance(function, FunctionType) else None


def _is_empty(cell: Any) -> bool:
    try:
        return cell.cell_contents is None
    except ValueError:
        return True


def _is_plain_object(value: Any) -> bool:
    """True for an object of a class of the user's own that stands on no library's."""
    kind = type(value)
    has_state = hasattr(value, "__dict__") or any("__slots__" in vars(base) for base in kind.__mro__)
    return not isinstance(value, type) and has_state and all(is_users_class(base) for base in kind.__mro__[:-1])


def attributes_of(value: Any) -> dict[str, Any]:
    """An object's own attributes, those in slots too.

    >>> class Meter:
    ...     __slots__ = ("n",)
    >>> meter = Meter()
    >>> meter.n = 2
    >>> attributes_of(meter)
    {'n': 2}
    """
    return {**getattr(value, "__dict__", {}), **_slots_of(value)}


def _slots_of(value: Any) -> dict[str, Any]:
    names = [name for base in type(value).__mro__ for name in _as_names(vars(base).get("__slots__", ()))]
    return {name: getattr(value, name) for name in names if hasattr(value, name) and name != "__dict__"}


def _as_names(slots: Any) -> Iterable[str]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _rebind(name: str, value: Any, read: Callable[[str], Any], bind: Callable[[str, Any], Any]) -> None:
    if read(name) is not value:
        bind(name, value)


def _reset(attributes: dict[str, Any], saved: Mapping[str, Any]) -> None:
    for name in attributes.keys() - saved.keys():
        del attributes[name]
    attributes.update(saved)


def _container_restorer(value: Any) -> Restore:
    """Puts a container's own items back, if it holds others, or in another order."""
    items = type(value)(value) if type(value) in CONTAINERS else value.copy()
    return partial(_refill, value, items)


def _refill(value: Any, items: Any) -> None:
    if _holds_the_same(value, items):
        return
    value.clear()
    (value.extend if hasattr(value, "extend") else value.update)(items)


def _holds_the_same(value: Any, items: Any) -> bool:
    """True if both hold the same objects in the same order; equality may be undefined, as that of arrays is."""
    if len(value) != len(items):
        return False
    pairs = zip(value.items(), items.items(), strict=True) if isinstance(value, dict) else zip(value, items, strict=True)
    return all(new is old or (isinstance(value, dict) and new[0] is old[0] and new[1] is old[1]) for new, old in pairs)
