"""The map's static files, without a browser."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

import bvtrack
from bvtrack_server.document import PAGE, in_order
from bvtrack_server.regions import HUMAN_ERRORS, regions

D3 = "912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1"
"""Of dist/d3.min.js in npm's d3 7.9.2."""
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)


def test_no_two_modules_declare_the_same_name() -> None:
    declared = [name for module in in_order("main.js") for name in DECLARED.findall((PAGE / module).read_text())]

    assert sorted(declared) == sorted(set(declared))
    assert {*in_order("main.js"), "d3.min.js"} == {path.name for path in PAGE.glob("*.js")}


def test_the_library_is_the_one_that_npm_has() -> None:
    assert hashlib.sha256((PAGE / "d3.min.js").read_bytes()).hexdigest() == D3


def test_the_regions_are_those_of_the_present_rule() -> None:
    """After a change of the rule, `python -m bvtrack_server.regions` writes them anew."""
    assert json.loads((PAGE / "regions.json").read_text()) == regions()


@pytest.mark.parametrize("human", HUMAN_ERRORS)
def test_a_region_holds_what_is_diagnosed_in_it(human: float) -> None:
    (entry,) = [entry for entry in json.loads((PAGE / "regions.json").read_text()) if entry["human"] == human]
    for region in entry["regions"]:
        for bias, low, high in region["columns"]:
            if high - low > 0.002:
                train, middle = human + bias, (low + high) / 2
                said = bvtrack.diagnose(train_error=train, dev_error=train + middle, human_error=human or None)
                assert said.tag == region["tag"], (bias, middle)
