"""The callbacks that are put into every training: ours, and one of the same shape that does nothing."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

CHOICE = "INJECT_CALLBACK"
"""The environment variable that names a function, as `module:function`, from our class to the class that is put in."""


def ours(kind: type) -> type:
    return kind


def no_op(kind: type) -> type:
    """A callback of the framework with the same hooks, which takes the same arguments and keeps none."""
    (base,) = kind.__bases__ if kind.__bases__[0].__name__ != "CallbackBase" else kind.__bases__[0].__bases__
    hooks = {name: _nothing for name in vars(kind) if hasattr(base, name) and not name.startswith("_")}
    plain = {"__init__": lambda self, **options: super(quiet, self).__init__(), "__reduce__": lambda self: (_made, (kind,))}
    quiet: Any = type("NoOp", (base,), {**hooks, **plain})
    return quiet  # type: ignore[no-any-return]  # a type made at run time


def chosen(kind: type) -> type:
    """The class that the environment names."""
    module, _, function = os.environ[CHOICE].partition(":")
    choose: Callable[[type], type] = getattr(importlib.import_module(module), function)
    return choose(kind)


def _made(kind: type) -> Any:
    """A callback that does nothing, in another process."""
    return no_op(kind)()


def _nothing(*arguments: Any, **named: Any) -> None:
    pass
