"""State outside of a model that its class's code names: globals, closures and class attributes, kept as they are."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from bvtrack.adapters.quiet_writer import QuietWriter, is_users_class, is_users_file, is_writer

CONTAINERS = (list, dict, set, deque)
MOST_NESTED, MOST_SEARCHED = 3, 10_000
"""Depth to which containers within containers are restored, and the largest one that is searched for them."""


@contextmanager
def preserve_named_state(
    kinds: Iterable[type], functions: Iterable[object] = (), objects: Iterable[object] = ()
) -> Iterator[None]:
    """Put back the lists, dicts, sets and plain objects that are named by the user's own methods of these classes or by those
    of `functions` that are functions, and the attributes of `objects`. Writers among the globals write nothing meanwhile, on
    this thread.

    A list that a step appends to has its old length again.
    """
    restores = {id(one): _object_restorer(one) for one in objects}
    quiet: list[tuple[MutableMapping[str, Any], str, Any]] = []
    for names in [*_namespaces(kinds, functions)]:
        for name, value in list(names.items()):
            if is_writer(value) and isinstance(names, _Globals):
                quiet.append((names.all, name, value))
            elif id(value) not in restores and (restore := _restorer(value)):
                restores[id(value)] = restore
    for place, name, value in quiet:
        place[name] = QuietWriter(value)
    try:
        yield
    finally:
        for place, name, value in quiet:
            place[name] = value
        for restore in restores.values():
            restore()


class _Globals(dict[str, Any]):
    """Those of a module's globals that some code names."""

    def __init__(self, everything: MutableMapping[str, Any], names: Iterable[str]) -> None:
        super().__init__({name: everything[name] for name in names if name in everything})
        self.all = everything


def _namespaces(kinds: Iterable[type], functions: Iterable[object]) -> Iterator[dict[str, Any]]:
    """What the user's code in these classes and functions can name: class attributes, globals, and variables of closures."""
    seen: set[int] = set()
    for function in filter(None, map(_function_in, functions)):
        yield from _named_by(function, seen)
    for base in dict.fromkeys(base for kind in kinds for base in kind.__mro__ if is_users_class(base)):
        attributes = dict(vars(base))
        yield attributes
        for function in filter(None, map(_function_in, attributes.values())):
            yield from _named_by(function, seen)


def _named_by(function: FunctionType, seen: set[int]) -> Iterator[dict[str, Any]]:
    """What a function names, and the functions of the user's own that it names, in turn."""
    if id(function) in seen or not is_users_file(function.__module__ or ""):
        return
    seen.add(id(function))
    names = set(_names_in(function.__code__))
    found = _Globals(function.__globals__, names)
    closed = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    cells = {name: cell.cell_contents for name, cell in closed if not _is_empty(cell)}
    modules = [value for value in found.values() if isinstance(value, ModuleType) and is_users_file(value.__name__)]
    for space in (found, cells, *(_Globals(vars(module), names) for module in modules)):
        yield space
        for value in space.values():
            if isinstance(value, FunctionType):
                yield from _named_by(value, seen)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


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


def _restorer(value: Any) -> Callable[[], None] | None:
    """Puts a container's items, or a plain object's attributes, back as they are now; `None` for anything else."""
    if isinstance(value, CONTAINERS):
        return _container_restorer(value)
    if hasattr(value, "__dict__") and all(is_users_class(base) for base in type(value).__mro__[:-1]):  # of no library's kind
        return _object_restorer(value)
    return None


def _container_restorer(value: Any, depth: int = 0) -> Callable[[], None]:
    items = type(value)(value) if type(value) in CONTAINERS else value.copy()
    inner = _inner_restorers(items.values() if isinstance(items, dict) else items, depth)

    def restore() -> None:
        if not _holds_the_same(value, items):
            value.clear()
            (value.extend if hasattr(value, "extend") else value.update)(items)
        for restore_item in inner:
            restore_item()

    return restore


def _inner_restorers(values: Collection[Any], depth: int) -> list[Callable[[], None]]:
    """Those of the containers among values; a list of lists is restored to a depth of `MOST_NESTED`."""
    if depth == MOST_NESTED or len(values) > MOST_SEARCHED:
        return []
    return [_container_restorer(value, depth + 1) for value in values if isinstance(value, CONTAINERS)]


def _holds_the_same(value: Any, items: Any) -> bool:
    """True if both hold the same objects in the same order; equality may be undefined, as that of arrays is."""
    if len(value) != len(items):
        return False
    pairs = zip(value.items(), items.items(), strict=True) if isinstance(value, dict) else zip(value, items, strict=True)
    return all(new is old or (isinstance(value, dict) and new[0] is old[0] and new[1] is old[1]) for new, old in pairs)


def _object_restorer(value: Any) -> Callable[[], None]:
    attributes = dict(vars(value))
    inner = _inner_restorers(attributes.values(), 0)

    def restore() -> None:
        vars(value).clear()
        vars(value).update(attributes)
        for restore_container in inner:
            restore_container()

    return restore
