"""Imports MLflow's client, in a process of ours alone, without what sending points never uses.

`from mlflow import MlflowClient` costs 1.4 s of processor where the packages of `mlflow` are installed: its `__init__` imports
models, evaluation, projects and the GenAI half, and each of them pandas, SciPy or scikit-learn where it finds them. The client
and its stores need none of it. So while they are imported,

* packages that MLflow itself does without where they are missing, as under `mlflow-skinny`, count as missing;
* the packages in `LAZY` stand in `sys.modules` with their `__init__` still to be run, as the first use of its names does;
* nothing is collected as garbage, of which an import makes none.

Where any of that fails, as another version of MLflow may, what was imported of MLflow is dropped, and it is imported as usual.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from bvtrack.tracking_uri.address import SERVERS, scheme_of

CLIENT = (
    "mlflow.tracking.client",
    "mlflow.tracking.context.registry",
    "mlflow.store.artifact.artifact_repository_registry",
    "mlflow.models.model",  # of which a file that goes to a server is compared with a name
)
_DATABASE, _SERVER = "mlflow.store.tracking.sqlalchemy_store", "mlflow.store.tracking.rest_store"
STORES = {"sqlite": _DATABASE, "postgresql": _DATABASE, **dict.fromkeys(SERVERS, _SERVER)}
"""The module of the store that MLflow opens for an address, by its scheme: it would be imported at the first call."""
UNUSED = ("IPython", "matplotlib", "numpy", "pandas", "pyarrow", "pygments", "scipy", "skops", "sklearn")
"""What MLflow imports where it is installed, and does without where it is not: half of the time of its import."""
LAZY = ("mlflow", "mlflow.gateway", "mlflow.models", "mlflow.genai", "mlflow.genai.scorers", "mlflow.genai.scorers.online")
"""The packages whose `__init__` costs the other half."""
PLUGINS = ("tracking_store", "artifact_repository", "request_header_provider", "request_auth_provider", "run_context_provider")
"""Code of others that the client calls, and that may count on all of MLflow."""

_initialising = threading.RLock()
_begun: list[ModuleType] = []


class _Lazy(ModuleType):
    """A package whose `__init__` runs when a name is asked for that only it can give."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _initialising:
            if isinstance(self, _Lazy) and self not in _begun:
                _begun.append(self)  # its own `__init__` asks for names that are still to come
                assert self.__spec__ is not None
                assert self.__spec__.loader is not None
                self.__spec__.loader.exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment]  # from here on it is as any other
            return ModuleType.__getattribute__(self, name)


def import_client(tracking_uri: str) -> None:
    """Import MLflow's client and the store of `tracking_uri`: lightly where that is known to do, else not at all, so that the
    first to need them imports them as usual. Raises nothing.
    """
    store = STORES.get(scheme_of(tracking_uri))
    if store is None or "mlflow" in sys.modules or _has_plugins():
        return
    try:
        with _as_if_missing(UNUSED), _without_collecting():
            for name in LAZY:
                _put_off(name)
            for name in (*CLIENT, store):
                import_module(name)
    except Exception:  # whatever another version makes of it
        for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
            del sys.modules[name]


def _has_plugins() -> bool:
    """True if another distribution than MLflow's own extends its client."""
    found = entry_points()
    return any(found.select(group=f"mlflow.{kind}") for kind in PLUGINS)


def _put_off(name: str) -> None:
    """Put a package into `sys.modules` without running its `__init__`; one that this version does not have is left out."""
    parent, _, leaf = name.rpartition(".")
    if (parent and parent not in sys.modules) or (spec := importlib.util.find_spec(name)) is None:
        return
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _Lazy
    sys.modules[name] = module
    if parent:
        setattr(sys.modules[parent], leaf, module)
    else:
        vars(module)["__version__"] = import_module(f"{name}.version").VERSION


@contextlib.contextmanager
def _as_if_missing(names: tuple[str, ...]) -> Iterator[None]:
    """Within the block, importing one of these packages raises `ModuleNotFoundError`; one that is imported already stays."""
    held = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(held))  # type: ignore[arg-type]  # `None` is how Python notes that there is none
    try:
        yield
    finally:
        for name in held:
            sys.modules.pop(name, None)


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Within the block, garbage is not looked for; what is there at its end never is."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
