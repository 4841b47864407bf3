"""Docstrings as the reference shows them: an extension of Griffe, which reads them.

An example is put between fences: a block that begins with `>>>`. The names of several arguments that one sentence is about may
go over lines.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^( *)>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)
FLAG = re.compile(r" +# doctest: .*")
NAMES = re.compile(r"^( +\w+(?:, \w+)*,)\n +(?=\w+(?:, \w+)*(?:,$|: ))", re.MULTILINE)


def shown(docstring: str) -> str:
    r"""A docstring as it is shown: its examples between fences, without the flags that only doctest reads.

    >>> shown("Adds.\n\n>>> add(1, 2)  # doctest: +SKIP\n3")
    'Adds.\n\n```pycon\n>>> add(1, 2)\n3\n```'
    >>> shown("Args:\n    one, two,\n        three: numbers.")
    'Args:\n    one, two, three: numbers.'
    """
    while (joined := NAMES.sub(r"\1 ", docstring)) != docstring:
        docstring = joined
    return EXAMPLE.sub(lambda found: f"{found[1]}```pycon\n{FLAG.sub('', found[0])}\n{found[1]}```", docstring)


class ShownDocstrings(griffe.Extension):
    """Has the docstring of every object as it is shown."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = shown(obj.docstring.value)
