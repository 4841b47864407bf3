"""How results show themselves in a notebook."""

from __future__ import annotations

from functools import singledispatch
from importlib import import_module

RENDERERS = "bvtrack.report.card"
"""Where the renderers are registered. It is imported when a notebook asks, so that a result need not know of pages."""


def as_html(result: object) -> str:
    """HTML that shows a result. Raises `TypeError` for one of a type without a renderer."""
    import_module(RENDERERS)
    return render(result)


@singledispatch
def render(result: object) -> str:
    """HTML of a result; a renderer for a type is registered with `render.register`."""
    raise TypeError(f"expected a result with a renderer, got {type(result).__name__}")
