"""Matplotlib figures as inline SVG: with the page's font and colours, and a description for screen readers."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bvtrack.report.palette import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BEFORE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
"""Text between tags, such as a user's names, is left unchanged."""
_SIZE = re.compile(r' (width|height)="[\d.]+pt"')
_NUMBERED = re.compile(r' id="[a-zA-Z0-9.]+_\d+"')
"""Ids that nothing refers to, and that the page's next figure would repeat."""
_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")
_FONT = re.compile(r"(font: [^;\"']*?px )[^;\"]*")
"""Font size and family as written by Matplotlib before 3.10."""
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")


@contextmanager
def own_style() -> Iterator[None]:
    """Matplotlib's default style within a `with` block; the user's style is restored afterwards.

    The style is global to the process: do not draw figures while one of the user's threads draws.
    """
    from matplotlib import style

    with style.context("default"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about characters that its font lacks
        yield


def as_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an SVG element; `name` is unique in the page."""
    import matplotlib

    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = _METADATA.sub("", _COMMENT.sub("", _BEFORE.sub("", content.getvalue())))
    label = html.escape(description, quote=True)
    return _TAG.sub(_in_the_page, svg).replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()


def _in_the_page(tag: re.Match[str]) -> str:
    """A tag without what the page's style decides, and without digits too small to be seen."""
    text = _FONT.sub(r"\1var(--font)", _FAMILY.sub("", _NUMBERED.sub("", tag.group())))
    text = _LONG_NUMBER.sub(r"\1", _SIZE.sub("", text) if text.startswith("<svg") else text)
    for role, colour in LIGHT.items():
        text = text.replace(colour, f"var(--{role})")
    return text
