"""What the demo cannot run without."""

from __future__ import annotations

import os
from importlib.util import find_spec

PACKAGES = ("lightning", "torch", "keras", "sklearn")


def keras_backend() -> str:
    """The backend that `KERAS_BACKEND` names, else the torch that Lightning needs anyway."""
    return os.environ.get("KERAS_BACKEND") or "torch"


def missing_packages() -> list[str]:
    """The packages that would have to be installed first, found without importing any."""
    return [name for name in dict.fromkeys([*PACKAGES, keras_backend()]) if find_spec(name) is None]
