"""The pages that a reader follows, README.md and docs/: their sections and their blocks of code.

For whoever writes a page: the blocks of Python of a page run one after the other in one program, so that each may use what an
earlier one has made. What a reader brings (a model, arrays, loaders) is in `readers_own.py`, by a word that stands in the
block. A `text` block right below a block of Python, or below a block of `bvtrack` commands, is what that prints: in it, `…`
stands for anything, and alone in a line for any lines. A comment behind a `print` is how its output begins. Of other commands
only the options are checked. What cannot run is in `NOT_RUN`, with what shows it instead.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from readers_own import READERS_OWN

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)[^\n]*\n(?P<code>.*?)\n?^(?P=indent)```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"\n*(?: *\n)* *```text\n")
HEADING = re.compile(r"^#+ (?P<title>.*?)(?: \{#(?P<id>[\w-]+)\})?$", re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")
"""A link to a file or a heading, not to an address."""
TARGETS = re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
"""What a page may tell to `make`."""
END = "<!-- end -->"
"""The line below what a script makes of a page."""

NOT_RUN: Mapping[tuple[str, str], str] = {
    ("docs/gallery/index.md", ""): "`make gallery` runs them, in functions that tests/test_gallery.py compares with the page",
    ("docs/start/split_files.md", "bvtrack_spark"): "a cluster of Spark's runs it: tests/test_spark.py, by `make scale`",
    ("docs/start/elsewhere.md", "tune.report("): "a worker of Ray's runs it: examples/ray_tune_digits.py, by `make doors`",
    ("docs/start/elsewhere.md", "TuneReportCheckpointCallback"): "the same, with Lightning: tests/test_elsewhere_ray.py",
    ("docs/start/elsewhere.md", "get_world_rank"): "a worker of Ray's runs it: examples/ray_train_digits.py, by `make doors`",
}
"""Blocks that a test cannot run, by page and a word in them (all of a page: none), with what shows them instead."""


class Section(NamedTuple):
    """What stands below a heading, up to the next one of any level; the first, without a title, stands above all of them."""

    title: str
    anchor: str
    text: str


@dataclass(frozen=True)
class Block:
    """A block of code: where it stands, and what it prints (`None` where the page does not say)."""

    page: str
    line: int
    language: str
    code: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The `bvtrack` commands of a shell block, without comments, on one line each."""
        lines = self.code.replace("\\\n", " ").splitlines()
        return [re.sub(r"\s+#.*", "", line).strip() for line in lines if line.startswith("bvtrack ")]

    @property
    def before(self) -> str:
        """What a reader has before it."""
        return "".join(code for word, code in READERS_OWN.items() if word in self.code)

    @property
    def reason(self) -> str | None:
        """Why it is not run, where it is not."""
        return next((why for (page, word), why in NOT_RUN.items() if page == self.page and word in self.code), None)


def without_code(text: str) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", text)


def sections_in(text: str) -> Iterator[Section]:
    """The sections of a page, in its order."""
    code = [range(*found.span()) for found in FENCE.finditer(text)]
    headings = [found for found in HEADING.finditer(text) if not any(found.start() in block for block in code)]
    ends = [*(found.start() for found in headings), len(text)]
    yield Section("", "", text[: ends[0]])
    for found, end in zip(headings, ends[1:], strict=True):
        yield Section(found["title"], found["id"] or slug(found["title"]), text[found.end() + 1 : end])


def slug(heading: str) -> str:
    """The id that a heading has, unless it has one of its own."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading, flags=re.ASCII).strip().lower())


def made_anew(text: str, begin: str, made: str) -> str:
    """A page with something else between its line `begin` and the next `END`."""
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{made}\n{END}{rest.partition(END)[2]}"


def blocks_in(text: str, page: str) -> Iterator[Block]:
    """The blocks of a page, in its order."""
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        below = OUTPUT.match(text, found.end())
        output = FENCE.search(text, found.end()) if below else None
        code, printed = (textwrap.dedent(part["code"]) if part else None for part in (found, output))
        yield Block(page, line, found["language"], code or "", printed)


def all_blocks() -> list[Block]:
    """Those of every page."""
    return [block for page in PAGES for block in blocks_in(page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix())]


def missing_for(code: str) -> set[str]:
    """The packages that a program imports at its top, and that are not installed."""
    nodes = ast.parse(code).body
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {package for name in names if find_spec(package := name.partition(".")[0]) is None}


def is_as_shown(printed: str, shown: str) -> bool:
    """True if what was printed is what a page shows, in which `…` stands for anything, alone in a line for any lines.

    >>> is_as_shown("a run\\nis 4f1c2b\\nb\\nc\\n", "a run\\nis 4f…\\n…\\nc"), is_as_shown("a", "b")
    (True, False)
    """
    lines = [line.rstrip() for line in shown.strip("\n").splitlines()]
    parts = [r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in lines]
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    return re.fullmatch("".join(parts), text) is not None
