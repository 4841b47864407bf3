"""The page of settings names every environment variable that the code reads, and no other."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.tracking.split_cache import MOST_KEPT

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "docs" / "operate" / "settings.md").read_text(encoding="utf-8")
VARIABLE = re.compile(r"BVTRACK_[A-Z_]+")


def variables_in(*folders: str) -> set[str]:
    paths = [path for folder in folders for path in (CHECKOUT / folder).rglob("*.py")]
    return {name for path in paths for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}


def test_every_variable_that_the_code_reads_has_a_row() -> None:
    assert set(re.findall(r"^\| `(BVTRACK_[A-Z_]+)` \|", PAGE, re.MULTILINE)) == variables_in("bvtrack", "integrations")


def test_the_page_names_no_variable_that_the_code_does_not_read() -> None:
    assert set(VARIABLE.findall(PAGE)) <= variables_in("bvtrack", "integrations")


def test_variables_of_tests_and_benchmarks_are_no_settings() -> None:
    assert {"BVTRACK_SOAK", "BVTRACK_BENCHMARK_DATA"} <= variables_in("tests")
    assert not {"BVTRACK_SOAK", "BVTRACK_BENCHMARK_DATA"} & variables_in("bvtrack", "integrations")


@pytest.mark.skipif(sys.platform != "linux", reason="the page names Linux's folder")
def test_the_default_folder_is_the_one_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BVTRACK_JOURNAL_DIR")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert f"`~/{default_journal_dir().relative_to(tmp_path)}/`" in PAGE


def test_the_number_of_splits_that_are_known_again_is_the_one_on_the_page() -> None:
    assert f"the last {MOST_KEPT} splits" in PAGE
