"""The two packages of Lightning, `lightning` and `pytorch_lightning`, which do not know each other's classes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

FAMILIES = ("lightning.pytorch", "pytorch_lightning")

if TYPE_CHECKING:
    from lightning.pytorch import Callback

    CallbackBase = Callback
else:

    def _bases() -> tuple[type, ...]:
        """The `Callback` of every family that is imported already, else of the first that is installed."""
        imported = [module for family in FAMILIES if (module := sys.modules.get(family))]
        found = imported or [_first_installed()]
        return tuple(family.Callback for family in found)

    def _first_installed() -> Any:
        for family in FAMILIES:
            try:
                return importlib.import_module(family)
            except ModuleNotFoundError as error:
                if error.name not in (family, family.partition(".")[0]):  # a broken install is not a missing one
                    raise
        raise ModuleNotFoundError(
            'expected lightning or pytorch_lightning, found neither: pip install "bvtrack[lightning]"',
            name="lightning",
        )

    CallbackBase = type("CallbackBase", _bases(), {"__doc__": "A Callback to every Lightning family at hand."})


def ancestry(thing: object) -> set[str]:
    """Names of all classes of an object, which are the same in both families."""
    return {kind.__name__ for kind in type(thing).__mro__}


def is_users_own(hook: Callable[..., Any]) -> bool:
    """True if the user defined this hook; False for the one inherited from Lightning."""
    return not hook.__module__.startswith(("lightning.", "pytorch_lightning."))
