"""`make check` runs the tests that train nothing and start nothing, by what each file imports; `make test` runs all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fast_half import FIRST, FOLDERS, HERE, LONG, SLOW, has_examples, is_fast


def a_test(folder: Path, *lines: str) -> Path:
    file = folder / "test_something.py"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "line",
    [
        "import torch.nn as nn",
        "from lightning.pytorch import Trainer",
        "    import subprocess",
        'nbclient = pytest.importorskip("nbclient", reason="not installed")',
        'torch = importlib.import_module("torch")',
        "from servers import running",  # a module beside the tests, which starts servers
        "from matrix.environment import counts",  # one of a package
        "from matrix import environment",
        "from interventions import BASE",  # one of the benchmarks
        "from keras_training import fit",
    ],
)
def test_a_file_that_imports_what_trains_or_starts_processes_is_of_the_slow_half(line: str, tmp_path: Path) -> None:
    assert not is_fast(a_test(tmp_path, "def f():", "    pass", f"if True:\n    {line.strip()}"))


@pytest.mark.parametrize(
    "line", ["import bvtrack", "from matrix.cells import CELLS", "from pages import ROOT", "import nursery"]
)
def test_a_file_that_imports_no_such_thing_is_of_the_fast_half(line: str, tmp_path: Path) -> None:
    assert is_fast(a_test(tmp_path, line))


@pytest.mark.parametrize("name", sorted({*LONG, *FIRST}))
def test_a_file_that_is_named_is_there(name: str) -> None:
    assert (HERE / name).exists()


@pytest.mark.parametrize("name", sorted(LONG))
def test_a_file_is_named_as_long_only_where_its_imports_do_not_say_so(name: str, tmp_path: Path) -> None:
    assert not is_fast(HERE / name)
    assert is_fast(a_test(tmp_path, (HERE / name).read_text(encoding="utf-8")))


def test_modules_that_tests_share_are_looked_for_where_pytest_does() -> None:
    assert all(folder.is_dir() for folder in FOLDERS)
    assert {"subprocess", "torch", "playwright"} <= SLOW


def test_examples_beside_the_tests_are_tests_too(request: pytest.FixtureRequest) -> None:
    beside = {file for file in HERE.rglob("*.py") if has_examples(file) and not file.name.startswith("test_")}
    ignored = {
        file for file in beside if request.config.hook.pytest_ignore_collect(collection_path=file, config=request.config)
    }

    assert HERE / "pages.py" in beside
    assert ignored == set()
