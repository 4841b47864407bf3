"""`llms.txt` names only what there is: commands, options, Python names, tags, metrics and files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

import bvtrack
from bvtrack.cli import COMMANDS, Commands, main
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES
from bvtrack.schema import names, tags

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "llms.txt").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", TEXT)


def command(name: str) -> click.Command:
    assert isinstance(main, Commands)
    found = main.get_command(click.Context(main), name)
    assert found is not None, name
    return found


def exported_by(package: str) -> list[str]:
    """Its `__all__`, or without one its modules, without the seconds that its framework takes to import."""
    folder = ROOT / "integrations" / package
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    found = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    return list(ast.literal_eval(found[0])) if found else [path.stem for path in folder.glob("*.py")]


def options_of(name: str) -> set[str]:
    return {option for parameter in command(name).params for option in parameter.opts}


def test_every_command_is_named_and_every_named_one_is_there() -> None:
    named = {line.split()[1] for line in CODE if line.startswith("bvtrack ")}

    assert named == COMMANDS.keys()


@pytest.mark.parametrize("line", [line for line in CODE if re.search(r"^bvtrack .*--", line)])
def test_every_option_belongs_to_its_command(line: str) -> None:
    _, name, *rest = line.split()

    assert {word for word in rest if word.startswith("--")} <= options_of(name)


def test_options_on_their_own_belong_to_the_commands_beside_them() -> None:
    for line in (line for line in TEXT.splitlines() if "`--" in line):
        alone = {word.split()[0] for word in re.findall(r"`(--[^`]+)`", line)}
        beside = {name for name in COMMANDS if re.search(rf"\b{name}\b", line)} or {"diagnose"}

        assert alone <= set().union(*map(options_of, beside)), line


def test_every_python_name_is_public() -> None:
    python = [re.findall(r"\b(bvtrack(?:_\w+)?)\.(\w+)", part) for part in CODE if not part.startswith(("bvtrack ", "tags."))]
    pairs = {pair for found in python for pair in found if f"{pair[0]}.{pair[1]}" not in {tag.name for tag in tags.TAGS}}

    assert len(pairs) > 10
    for module, name in pairs:
        public = bvtrack.__all__ if module == "bvtrack" else exported_by(module)
        assert name in public, f"{module}.{name}"
    assert all(hasattr(bvtrack.Tracker, name) for name in ("log_split", "log_epoch", "log_test"))


def test_every_tag_and_metric_is_written() -> None:
    known = {tag.name for tag in tags.TAGS}
    metrics = {names.verdict_metric(names.error_metric(name)) for name in SET_NAMES}
    metrics |= {names.verdict_metric(names.gap_metric(name)) for name in GAP_NAMES}
    named = set(re.findall(r"\bbvtrack\.(?:diagnosis|next_step|certainty|split)\b", TEXT))

    assert named == {tag.name for tag in tags.FIRST} <= known
    assert set(re.findall(r"`(bvtrack/[\w/]+)`", TEXT)) <= metrics


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)

    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_it_has_the_form_that_readers_of_llms_txt_expect() -> None:
    lines = TEXT.splitlines()

    assert lines[0] == "# bvtrack"
    assert lines[2].startswith("> ")
    assert [line for line in lines if line.startswith("## ")] == ["## Docs", "## Commands", "## Python", "## Optional"]
