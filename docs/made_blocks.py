"""What the pages of the reference show of the code, made when the site is built, so that nothing stands twice.

A line `<!-- made: commands -->` or `<!-- made: fields of show --json -->` stands for what the function of that name gives, and
`<!-- code: examples/adapter.py LoopTraining.splits -->` for the code of a class or a method of that file.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from bvtrack.cli import main

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "docs" / "show.schema.json"
LINE = re.compile(r"^<!-- made: (.+) -->$", re.MULTILINE)
CODE = re.compile(r"^<!-- code: (\S+) (\S+) -->$", re.MULTILINE)
SPECIAL = re.compile(r"`[^`]*`|(?<![\w-])--?[a-z][a-z-]*|[*_<>|]")
"""Code, which stays as it is, an option, which becomes code, or a character that Markdown would take for its own."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with what is made for it. Raises `KeyError` for what nothing makes, and for code that is not there."""
    with_code = CODE.sub(lambda line: f"```python\n{code_of(ROOT / line[1], line[2])}\n```", markdown)
    return LINE.sub(lambda line: MAKERS[line[1]](), with_code)


def code_of(path: Path, name: str) -> str:
    """The code of a class, a function or a method in a file, as it stands there. Raises `KeyError` where there is none."""
    text = path.read_text(encoding="utf-8")
    found: Any = ast.parse(text)
    for part in name.split("."):
        found = {one.name: one for one in found.body if hasattr(one, "name")}[part]
    first = min([found.lineno, *(one.lineno for one in found.decorator_list)])
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : found.end_lineno]))


def commands() -> str:
    """The help of each command: its usage, what it does, and its options."""
    context = click.Context(main, info_name="bvtrack")
    found = ((name, main.get_command(context, name)) for name in main.list_commands(context))
    return "\n\n".join(_command(name, command, context) for name, command in found if command is not None)


def fields_of_show() -> str:
    """The fields of `bvtrack show --json`: those at the top, and a table for each that holds others."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found = {name: list(_fields(name, field)) for name, field in schema["properties"].items()}
    parts = [schema["description"], _table(fields[0] for fields in found.values())]
    for name, (_, *within) in found.items():
        if within:
            inner = [(path.removeprefix(name).removeprefix("[]").removeprefix("."), field) for path, field in within]
            parts += [f"### `{name}` {{#{name}}}", _table(one for one in inner if one[0])]
    return "\n\n".join(parts)


MAKERS: Mapping[str, Callable[[], str]] = {"commands": commands, "fields of show --json": fields_of_show}


def _command(name: str, command: click.Command, parent: click.Context) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    about = [_paragraph(one) for one in inspect.cleandoc(command.help or "").split("\n\n")]
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = [record for one in options if (record := one.get_help_record(context))]
    rows = [f"| `{option}` | {_text(meaning)} |" for option, meaning in records]
    table = "\n".join(["| option | meaning |", "|---|---|", *rows])
    return "\n\n".join([f"## `bvtrack {name}` {{#{name}}}", f"```text\n{usage}\n```", *about, table])


def _paragraph(text: str) -> str:
    """A paragraph of a command's help: what click is told to leave as it is, and examples, are code."""
    if text.startswith("\b"):
        return f"```text\n{text.removeprefix(chr(8)).strip(chr(10))}\n```"
    if example := re.match(r"Examples?: (.*)", text, re.DOTALL):
        return f"```sh\n{' '.join(example[1].split())}\n```"
    return _text(text)


def _text(words: str) -> str:
    """Words in which nothing but code is Markdown."""

    def escaped(found: re.Match[str]) -> str:
        if found[0][0] == "`":
            return found[0]
        return f"`{found[0]}`" if found[0][0] == "-" else f"&#{ord(found[0])};"

    return SPECIAL.sub(escaped, words)


def _fields(path: str, field: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A field and all that lies in it, by their paths."""
    yield path, field
    for name, within in field.get("properties", {}).items():
        yield from _fields(f"{path}.{name}", within)
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        within = field.get(key)
        if isinstance(within, dict):
            inner = list(_fields(f"{path}{suffix}", within))
            yield from inner if "description" in within else inner[1:]


def _table(fields: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    rows = (f"| `{path}` | {_type(field)} | {_text(field.get('description', ''))} |" for path, field in fields)
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])


def _type(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return " or ".join(f"`{json.dumps(one)}`" for one in field["enum"])
    types = field.get("type", "any")
    named = " or ".join([types] if isinstance(types, str) else types)
    within = field.get("items") or field.get("additionalProperties")
    if isinstance(within, dict) and "description" not in within and "properties" not in within:
        return f"{named} of {_type(within)}"
    return named
