"""The cells of cells.toml, and the versions that each asks for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TABLE: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("cells.toml").read_text(encoding="utf-8"))
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[.*\])?>=(?P<floor>[\d.]+)")


@dataclass(frozen=True)
class Cell:
    """One Python with the `lowest` or the `newest` versions."""

    name: str
    python: str
    versions: str

    @property
    def constraints(self) -> Sequence[str]:
        """One line for each package whose version is given; for the newest versions, none is."""
        return [f"{name}=={version}" for name, version in lowest_on(self.python).items()] if self.versions == "lowest" else []


FLOORS: Mapping[str, str] = TABLE["floors"]
HIGHER: Mapping[str, Mapping[str, str]] = TABLE["from-python"]
CELLS: Sequence[Cell] = [Cell(**content) for content in TABLE["cell"]]
SHOWN: Sequence[str] = TABLE["shown"]


def floors() -> dict[str, str]:
    """The lowest version of each package, as pyproject.toml says for users.

    >>> floors()["mlflow"]
    '3.13'
    """
    extras = [line for name in TABLE["extras"] for line in PROJECT["optional-dependencies"][name]]
    found = map(REQUIREMENT.match, [*PROJECT["dependencies"], *extras])
    return {match["name"]: match["floor"] for match in found if match} | {**FLOORS}


def lowest_on(python: str) -> dict[str, str]:
    """The lowest version of each package that this Python can install."""
    return {**floors(), **HIGHER.get(python, {})}
