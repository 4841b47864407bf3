"""Pickle a profile, or the error raised instead of it, for transfer between the processes of a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bvtrack.splits.profiling.profile import SplitProfile


def pack_profile(make: Callable[[], SplitProfile]) -> bytes:
    """The pickled profile from `make`, or the pickled `ValueError` that it raises: a cluster would retry a failing task, and
    bury the reason.

    Not JSON, which takes seconds to write and to read 32 MiB of hashes; so only for processes that trust each other.

    >>> import numpy as np
    >>> from bvtrack import profile
    >>> unpack_profile(pack_profile(lambda: profile(np.zeros((3, 2))))).n
    3
    """
    try:
        return pickle.dumps(make())
    except ValueError as error:
        return pickle.dumps(error)


def unpack_profile(content: bytes) -> SplitProfile:
    """The profile that was packed. Raises the `ValueError` if one was packed instead."""
    found: SplitProfile | ValueError = pickle.loads(content)
    if isinstance(found, ValueError):
        raise found
    return found
