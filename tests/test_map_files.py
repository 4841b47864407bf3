"""The map's static files, without a browser."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bvtrack_server.document import PAGE, in_order
from bvtrack_server.regions import BASELINES, Baseline, Column, column_at, columns, interpolated

D3 = "c01a555716c3e96225772cec87406fdb5ba7a155aceaccbedc2b02e93c53a64f"
"""Of what `make d3` writes."""
D3_SOURCE = Path(__file__).parents[1] / "integrations" / "d3"
KINDS = {baseline.kind: None for baseline in BASELINES}
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)


def test_no_two_modules_declare_the_same_name() -> None:
    declared = [name for module in in_order("main.js") for name in DECLARED.findall((PAGE / module).read_text())]

    assert sorted(declared) == sorted(set(declared))
    assert {*in_order("main.js"), "d3.min.js"} == {path.name for path in PAGE.glob("*.js")}


def test_the_library_is_the_one_that_is_built_of_the_packages_that_npm_has() -> None:
    assert hashlib.sha256((PAGE / "d3.min.js").read_bytes()).hexdigest() == D3


def test_the_library_holds_the_names_that_the_map_uses_and_no_other() -> None:
    used = {name for module in in_order("main.js") for name in re.findall(r"\bd3\.(\w+)", (PAGE / module).read_text())}
    lines = re.findall(r"^export \{ (.+) \} from", (D3_SOURCE / "modules.js").read_text(), re.MULTILINE)

    assert sorted(name for line in lines for name in line.split(", ")) == sorted(used)


def test_each_package_in_the_library_is_named_with_its_licence() -> None:
    packages = json.loads((D3_SOURCE / "package-lock.json").read_text())["packages"]
    parts = (PAGE / "d3.LICENSE").read_text().split("-" * 80)[1:]
    named: dict[str, str] = {}
    for part in parts:
        names, licence = part.partition("):")[0].split("(")
        named |= dict.fromkeys(re.split(r",\s+", names.strip()), licence)

    built_of = {path.split("/")[-1]: about["license"] for path, about in packages.items() if path and not about.get("dev")}
    assert named == built_of
    assert ["Permission to use" in part or "Redistribution and use" in part for part in parts] == [True] * len(parts)


def stored_columns(baseline: Baseline) -> list[Column]:
    """The columns for a baseline in `regions.json`."""
    stored = json.loads((PAGE / "regions.json").read_text())
    (some,) = [entry["columns"] for entry in stored["entries"] if (entry["kind"], entry["human"]) == baseline]
    return [Column(bias, tuple(stored["sequences"][place]), tuple(edges)) for bias, place, *edges in some]


@pytest.mark.parametrize("baseline", [Baseline(kind, 0.012 * (kind in ("given", "reached"))) for kind in KINDS])
def test_the_regions_are_those_of_the_present_rule(baseline: Baseline) -> None:
    """After a change of the rule, `python -m bvtrack_server.regions` writes them anew."""
    for column, stored in zip(columns(baseline), stored_columns(baseline), strict=True):
        assert column.tags == stored.tags
        assert column.bias == pytest.approx(stored.bias, abs=1e-6)
        assert column.edges == pytest.approx(stored.edges, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(baseline=st.sampled_from(BASELINES), place=st.floats(0, 1, exclude_max=True), share=st.floats(0, 1))
def test_between_the_columns_that_are_kept_the_rule_changes_along_straight_lines(
    baseline: Baseline, place: float, share: float
) -> None:
    pairs = [(left, right) for left, right in pairwise(stored_columns(baseline)) if left.tags == right.tags]
    assume(pairs)
    left, right = pairs[int(place * len(pairs))]
    bias = left.bias + share * (right.bias - left.bias)
    found = column_at(baseline, bias)

    assert found.tags == left.tags
    assert found.edges == pytest.approx(interpolated(left, right, bias), abs=1e-4)


def test_every_baseline_has_its_regions_and_the_file_stays_small() -> None:
    file = PAGE / "regions.json"

    assert [(entry["kind"], entry["human"]) for entry in json.loads(file.read_text())["entries"]] == list(BASELINES)
    assert file.stat().st_size < 64 * 1024
