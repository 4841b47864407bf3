"""Every link of the files outside the site leads to a file or a heading that is there; `test_site.py` walks the site."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pages import LINK, ROOT, sections_in, slug, without_code

WRITTEN = [*sorted(ROOT.glob("*.md")), ROOT / "llms.txt"]


def anchors(path: Path) -> set[str]:
    """The ids on a page: its own, and those of its headings."""
    text = path.read_text(encoding="utf-8")
    found = [name for section in sections_in(text) for name in (section.anchor, slug(section.title))]
    return {*found, *re.findall(r"""\bid=["']([\w-]+)["']""", without_code(text))} - {""}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for name, anchor in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        target = Path(os.path.normpath(page.parent / name)) if name else page
        if not target.exists():
            broken.append(f"{name} is not there")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            broken.append(f"{target.relative_to(ROOT)} has no heading #{anchor}")

    assert broken == []


def test_headings_have_ids(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# `bvtrack show` of runs\n\n## High bias {#high_bias}\n\n```text\n# no heading\n```\n", encoding="utf-8")

    assert anchors(page) == {"bvtrack-show-of-runs", "high_bias", "high-bias"}
