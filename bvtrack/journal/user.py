"""The user who runs this process."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """The login name of this process's user; the user id if they have no name, as in a container."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
