"""HTML of results for notebooks."""

from __future__ import annotations

from functools import singledispatch
from importlib import import_module

RENDERERS = "bvtrack.report.card"
"""The module that registers the renderers, imported when a notebook first displays a result."""


def as_html(result: object) -> str:
    """HTML of a result. Raises `TypeError` for a type without a renderer."""
    import_module(RENDERERS)
    return render(result)


@singledispatch
def render(result: object) -> str:
    """HTML of a result; `render.register` registers the renderer of a type."""
    raise TypeError(f"expected a result with a renderer, got {type(result).__name__}")
