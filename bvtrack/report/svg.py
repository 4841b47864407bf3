"""Matplotlib's figures as SVG within a page: with its font and its colours, and with words for those who do not see them."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING

from bvtrack.report.palette import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BEFORE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_SIZE = re.compile(r' (width|height)="[\d.]+pt"')
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_NUMBERED = re.compile(r' id="[a-zA-Z0-9.]+_\d+"')
"""Ids that nothing refers to, which the next figure in the page would have as well."""
_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")
_FONT = re.compile(r"(font: [^;\"']*?px )[^;\"]*")
"""How Matplotlib before 3.10 gives size and family."""
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")


def as_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an SVG element; `name` is unlike that of any other figure in the page."""
    import matplotlib

    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = _METADATA.sub("", _COMMENT.sub("", _BEFORE.sub("", content.getvalue())))
    svg = _FONT.sub(r"\1var(--font)", _FAMILY.sub("", _NUMBERED.sub("", svg)))
    svg = _LONG_NUMBER.sub(r"\1", _SIZE.sub("", svg, count=2))
    for role, colour in LIGHT.items():
        svg = svg.replace(colour, f"var(--{role})")
    label = html.escape(description, quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()
