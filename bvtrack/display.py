"""Results as people see them: HTML in notebooks, and plain words where they are printed."""

from __future__ import annotations

from functools import singledispatch
from importlib import import_module

RENDERERS = "bvtrack.report.card"
"""The module that registers the renderers, imported when a notebook first displays a result."""
WORDS = "bvtrack.report.words"
"""The same for results that are printed."""


def as_html(result: object) -> str:
    """HTML of a result. Raises `TypeError` for a type without a renderer."""
    import_module(RENDERERS)
    return render(result)


@singledispatch
def render(result: object) -> str:
    """HTML of a result; `render.register` registers the renderer of a type."""
    raise TypeError(f"expected a result with a renderer, got {type(result).__name__}")


def as_words(result: object) -> str:
    """A result in plain words, for a terminal. Raises `TypeError` for a type without any."""
    import_module(WORDS)
    return in_words(result)


@singledispatch
def in_words(result: object) -> str:
    """A result in plain words; `in_words.register` registers the function for a type."""
    raise TypeError(f"expected a result with words, got {type(result).__name__}")
