"""The README is short; what stands in it runs by `test_pages.py`, and its links hold by `test_links.py`."""

from __future__ import annotations

import re

import pytest
from pages import ROOT, blocks_in

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOORS = [
    *("bvtrack_lightning", "bvtrack_keras", "bvtrack_transformers", "bvtrack_boosting"),
    *("bvtrack.diagnose_estimator", "bvtrack.Tracker"),
]


def test_the_readme_is_read_in_ten_minutes() -> None:
    assert len(README.splitlines()) <= 250
    assert len(README.split()) <= 2000


def test_the_first_callback_stands_within_fifty_lines() -> None:
    assert README.splitlines().index("```python") < 50


@pytest.mark.parametrize("name", DOORS)
def test_each_way_in_is_a_block_of_at_most_eight_lines(name: str) -> None:
    (block,) = [block for block in blocks_in(README, "README.md") if block.language == "python" and name in block.code]

    assert len([line for line in block.code.splitlines() if line.strip()]) <= 8


def test_sentences_are_short() -> None:
    prose = re.sub(r"```.*?```|^\|.*?$|\]\([^)]*\)", "", README, flags=re.DOTALL | re.MULTILINE)
    sentences = re.split(r"(?<=[.:;?])\s+(?=[A-Z*`\[])|\n", prose)

    assert [sentence for sentence in sentences if len(sentence.split()) > 40] == []
