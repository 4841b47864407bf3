from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bvtrack

CHECKOUT = Path(__file__).parents[1]
ADAPTERS = sorted((CHECKOUT / "integrations").rglob("*.py"))
HEAVY = {"torch", "lightning", "pytorch_lightning", "keras", "mlflow", "pandas", "scipy", "sklearn"}


def heavy_modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return HEAVY & set(output.split())


def names_taken_from_the_core(path: Path) -> set[str]:
    taken: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "bvtrack":
            taken |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bvtrack."):
            taken.add(str(node.module))
        elif isinstance(node, ast.Import):
            taken |= {alias.name for alias in node.names if alias.name.startswith("bvtrack.")}
    return taken


def test_importing_the_core_loads_no_framework() -> None:
    assert heavy_modules_after("import bvtrack") == set()


def test_diagnosing_without_counts_loads_no_framework() -> None:
    assert heavy_modules_after("import bvtrack; bvtrack.diagnose(train_error=0.01, dev_error=0.11)") == set()


def test_a_framework_that_is_loaded_is_noticed() -> None:
    assert heavy_modules_after("import bvtrack, scipy") == {"scipy"}


def test_importing_the_lightning_adapter_alone_loads_no_lightning() -> None:
    assert heavy_modules_after("import bvtrack_lightning.factory") == set()


def test_every_public_name_is_there_and_in_order() -> None:
    public = {name for name in vars(bvtrack) if not name.startswith("_")} | {"__version__"}
    modules = {name for name in public if isinstance(getattr(bvtrack, name), type(bvtrack))}

    assert public - modules == set(bvtrack.__all__)


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_an_adapter_takes_only_public_names(path: Path) -> None:
    assert names_taken_from_the_core(path) <= set(bvtrack.__all__)


def test_a_private_name_that_an_adapter_takes_is_noticed(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text("from bvtrack.journal.journal import Journal\n")

    assert not names_taken_from_the_core(adapter) <= set(bvtrack.__all__)


def test_only_the_command_line_knows_an_adapter() -> None:
    core = [path for path in (CHECKOUT / "bvtrack").rglob("*.py") if path.parent.name != "commands"]

    assert [path for path in core if "import bvtrack_" in path.read_text() or "from bvtrack_" in path.read_text()] == []
