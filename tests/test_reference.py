"""The reference holds every public name, every command and every field, and shows docstrings as they are meant."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from journal_runs import read_run
from pages import ROOT, sections_in

import bvtrack
import bvtrack.adapters
from bvtrack.cli import COMMANDS

DOCS = ROOT / "docs"
SHOWN = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
ALL = re.compile(r"^__all__ = \[([^\]]*)\]", re.MULTILINE)


def page(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def loaded(name: str) -> ModuleType:
    """A module of docs/, as MkDocs and Griffe load it: by its path."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_in_the_reference_once() -> None:
    assert sorted(SHOWN.findall(page("bvtrack.md"))) == [f"bvtrack.{name}" for name in bvtrack.__all__ if name[0] != "_"]


def test_every_name_for_adapters_is_in_the_reference_once() -> None:
    names = sorted(f"bvtrack.adapters.{name}" for name in bvtrack.adapters.__all__)

    assert sorted(SHOWN.findall(page("adapters.md"))) == names


def test_everything_that_the_integrations_offer_is_in_the_reference_once() -> None:
    """By the text of their packages: one that this test imported might want a framework that is not there."""
    packages = [path for path in (ROOT / "integrations").glob("bvtrack_*/__init__.py") if path.parent.name != "bvtrack_demo"]
    found = {path: ALL.search(path.read_text(encoding="utf-8")) for path in packages}
    names = {f"{path.parent.name}.{name}" for path, one in found.items() if one for name in re.findall(r'"(\w+)"', one[1])}
    names |= {f"bvtrack_boosting.{library}.BiasVarianceCallback" for library in ("xgboost", "lightgbm", "catboost")}

    assert sorted(SHOWN.findall(page("callbacks.md"))) == sorted(names)


def test_the_help_of_every_command_is_on_the_page_of_the_command_line() -> None:
    made = loaded("made_blocks").on_page_markdown(page("cli.md"))

    assert re.findall(r"^## `bvtrack (\w+)` \{#(\w+)\}$", made, re.MULTILINE) == [(name, name) for name in COMMANDS]
    assert "| `--fail-on TAG[,TAG...]` | Exit with 1 if a run has this diagnosis" in made
    assert "```sh\nbvtrack audit my-experiment --dry-run\n```" in made
    assert "(with `--tags-only`, tags alone)" in made
    assert "bvtrack/verdict/&#42;" in made  # no emphasis, which an asterisk would begin


def test_every_field_of_the_schema_is_on_the_page_of_json() -> None:
    schema = json.loads((DOCS / "show.schema.json").read_text(encoding="utf-8"))
    made = loaded("made_blocks").on_page_markdown(page("json.md"))
    sections = {section.anchor: section.text for section in sections_in(made)}

    def names(field: Any) -> set[str]:
        inner = [field[key] for key in ("items", "additionalProperties") if isinstance(field.get(key), dict)]
        known = field.get("properties", {})
        return set(known).union(*map(names, inner), *map(names, known.values()))

    for name, field in schema["properties"].items():
        section = sections.get(name, made)
        assert f"| `{name}` |" in made
        assert {one for one in names(field) if f"`{one}` |" not in section and f".{one}` |" not in section} == set()


def test_an_unknown_block_to_make_fails_the_build() -> None:
    with pytest.raises(KeyError, match="prices"):
        loaded("made_blocks").on_page_markdown("<!-- made: prices -->")


def test_code_on_a_page_is_that_of_its_file() -> None:
    made = loaded("made_blocks").on_page_markdown

    shown = made("<!-- code: examples/adapter.py BiasVarianceCallback.on_epoch_begin -->")
    assert shown.startswith("```python\n@never_raise\ndef on_epoch_begin(self, loop: Loop) -> None:\n    if self.session:")
    with pytest.raises(KeyError, match="on_nothing"):
        made("<!-- code: examples/adapter.py BiasVarianceCallback.on_nothing -->")


def test_examples_in_docstrings_are_shown_as_code() -> None:
    shown = loaded("shown_docstrings").shown

    assert shown("One.\n\n>>> f(1)  # doctest: +SKIP\n2\n\nMore.") == "One.\n\n```pycon\n>>> f(1)\n2\n```\n\nMore."
    assert shown("Args:\n    a, b,\n        c: three.\n    d: one.") == "Args:\n    a, b, c: three.\n    d: one."


def fields_in(part: str) -> set[str]:
    """The fields that the first column of a table names, in one section of the page of JSON."""
    (text,) = (section.text for section in sections_in(page("json.md")) if section.anchor == part)
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


NOT_IN_EVERY_RUN = {
    "diagnosis": {"stopped", "learning_curve", "examples", "chance_error", "split_faults"},
    "splits": {"outputs"},
}


def test_the_fields_of_a_runs_files_are_on_the_page_of_json(journals: Path, said: list[str]) -> None:
    features, classes = np.random.default_rng(0).normal(size=(300, 4)), np.arange(300) % 3
    with bvtrack.Tracker() as tracker:
        tracker.log_split(train=(features[:200], classes[:200]), dev=(features[190:], classes[190:]))
        tracker.log_epoch(0, train_error=0.1, dev_error=0.2)
        tracker.log_outputs(dev=np.zeros((50, 3)), test=np.ones((50, 3)))
    files = read_run(journals).files
    said.clear()

    for name, at_times in NOT_IN_EVERY_RUN.items():
        fields = files[f"bvtrack/{name}.json"].keys()
        assert fields <= fields_in(name)
        assert fields_in(name) - fields <= at_times
