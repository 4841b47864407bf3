"""Which test files are of the fast half, that `make check` runs (`pytest --fast-half`), and which of the others begin first.

A file is of the slow half if it, or a module of these tests that it imports, imports what trains, what starts processes, or a
browser: so a new file is in the right half by what it does. `LONG` has those that take long by computing alone.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
FOLDERS = [
    ROOT / folder
    for folder in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"][
        "pythonpath"
    ]
]
"""Where the modules are that tests share."""
SLOW = {
    *("accelerate", "catboost", "datasets", "fastai", "flax", "ignite", "jax", "keras", "lightgbm", "lightning", "optuna"),
    *("pytorch_lightning", "ray", "pyspark", "sklearn", "tensorflow", "torch", "transformers", "trl", "xgboost"),
    *("bvtrack_boosting", "bvtrack_demo", "bvtrack_keras", "bvtrack_lightning", "bvtrack_ray", "bvtrack_sklearn"),
    *("bvtrack_spark", "bvtrack_transformers", "multiprocessing", "nbclient", "playwright", "subprocess"),
}
"""Packages whose import alone takes seconds, or that start processes."""
EVERYWHERE = {"nursery", "fast_half"}
"""Modules beside the tests that all of them have, by `conftest.py`."""
LONG = {
    *("test_damaged_journals.py", "test_hostile.py", "test_journal_life.py", "test_report.py"),
    "test_summary_on_screen.py",  # whose programs in a terminal train
}
"""Files of the fast half's kind that take more than a dozen seconds of a core."""
FIRST = (
    *("test_keras_backends.py", "test_interruptions.py", "test_examples.py", "test_outage.py", "test_lightning_others.py"),
    *("test_lightning_errors.py", "test_stop_when.py", "test_lightning_processes.py", "test_map.py", "test_report.py"),
)
"""Files that take the longest: one that begins last would leave all cores but one idle."""


def is_fast(file: Path) -> bool:
    """True if a test file is of the fast half."""
    return file.name not in LONG and not (_packages(file) & SLOW)


def has_examples(file: Path) -> bool:
    """True if a docstring of a file has an example, which is a test, too."""
    return re.search(r"^ *>>> ", file.read_text(encoding="utf-8"), re.MULTILINE) is not None


def place_of(file: Path) -> int:
    """Where a file stands in the order of the files."""
    return FIRST.index(file.name) if file.name in FIRST else len(FIRST)


def _packages(file: Path) -> set[str]:
    """The packages that a file imports anywhere, and those of the modules of these tests that it imports, and so on."""
    found: set[str] = set()
    seen: set[Path] = set()
    left = [file]
    while left:
        names = _names(left.pop()) - EVERYWHERE
        found |= {name.partition(".")[0] for name in names}
        beside = {folder / f"{name.replace('.', '/')}.py" for folder in FOLDERS for name in names}
        left += [other for other in beside - seen if other.exists()]
        seen |= beside
    return found


@cache
def _names(file: Path) -> frozenset[str]:
    return frozenset(_imported(ast.parse(file.read_text(encoding="utf-8"))))


def _imported(tree: ast.Module) -> Iterator[str]:
    """The modules that are imported, by their dotted names; a name out of a module may be one of these, too."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (module, *(f"{module}.{alias.name}" for alias in names))
            case ast.Call(func=ast.Attribute(attr="importorskip" | "import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name
