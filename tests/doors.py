"""The table of the ways in, and the tests that show what each holds: makes docs/trust/doors.md of doors.toml.

python tests/doors.py
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pages import ROOT, made_anew

PAGE = ROOT / "docs" / "trust" / "doors.md"
PROPERTIES = {
    "train": "train error in eval mode",
    "dev": "dev error",
    "test": "test error",
    "epoch": "the right epoch",
    "bits": "the training is the same to the bit",
    "resume": "a resumed training",
    "processes": "several processes",
    "input": "bad input",
}
"""What is shown of each way in: the key in doors.toml, and the heading."""
BEGIN = "<!-- made by tests/doors.py -->"


@dataclass(frozen=True)
class Door:
    """One way in; `shown` holds, for each of `PROPERTIES`, a test (`file.py::name`) or the reason why there is none."""

    name: str
    page: str
    packages: Sequence[str]
    shown: dict[str, str]

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        shown = {key: text for key, text in content.items() if key not in ("name", "page", "packages")}
        return cls(content["name"], content["page"], content["packages"], shown)

    @property
    def n_lines(self) -> int:
        """The lines of its adapter, blank ones and docstrings included."""
        files = [path for package in self.packages for path in modules_of(ROOT / "integrations" / package)]
        return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def modules_of(path: Path) -> Sequence[Path]:
    return sorted(path.glob("*.py")) if path.is_dir() else [path]


def read_doors() -> Sequence[Door]:
    content = tomllib.loads((ROOT / "tests" / "doors.toml").read_text(encoding="utf-8"))
    return [Door.of(one) for one in content["door"]]


def is_test(text: str) -> bool:
    return "::" in text


def tables(doors: Sequence[Door]) -> str:
    """Two tables: what each way in holds, and the tests and reasons behind the cells."""
    head = ["way in", *PROPERTIES.values(), "lines of the adapter"]
    lines = [_row(head), _row("---" for _ in head)]
    lines += [_row([f"[{door.name}]({door.page})", *map(_cell, _texts(door)), f"{door.n_lines:,}"]) for door in doors]
    for door in doors:
        lines += ["", f"**{door.name}**", ""]
        lines += [f"* {heading}: {_behind(text)}" for heading, text in zip(PROPERTIES.values(), _texts(door), strict=True)]
    return "\n".join(lines)


def _texts(door: Door) -> Sequence[str]:
    return [door.shown[key] for key in PROPERTIES]


def _cell(text: str) -> str:
    return "yes" if is_test(text) else "see below"


def _behind(text: str) -> str:
    if not is_test(text):
        return text
    file, name = text.split("::")
    return f"[`{name}`](../../tests/{file})"


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def page(text: str, doors: Sequence[Door]) -> str:
    """The page with its tables made anew."""
    return made_anew(text, BEGIN, tables(doors))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), read_doors()), encoding="utf-8")
