"""Matplotlib's figures as SVG within a page: with its font and its colours, and with words for those who do not see them."""

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
"""What is between tags is text: names of a user's, among others, of which nothing is changed."""
_SIZE = re.compile(r' (width|height)="[\d.]+pt"')
_NUMBERED = re.compile(r' id="[a-zA-Z0-9.]+_\d+"')
"""Ids that nothing refers to, which the next figure in the page would have as well."""
_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")
_FONT = re.compile(r"(font: [^;\"']*?px )[^;\"]*")
"""How Matplotlib before 3.10 gives size and family."""
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")


@contextmanager
def own_style() -> Iterator[None]:
    """Matplotlib as it comes, whatever style the user has set; afterwards theirs is there again.

    What is set is the process's: figures are not to be drawn beside a thread of the user's that draws.
    """
    from matplotlib import style

    with style.context("default"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that its font lacks
        yield


def as_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an SVG element; `name` is unlike that of any other figure in the page."""
    import matplotlib

    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = _METADATA.sub("", _COMMENT.sub("", _BEFORE.sub("", content.getvalue())))
    label = html.escape(description, quote=True)
    return _TAG.sub(_in_the_page, svg).replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()


def _in_the_page(tag: re.Match[str]) -> str:
    """A tag without what the page decides, and with no more digits than can be seen."""
    text = _FONT.sub(r"\1var(--font)", _FAMILY.sub("", _NUMBERED.sub("", tag.group())))
    text = _LONG_NUMBER.sub(r"\1", _SIZE.sub("", text) if text.startswith("<svg") else text)
    for role, colour in LIGHT.items():
        text = text.replace(colour, f"var(--{role})")
    return text
