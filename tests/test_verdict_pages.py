"""What the pages on verdicts quote and draw is what the code says: the sentences of findings, their levels, and pictures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from string import Formatter

import pytest
from pages import ROOT, sections_in
from verdict_pictures import CURVES, EXAMPLES, diagnosed, pictures

from bvtrack import classify_curve
from bvtrack.curves import curve
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.splits.finding_codes import FindingCode

PAGES = ROOT / "docs" / "verdict"


def sections(page: str) -> Mapping[str, str]:
    """The text below each heading of a page, by its anchor."""
    return {section.anchor: section.text for section in sections_in((PAGES / page).read_text(encoding="utf-8"))}


FINDINGS = sections("split.md")
DIAGNOSES = sections("diagnosis.md")


def section_of(code: FindingCode) -> str:
    """The section on findings of this code, whatever sets it is about: the last one, as a difference from train has its own."""
    pairs = itertools.combinations(SET_NAMES, 2)
    named = {code.of(split=split, earlier=one, later=other) for one, other in pairs for split in SET_NAMES}
    *_, found = (text for anchor, text in FINDINGS.items() if anchor in named)
    return found


def is_said_by(code: FindingCode, sentence: str) -> bool:
    """True if a finding of this code can have this message."""
    return any(re.fullmatch(_pattern(code, template), sentence) for template in code.sentences.values())


def _pattern(code: FindingCode, template: str) -> str:
    parts = Formatter().parse(template)
    fields = ((text, "" if name is None else ".*" if name in code.clauses else ".+") for text, name, _, _ in parts)
    return "".join(re.escape(text) + field for text, field in fields)


@pytest.mark.parametrize("code", [code for code in FindingCode if code.sentences])
def test_the_example_of_a_finding_is_a_sentence_that_it_says(code: FindingCode) -> None:
    quotes = re.findall(r"^> (.+)$", section_of(code), re.MULTILINE)

    assert quotes
    assert [quote for quote in quotes if not is_said_by(code, quote)] == []


@pytest.mark.parametrize("code", [code for code in FindingCode if code.sentences])
def test_the_section_on_a_finding_and_the_table_above_name_its_levels(code: FindingCode) -> None:
    text = section_of(code)
    anchor = next(anchor for anchor, found in FINDINGS.items() if found == text)
    (row,) = re.findall(rf"^\|.*\]\(#{anchor}\) \|(.*)\|.*\|$", FINDINGS["findings"], re.MULTILINE)
    line = text.strip().splitlines()[0]

    for said in (row, line.partition("·")[2]):
        assert {level for level in ("error", "warning", "note") if re.search(rf"(?<!% )\b{level}\b", said)} == {*code.sentences}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_diagnosis_is_diagnosed_so(name: str) -> None:
    diagnosis = diagnosed(EXAMPLES[name])

    assert diagnosis.tag == {"both": "high_bias+high_variance"}.get(name, name)
    assert f"bvtrack diagnose {EXAMPLES[name]}\n" in DIAGNOSES[name]
    assert f"](../pictures/verdict/{name}.svg)" in DIAGNOSES[name]


def test_each_pair_of_curves_that_is_drawn_is_what_its_picture_is_named() -> None:
    found = {name: classify_curve(pair.train, pair.dev, pair.chance) for name, pair in CURVES.items()}

    assert found == {name: name for name in curve.CURVES}


def test_the_pictures_of_verdicts_are_as_they_are_drawn_now() -> None:
    drawn = dict(pictures())
    there = {path: path.read_text(encoding="utf-8") for path in (PAGES.parent / "pictures" / "verdict").iterdir()}

    assert there == drawn, "make pictures, or: python tests/verdict_pictures.py"
