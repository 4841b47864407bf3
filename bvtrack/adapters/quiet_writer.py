"""Stand-ins for a user's loggers, writers and open files that take everything and write nothing."""

from __future__ import annotations

import io
import sys
import sysconfig
from collections.abc import Iterator
from typing import Any

from bvtrack.adapters.asked_once import asked_once

WRITES = frozenset(
    {"add_event", "add_scalar", "log_artifact", "log_batch", "log_metric", "log_metrics", "report_scalar", "track"}
    | {"write", "writelines", "writerow", "writerows"}
)
"""Methods that tell a writer from other objects of a library."""
READS = ("get", "is_", "has_", "search", "list", "load", "read", "download", "fetch", "tell", "name", "__")
"""Beginnings of the names of methods that a silenced writer still answers."""


class Nothing:
    """The answer of a call that was held back: whatever is done with it, it is nothing again."""

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> Nothing:
        return self

    def __enter__(self) -> Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False


NOTHING = Nothing()


class QuietWriter:
    """Stands for a writer, of whose class it says it is: attributes are the writer's, but its methods write nothing.

    >>> file = io.StringIO()
    >>> print("1", file=QuietWriter(file))
    >>> file.getvalue(), isinstance(QuietWriter(file), io.StringIO)
    ('', True)
    """

    def __init__(self, writer: Any) -> None:
        vars(self)["_writer"] = writer

    @property  # type: ignore[misc]  # for isinstance
    def __class__(self) -> type:
        return type(vars(self)["_writer"])

    def __getattr__(self, name: str) -> Any:
        if "_writer" not in vars(self):  # a copy that is being made
            raise AttributeError(name)
        value = getattr(vars(self)["_writer"], name)
        if callable(value):
            return value if name.startswith(READS) else NOTHING
        return QuietWriter(value) if is_writer(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def is_writer(value: Any) -> bool:
    """True for an open file that can be written, and for a writer or a client of a library, such as TensorBoard's."""
    if isinstance(value, io.IOBase):
        return value not in (sys.stdout, sys.stderr) and not value.closed and value.writable()
    return not isinstance(value, type) and _has_a_writers_method(type(value)) and not is_users_class(type(value))


@asked_once
def _has_a_writers_method(kind: type) -> bool:
    return not WRITES.isdisjoint(dir(kind))


@asked_once
def is_users_class(kind: type) -> bool:
    """True for a class of the user's own code, False for one of a library, installed or Python's own.

    >>> import decimal
    >>> is_users_class(decimal.Decimal), is_users_class(int)
    (False, False)
    """
    return is_users_file(kind.__module__)


def is_users_file(module: str) -> bool:
    """True for a module of the user's own code, by its name; a notebook's is one."""
    root = module.partition(".")[0]
    if root in sys.builtin_module_names or root.startswith("bvtrack"):
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return module == "__main__" or module not in sys.modules
    return not ("site-packages" in file or "dist-packages" in file or file.startswith(_STDLIB))


_STDLIB = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
