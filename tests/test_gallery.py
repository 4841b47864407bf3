"""The committed gallery, without a training: its reports say what its page says of them."""

from __future__ import annotations

import html
import re
from pathlib import Path
from textwrap import dedent

import pytest
from pages import ROOT, blocks_in, sections_in, without_code

GALLERY = ROOT / "docs" / "gallery"
SAID = {
    "high_bias": "High bias (certain): train a bigger network",
    "high_variance": "High variance (certain): get more training data",
    "both": "High bias + high variance (likely): train a bigger network",
    "balanced": "Balanced (likely): stop here",
    "overtrained": "curve: overtrained",
    "leak": "dev_repeats_train",
    "shift": "test_differs_from_dev",
    "mismatch": "Data mismatch (certain): make the training data more like the dev data",
}
"""By run, what its report says of the fault that it is shown for."""
A_FOLDER = re.compile(r"(?<![\w./])/(home|root|tmp|var|work|Users)/|[A-Z]:\\|file:|sqlite:")
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?: (?:%|points))?")
"""With its unit: another one may be there by chance."""
_, _, *FOUND = sections_in((GALLERY / "index.md").read_text(encoding="utf-8"))
SECTIONS = {section.anchor: section.text for section in FOUND}


def report(run: str) -> str:
    """The words of a report."""
    page = (GALLERY / f"{run}.html").read_text(encoding="utf-8")
    body = re.sub(r"<svg.*?</svg>", " ", page[page.index("<body>") :], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def code_of(run: str) -> list[str]:
    return [block.code for block in blocks_in(SECTIONS[run], "docs/gallery/index.md")]


def prose_of(run: str) -> str:
    """Without code, links' targets, and the line that says when it was made."""
    text = re.sub(r"^Measured.*$", "", without_code(SECTIONS[run]), flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)|`[^`]*`", "", text)


def test_each_run_has_a_section_a_report_and_a_picture_and_no_other_file_lies_about() -> None:
    files = {path.name for path in GALLERY.iterdir()}

    assert [*SECTIONS] == [*SAID]
    assert files == {"index.md", *(f"{run}.{ending}" for run in SAID for ending in ("html", "png"))}


@pytest.mark.parametrize("run", SAID)
def test_a_report_says_the_fault_that_its_run_is_shown_for(run: str) -> None:
    assert SAID[run] in report(run)


@pytest.mark.parametrize("run", SAID)
def test_the_numbers_of_a_section_are_those_of_its_report(run: str) -> None:
    known = {*NUMBER.findall(report(run)), *NUMBER.findall("".join(code_of(run)))}
    told = NUMBER.findall(prose_of(run))

    assert len(told) >= 3
    assert [number for number in told if number not in known] == []


@pytest.mark.parametrize("run", SAID)
def test_the_code_of_a_section_is_what_made_its_report(run: str) -> None:
    script = (Path(__file__).parent / "gallery.py").read_text(encoding="utf-8")
    (function,) = re.findall(rf"^def {run}\(.*?(?=^\S)", script, re.MULTILINE | re.DOTALL)
    body = dedent(function.partition("\n")[2])
    (code,) = code_of(run)

    assert code in body


@pytest.mark.parametrize("run", SAID)
def test_the_picture_of_a_section_leads_to_its_report(run: str) -> None:
    assert re.search(rf"^\[!\[[^\]]+\]\({run}\.png\)\]\({run}\.html\)$", SECTIONS[run], re.MULTILINE)


@pytest.mark.parametrize("run", SAID)
def test_a_report_says_nothing_of_the_machine_that_made_it(run: str) -> None:
    page = (GALLERY / f"{run}.html").read_text(encoding="utf-8")

    assert A_FOLDER.findall(page) == []
    assert {*re.findall(r"https?://[^/\s\"<]+", page)} <= {"http://localhost:5000", "http://www.w3.org"}


@pytest.mark.parametrize("run", SAID)
def test_a_report_and_its_picture_are_small(run: str) -> None:
    assert 40_000 <= (GALLERY / f"{run}.html").stat().st_size < 180_000
    assert (GALLERY / f"{run}.png").stat().st_size < 80_000


def test_a_folder_of_a_machine_would_be_seen() -> None:
    assert A_FOLDER.search("in <code>sqlite:////tmp/tmp1/mlflow.db</code>")
    assert A_FOLDER.search("weights in /home/me/last.ckpt")
