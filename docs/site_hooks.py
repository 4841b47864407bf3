"""What the site does beyond MkDocs: it shows files of the repository as pages, and links to what is outside docs/.

`--8<-- "SECURITY.md"`, alone in its line, stands for the text of that file. A link to a file outside docs/ leads to where the
sources are shown, so that a page can be read in the repository and on the site alike; one to a file that is not there fails
the build.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INCLUDED = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """The page with what it includes, and with links that hold on the site; raises where a file is not there."""
    folder = Path(page.file.abs_src_path).parent

    def included(line: re.Match[str]) -> str:
        text = (ROOT / line[1]).read_text(encoding="utf-8")
        return LINK.sub(lambda link: f"]({os.path.relpath(ROOT / link[1], folder)}{link[2] or ''})", text)

    def address(link: re.Match[str]) -> str:
        target = (folder / link[1]).resolve()
        if target.is_relative_to(ROOT / "docs"):
            return link[0]
        if not target.exists():
            raise FileNotFoundError(f"{page.file.src_path} links to {link[1]}, which is not in the repository")
        kind = "tree" if target.is_dir() else "blob"
        return f"]({config.extra['repository']}/{kind}/main/{target.relative_to(ROOT).as_posix()}{link[2] or ''})"

    return LINK.sub(address, INCLUDED.sub(included, markdown))
