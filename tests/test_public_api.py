"""What semantic versioning covers changes only where somebody says so."""

from __future__ import annotations

import difflib

from public_api import PAGE, public


def test_what_semantic_versioning_covers_is_what_stands_in_the_file() -> None:
    written, is_now = PAGE.read_text(encoding="utf-8"), public()
    changed = "\n".join(
        difflib.unified_diff(written.splitlines(), is_now.splitlines(), "public_api.txt", "now", lineterm="", n=0)
    )

    assert written == is_now, (
        f"{changed}\n\nIf that is meant, run `python tests/public_api.py`; RELEASING.md says which version it asks for."
    )


def test_every_public_name_of_the_library_has_its_line() -> None:
    import bvtrack
    import bvtrack.adapters

    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for module in (bvtrack, bvtrack.adapters):
        for name in module.__all__:
            assert any(line.removeprefix("class ").startswith(f"{module.__name__}.{name}") for line in lines), name
