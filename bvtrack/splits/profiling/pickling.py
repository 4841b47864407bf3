"""A profile on its way between the processes of a cluster, or why there is none."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bvtrack.splits.profiling.profile import SplitProfile


def pack_profile(make: Callable[[], SplitProfile]) -> bytes:
    """The profile that `make` gives, or the `ValueError` that it raises: a cluster would try again where a task fails, and
    bury the reason.

    Not as JSON, in which 32 MiB of hashes take seconds to write and to read again; so only for processes that trust each other.
    """
    try:
        return pickle.dumps(make())
    except ValueError as error:
        return pickle.dumps(error)


def unpack_profile(content: bytes) -> SplitProfile:
    """The profile that was packed. Raises the `ValueError` where there is one instead."""
    found: SplitProfile | ValueError = pickle.loads(content)
    if isinstance(found, ValueError):
        raise found
    return found
