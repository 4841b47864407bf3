"""Work on many rows in several threads: NumPy lets others run while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

MOST_THREADS = 4
ROWS_FOR_A_THREAD = 65_536


def by_parts(n: int, work: Callable[[slice], Result]) -> list[Result]:
    """What `work` gives for consecutive parts of `n` rows, one for each thread.

    >>> by_parts(10, lambda rows: len(range(10)[rows]))
    [10]
    """
    n_parts = max(1, min(n // ROWS_FOR_A_THREAD, MOST_THREADS, os.cpu_count() or 1))
    size = max(-(-n // n_parts), 1)
    parts = [slice(start, start + size) for start in range(0, max(n, 1), size)]
    if len(parts) == 1:
        return [work(parts[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(parts)) as pool:
        return list(pool.map(work, parts))
