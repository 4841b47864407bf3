"""All that semantic versioning covers, a line each: names and signatures, commands, tags, metrics, files and formats.

`python tests/public_api.py` writes it to public_api.txt, where a change is seen in review; RELEASING.md says what a change of
which kind asks for. Python is read by griffe, without importing a framework.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import griffe
from pages import ROOT
from tag_values import finding_codes, values_of_tags

import bvtrack
from bvtrack.cli import COMMANDS, main
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.journal.journal import FORMAT
from bvtrack.schema.names import (
    DIAGNOSIS_FILE,
    REPORT_FILE,
    SPLITS_FILE,
    TRAIN_ERROR_RUNNING,
    unscaled_metric,
    verdict_metric,
)
from bvtrack.schema.tags import GROUP, ID, TAGS
from bvtrack.schema.verdict_metrics import NAMES

PAGE = Path(__file__).with_suffix(".txt")
MODULES = (
    "bvtrack",
    "bvtrack.adapters",
    "bvtrack.split_files",
    "bvtrack_boosting.catboost",
    "bvtrack_boosting.lightgbm",
    "bvtrack_boosting.xgboost",
    "bvtrack_keras",
    "bvtrack_lightning",
    "bvtrack_ray",
    "bvtrack_server",
    "bvtrack_sklearn",
    "bvtrack_spark",
    "bvtrack_transformers",
)
"""Modules whose `__all__` is public."""
STARS = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}


def signature(function: griffe.Function, name: str) -> str:
    """`name(parameters) -> result`, without `self`; its parameters as the source has them."""
    parameters = [parameter for parameter in function.parameters if parameter.name not in ("self", "cls")]
    shown, is_keyword_only = [], False
    for parameter in parameters:
        if parameter.kind is griffe.ParameterKind.keyword_only and not is_keyword_only:
            is_keyword_only = True
            shown += [] if any(one.kind is griffe.ParameterKind.var_positional for one in parameters) else ["*"]
        stars = STARS.get(parameter.kind, "") if parameter.kind else ""
        annotation = f": {parameter.annotation}" if parameter.annotation is not None else ""
        default = f" = {parameter.default}" if parameter.default is not None and not stars else ""
        shown.append(f"{stars}{parameter.name}{annotation}{default}")
    result = f" -> {function.returns}" if function.returns is not None else ""
    return f"{name}({', '.join(shown)}){result}"


def lines_of(found: griffe.Object | griffe.Alias, name: str) -> Iterator[str]:
    """A public object, and of a class all that it and its bases within bvtrack give to its user."""
    target = found.final_target if isinstance(found, griffe.Alias) else found
    if isinstance(target, griffe.Function):
        yield signature(target, name)
    elif isinstance(target, griffe.Class):
        init = target.all_members.get("__init__")
        made = init.final_target if isinstance(init, griffe.Alias) else init
        yield "class " + (signature(made, name).removesuffix(" -> None") if isinstance(made, griffe.Function) else name)
        members = [member for own, member in target.all_members.items() if not own.startswith("_")]
        yield from (
            line for member in sorted(members, key=lambda one: one.name) for line in lines_of(member, f"{name}.{member.name}")
        )
    elif isinstance(target, griffe.Attribute):
        yield f"{name}: {target.annotation}" if target.annotation is not None else name


def python() -> Iterator[str]:
    """The public names of all modules, in the order of their names."""
    loader = griffe.GriffeLoader(search_paths=[ROOT, ROOT / "integrations"])
    for module in MODULES:
        loader.load(module.partition(".")[0])
    loader.resolve_aliases()
    for module in MODULES:
        found = loader.modules_collection[module]
        names = bvtrack.__all__ if module == "bvtrack" else map(str, found.exports or ())  # the first has a stub, and no list
        for name in sorted(names):
            yield from lines_of(found[name], f"{module}.{name}")


def command_line() -> Iterator[str]:
    """Each command with its arguments and options."""
    context = click.Context(main)
    for name in sorted(COMMANDS):
        command = main.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            names = "/".join((*parameter.opts, *parameter.secondary_opts))
            kind = "" if getattr(parameter, "is_flag", False) else f" {parameter.type.name.upper()}"
            marks = "".join(f", {mark}" for mark in ("required", "multiple") if getattr(parameter, mark, False))
            yield f"bvtrack {name} {names}{kind}{marks}"


def schema(found: Mapping[str, object], name: str) -> Iterator[str]:
    """The fields of a JSON schema, by their paths."""
    properties = found.get("properties", {})
    assert isinstance(properties, Mapping)
    for field, described in properties.items():
        yield f"{name}.{field}: {kind_of(described)}"
        yield from schema(described, f"{name}.{field}")
        yield from schema(described.get("items", {}), f"{name}.{field}[]")


def kind_of(described: Mapping[str, Any]) -> str:
    """The values that a field of a JSON schema can have, or their types."""
    if "const" in described or "enum" in described:
        return " | ".join(map(json.dumps, described.get("enum", [described.get("const")])))
    kinds = described["type"]
    return kinds if isinstance(kinds, str) else " | ".join(kinds)


def in_mlflow() -> Iterator[str]:
    """What people filter and sort by, and the files of a run."""
    values = [f"{name} = {value}" for name, of_tag in values_of_tags().items() for value in of_tag]
    yield from sorted(f"tag {one}" for one in (*(tag.name for tag in TAGS), ID, GROUP, *values))
    yield from sorted(f"finding {code}" for code in finding_codes())
    metrics = [*NAMES, *map(verdict_metric, NAMES), *map(unscaled_metric, SET_NAMES), TRAIN_ERROR_RUNNING]
    yield from sorted(f"metric {name}" for name in metrics)
    yield from (f"artifact {name}" for name in (DIAGNOSIS_FILE, REPORT_FILE, SPLITS_FILE))
    yield f"journal format {FORMAT}"


def public() -> str:
    """The whole text, a part for each kind."""
    described = json.loads((ROOT / "docs" / "show.schema.json").read_text(encoding="utf-8"))
    parts = (python(), command_line(), in_mlflow(), schema(described, "show"))
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts)


if __name__ == "__main__":
    PAGE.write_text(public(), encoding="utf-8")
