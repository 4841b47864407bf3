"""Each block of code in README.md and docs/ runs, and prints what stands below it; `pages.py` says how to write one."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pytest
from pages import NOT_RUN, PAGES, ROOT, Block, all_blocks, blocks_in, is_as_shown, missing_for

from bvtrack.cli import Commands, main

BLOCKS = all_blocks()
PYTHON = [block for block in BLOCKS if block.language == "python"]
SHELL = [block for block in BLOCKS if block.language == "sh" and block.commands]
RUN = [block for block in (*PYTHON, *SHELL) if not block.reason and (block.language == "python" or block.output is not None)]
HELP = "tests/pages.py says what a block may use, and what to do where it needs more or cannot run"


def fail(block: Block, what: str) -> None:
    """Says of a block what is wrong with it, without the lines of the test."""
    pytest.fail(f"{block} {what}\n{HELP}", pytrace=False)


@functools.cache
def missing(block: Block) -> frozenset[str]:
    """The packages that it imports and that are not installed."""
    return frozenset(missing_for(block.code)) if block.language == "python" else frozenset()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Mapping[Block, dict[str, Any]]:
    """What became of each block."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    there = [block for block in BLOCKS if block in RUN and not missing(block)]
    asked = [asdict(block) | {"before": block.before, "commands": block.commands} for block in there]
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    silent = {"BVTRACK_SUMMARY": "0", "BVTRACK_REPORT": "0", "BVTRACK_JOURNAL_DIR": str(folder / "journals")}
    place = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder.as_posix()}/mlflow.db", "COLUMNS": "100"}
    answered = folder / "answered.jsonl"
    program = [sys.executable, str(ROOT / "tests" / "run_pages.py"), str(folder / "asked.json"), str(answered)]
    run = subprocess.run(program, capture_output=True, text=True, check=False, env={**os.environ, **silent, **place})
    lines = [json.loads(line) for line in answered.read_text(encoding="utf-8").splitlines()] if answered.exists() else []
    assert len(lines) == len(there), f"{(there or RUN)[len(lines)]} ended the program of all pages:\n{run.stderr[-3000:]}"
    return dict(zip(there, lines, strict=True))


def outcome_of(block: Block, outcomes: Mapping[Block, dict[str, Any]]) -> dict[str, Any]:
    """What became of a block, where it could be run."""
    if missing(block):
        pytest.skip(f"{', '.join(sorted(missing(block)))} not installed")
    return outcomes[block]


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "python"], ids=str)
def test_a_block_of_python_runs_and_bvtrack_says_nothing_is_wrong(block: Block, outcomes: Mapping[Block, Any]) -> None:
    found = outcome_of(block, outcomes)

    if found["error"] or found["said"]:
        fail(block, f"raises or warns:\n{found['error']}{found['said'] or ''}")


@pytest.mark.parametrize("block", [block for block in RUN if block.output is not None], ids=str)
def test_what_stands_below_a_block_is_what_it_prints(block: Block, outcomes: Mapping[Block, Any]) -> None:
    printed = outcome_of(block, outcomes)["output"]

    if not is_as_shown(printed, str(block.output)):
        fail(block, f"prints\n{printed}\nbut below it stands\n{block.output}")


def comments_of_prints(block: Block) -> dict[int, str]:
    """What a page says of the output of each `print` that stands on a line of its own, by the line."""
    calls = [node.value for node in ast.walk(ast.parse(block.code)) if isinstance(node, ast.Expr)]
    last = {call.end_lineno: call.lineno for call in calls if isinstance(call, ast.Call) and ast.unparse(call.func) == "print"}
    comments = {k: found[1] for k, line in enumerate(block.code.splitlines(), 1) if (found := re.search(r"\)  # (.+)$", line))}
    return {block.line - 1 + last[k]: comment for k, comment in comments.items() if k in last}


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "python" and comments_of_prints(block)], ids=str)
def test_a_comment_behind_a_print_is_what_it_prints(block: Block, outcomes: Mapping[Block, Any]) -> None:
    said = outcome_of(block, outcomes)["printed"]
    for line, comment in comments_of_prints(block).items():
        printed = " ".join(said.get(str(line), "").split())
        shown = re.sub(r" ?(\.\.\.|…)$", "", comment)

        if not printed.startswith(shown):
            fail(block, f"prints in line {line}\n{printed}\nbut says\n{shown}")


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_command_on_a_page_has_only_options_that_it_takes(block: Block) -> None:
    assert isinstance(main, Commands)
    for line in block.commands:
        words = shlex.split(re.sub(r"(?<!\d)[<>|&;].*", "", line))[1:]
        name = words[0]
        command = main.get_command(click.Context(main), name)

        assert command is not None or name.startswith("-"), f"{block}: there is no command {name!r}"
        if command is not None:
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            asked = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
            assert asked - known <= {"-h", "--help"}, f"{block}: {name} has no {', '.join(sorted(asked - known))}"


def test_what_is_not_run_is_there_and_little() -> None:
    for page, word in NOT_RUN:
        assert [block for block in BLOCKS if block.page == page and word in block.code], f"{page} has no block with {word!r}"
    assert len(NOT_RUN) <= 10


def test_a_block_is_found_with_its_line_and_what_it_prints() -> None:
    text = "# A page\n\n```python\nx = 1\nprint(x)  # 1\n```\n\n```text\n1\n```\n\n    ```sh\n    bvtrack --version\n    ```\n"
    python, shown, shell = blocks_in(text, "page.md")

    assert (python.line, python.code, python.output) == (4, "x = 1\nprint(x)  # 1", "1")
    assert (shown.language, shell.code, shell.output) == ("text", "bvtrack --version", None)
    assert comments_of_prints(python) == {5: "1"}
    assert len(PAGES) > 5
