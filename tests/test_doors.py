"""Each cell of the table of ways in has its test, or its reason."""

from __future__ import annotations

import ast

import pytest
from doors import PAGE, PROPERTIES, Door, is_test, page, read_doors
from pages import ROOT

DOORS = read_doors()
MOST_LINES = 350
"""An adapter that is longer does what belongs into `bvtrack.adapters`."""
GROWN = ("Lightning", "Keras")
"""Those that read any loader, sampler and pipeline themselves, for which these frameworks have no one way."""


def names_of_tests(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_every_property_of_a_way_in_has_a_test_or_a_reason(door: Door) -> None:
    assert door.shown.keys() == PROPERTIES.keys()
    for text in door.shown.values():
        if is_test(text):
            file, name = text.split("::")
            assert name in names_of_tests(file)
        else:
            assert len(text.split()) > 3


@pytest.mark.parametrize("door", [door for door in DOORS if door.name not in GROWN], ids=lambda door: door.name)
def test_an_adapter_is_short(door: Door) -> None:
    assert door.n_lines <= MOST_LINES


def test_the_page_holds_the_table_as_it_is_today() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert page(text, DOORS) == text, "run: python tests/doors.py"
