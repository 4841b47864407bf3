"""Runs blocks of pages, a program for all of them, for `test_pages.py` to start: frameworks take seconds to import.

Reads the blocks as JSON from the first argument's file, and writes what became of each, a line of JSON, to the second's. Each
page has names and a working directory of its own.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import json
import os
import shlex
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from kept_warnings import kept_warnings
from pages import ROOT

Names = dict[str, Any]


def python(block: dict[str, Any], names: Names, printed: dict[int, str]) -> None:
    """Runs a block as if it stood in a program of the page's lines; what each line printed is kept by its number."""

    def print_and_keep(*values: object, **options: Any) -> None:
        text = io.StringIO()
        builtins.print(*values, **{**options, "file": text})
        printed[sys._getframe(1).f_lineno] = printed.get(sys._getframe(1).f_lineno, "") + text.getvalue()
        builtins.print(*values, **options)

    names["print"] = print_and_keep
    exec(compile(block["before"], f"what a reader has before {block['page']}:{block['line']}", "exec"), names)
    tree = ast.increment_lineno(ast.parse(block["code"]), block["line"] - 1)
    exec(compile(tree, ROOT / block["page"], "exec"), names)


def commands(block: dict[str, Any]) -> None:
    """Runs the `bvtrack` commands of a shell block, and prints what they do."""
    from bvtrack.cli import main

    for line in block["commands"]:
        print(CliRunner().invoke(main, shlex.split(line)[1:]).output, end="")


def outcome(block: dict[str, Any], names: Names) -> dict[str, Any]:
    """What became of a block: what it printed, in all and by line, what bvtrack said, and the error that it raised."""
    error, output = "", io.StringIO()
    printed: dict[int, str] = {}
    with kept_warnings() as said, contextlib.redirect_stdout(output):
        try:
            python(block, names, printed) if block["language"] == "python" else commands(block)
        except BaseException as raised:  # a block that exits fails, too
            while raised.__traceback__ and raised.__traceback__.tb_frame.f_code.co_filename == __file__:
                raised.__traceback__ = raised.__traceback__.tb_next  # our own frames say nothing of the page
            error = "".join(traceback.format_exception(raised))
    return {"error": error, "said": said, "printed": printed, "output": output.getvalue()}


def main(asked: Path, answered: Path) -> None:
    pages: dict[str, tuple[Names, str]] = {}
    with answered.open("w", encoding="utf-8") as file:
        for block in json.loads(asked.read_text(encoding="utf-8")):
            names, folder = pages.setdefault(block["page"], ({"__name__": "__main__"}, tempfile.mkdtemp(dir=asked.parent)))
            os.chdir(folder)
            file.write(json.dumps(outcome(block, names)) + "\n")
            file.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
