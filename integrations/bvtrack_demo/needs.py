"""The packages that the demo requires."""

from __future__ import annotations

import os
from importlib.util import find_spec

PACKAGES = ("lightning", "torch", "keras", "sklearn")


def keras_backend() -> str:
    """The backend that `KERAS_BACKEND` names, else torch, which Lightning needs anyway."""
    return os.environ.get("KERAS_BACKEND") or "torch"


def missing_packages() -> list[str]:
    """Required packages that are not installed, found without importing any."""
    return [name for name in dict.fromkeys([*PACKAGES, keras_backend()]) if find_spec(name) is None]
