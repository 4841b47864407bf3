"""Answers about classes, kept: to list a class's names takes 10 µs, and each pass asks of a hundred objects."""

from __future__ import annotations

import functools
from collections.abc import Callable

MOST_KINDS = 1024
"""Number of classes whose answers are kept."""


def asked_once(of_class: Callable[[type], bool]) -> Callable[[type], bool]:
    """A function that keeps its answers by class; a class whose metaclass has no hash is asked each time."""
    kept = functools.lru_cache(MOST_KINDS)(of_class)

    @functools.wraps(of_class)
    def ask(kind: type) -> bool:
        try:
            return kept(kind)
        except TypeError:
            return of_class(kind)

    return ask
