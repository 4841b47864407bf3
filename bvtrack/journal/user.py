"""The user who runs this process."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """The user who runs this process, as the system knows them; in a container, where they have no name, their number."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
