from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from pages import TARGETS

import bvtrack
import bvtrack.adapters

CHECKOUT = Path(__file__).parents[1]
FOR_DEVELOPERS = [CHECKOUT / "AGENTS.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs" / "extend").glob("*.md"))]
ADAPTERS = sorted((CHECKOUT / "integrations").rglob("*.py"))
MODULES = {"mlflow-skinny": "mlflow", "scikit-learn": "sklearn", "tensorflow-cpu": "tensorflow"}
ASKED_FOR = {"PIL"}
"""No extra of its own; where it is missing, a message says what to install."""
EXAMPLES = sorted((CHECKOUT / "examples").glob("*.py"))
HEAVY = {"torch", "lightning", "pytorch_lightning", "keras", "mlflow", "pandas", "scipy", "sklearn"}
DIAGNOSE = "from bvtrack.cli import main; main({arguments}, standalone_mode=False)"


def heavy_modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return HEAVY & set(output.split())


def others_loaded_by(statement: str) -> set[str]:
    """The top-level modules that a statement loads of others than Python and bvtrack, beside those that a bare Python loads."""
    code = f"import sys; bare = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - bare), file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    return (
        {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"bvtrack", "org"}
    )  # org: Jython's, asked for


PUBLIC = {"bvtrack": set(bvtrack.__all__), "bvtrack.adapters": set(bvtrack.adapters.__all__)}


def hidden_names_taken_by(path: Path) -> set[str]:
    """What a file imports of the core that is in no `__all__`."""
    taken: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "bvtrack":
            public = PUBLIC.get(str(node.module), set())
            taken |= {f"{node.module}.{alias.name}" for alias in node.names if alias.name not in public}
        elif isinstance(node, ast.Import):
            taken |= {alias.name for alias in node.names if alias.name.startswith("bvtrack.") and alias.name not in PUBLIC}
    return taken


def test_importing_the_core_loads_no_framework() -> None:
    assert heavy_modules_after("import bvtrack") == set()


def test_what_a_training_needs_of_the_core_loads_no_framework() -> None:
    assert heavy_modules_after("from bvtrack import Tracker, compare_splits, diagnose, profile") == set()


def test_comparing_sets_loads_no_scipy() -> None:
    sets = "(np.random.default_rng(seed).normal(size=(500, 3)), [f'class {i % 3}' for i in range(500)]) for seed in (0, 1)"
    code = (
        f"import numpy as np; from bvtrack import compare_splits; train, dev = ({sets}); compare_splits(train=train, dev=dev)"
    )

    assert heavy_modules_after(code) == set()


def test_diagnosing_without_counts_loads_no_framework() -> None:
    assert heavy_modules_after("import bvtrack; bvtrack.diagnose(train_error=0.01, dev_error=0.11)") == set()


def test_a_tracker_alone_loads_neither_numpy_nor_the_page_of_a_report() -> None:
    code = "from bvtrack import Tracker; import sys; print(*sys.modules)"

    assert (
        "numpy" not in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize(
    ("statement", "needed"),
    [
        ("import bvtrack", {"lazy_loader"}),
        ("import bvtrack; bvtrack.diagnose(train_error=0.01, dev_error=0.11)", {"lazy_loader"}),
        (DIAGNOSE.format(arguments=["diagnose", "--train", "0.01", "--dev", "0.11"]), {"lazy_loader", "click"}),
        (DIAGNOSE.format(arguments=["diagnose", "--train", "0.01", "--json"]), {"lazy_loader", "click"}),
    ],
)
def test_what_starts_often_loads_nothing_of_others_that_it_does_not_need(statement: str, needed: set[str]) -> None:
    assert others_loaded_by(statement) == needed


def test_a_module_of_others_that_is_loaded_is_noticed() -> None:
    assert others_loaded_by("import bvtrack, rich.console") >= {"lazy_loader", "rich"}


def test_errors_on_the_command_line_are_diagnosed_without_the_readers_of_logs() -> None:
    code = DIAGNOSE.format(arguments=["diagnose", "--train", "0.01"]) + "\nimport sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert [name for name in loaded if name.startswith(("bvtrack.auditing", "bvtrack.logfiles", "bvtrack.store"))] == []


def test_a_framework_that_is_loaded_is_noticed() -> None:
    assert heavy_modules_after("import bvtrack, scipy") == {"scipy"}


def test_importing_the_lightning_adapter_alone_loads_no_lightning() -> None:
    assert heavy_modules_after("import bvtrack_lightning.factory") == set()


def test_importing_the_core_imports_nothing_of_it_that_is_not_used() -> None:
    code = "import bvtrack, sys; print(*(name for name in sys.modules if name.startswith('bvtrack.')))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


def test_importing_what_adapters_are_built_of_loads_no_framework() -> None:
    assert heavy_modules_after("import bvtrack.adapters") == set()


def test_every_public_name_is_there() -> None:
    assert sorted(bvtrack.__all__) == bvtrack.__all__ == dir(bvtrack)
    assert [name for name in bvtrack.__all__ if getattr(bvtrack, name) is None] == []


def test_every_name_for_adapters_is_there() -> None:
    public = {name for name, value in vars(bvtrack.adapters).items() if name[0] != "_" and not isinstance(value, ModuleType)}

    assert public == set(bvtrack.adapters.__all__)


def test_a_name_for_adapters_is_none_for_users() -> None:
    assert not PUBLIC["bvtrack"] & PUBLIC["bvtrack.adapters"]


@pytest.mark.parametrize("path", [*ADAPTERS, *EXAMPLES], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_adapter_takes_only_public_names(path: Path) -> None:
    assert hidden_names_taken_by(path) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "from bvtrack.journal.journal import Journal",
        "import bvtrack.tracking",
        "from bvtrack import train_eval_size",
        "from bvtrack.adapters import Tracker",
    ],
)
def test_a_private_name_that_an_adapter_takes_is_noticed(statement: str, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(f"{statement}\n")

    assert hidden_names_taken_by(adapter) != set()


def test_the_core_is_built_of_nothing_for_adapters() -> None:
    core = [path for path in (CHECKOUT / "bvtrack").rglob("*.py") if path.parent.name != "adapters"]

    assert [path for path in core if "bvtrack.adapters" in path.read_text()] == []


def test_only_the_command_line_knows_an_adapter() -> None:
    core = [path for path in (CHECKOUT / "bvtrack").rglob("*.py") if path.parent.name != "commands"]

    assert [path for path in core if "import bvtrack_" in path.read_text() or "from bvtrack_" in path.read_text()] == []


def imported_by(folder: Path) -> set[str]:
    """The top-level modules that are imported in a folder, wherever in a file, of others than Python and this project."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return {name for name in found if name not in sys.stdlib_module_names and not name.startswith("bvtrack")}


def declared_in(*extras: str) -> set[str]:
    """The modules that the project's dependencies and those of these extras bring, by their own names."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    names = {re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in lines}
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("bvtrack", ("report", "tables", "lightning", "sklearn")),
        ("integrations/bvtrack_lightning", ("lightning",)),
        ("integrations/bvtrack_keras", ("keras", "backends")),
        ("integrations/bvtrack_sklearn", ("sklearn",)),
        ("integrations/bvtrack_transformers", ("transformers",)),
        ("integrations/bvtrack_server", ("server",)),
        ("integrations/bvtrack_ray", ("ray",)),
        ("integrations/bvtrack_spark", ("spark",)),
        ("integrations/bvtrack_demo", ("lightning", "keras", "sklearn", "all")),
    ],
)
def test_what_a_package_imports_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    assert imported_by(CHECKOUT / folder) - declared_in(*extras) - ASKED_FOR == set()


def test_an_import_that_is_not_declared_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def f():\n    import yaml.nodes\n")

    assert imported_by(tmp_path) - declared_in() == {"yaml"}


def own_imports_within_functions(folder: Path) -> list[str]:
    """The lines of a folder where a function imports a module of ours."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text()
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        imports = {node.lineno for function in functions for node in ast.walk(function) if isinstance(node, ast.ImportFrom)}
        lines = text.splitlines()
        found += [lines[number - 1].strip() for number in sorted(imports) if "from bvtrack" in lines[number - 1]]
    return found


def test_a_function_of_the_core_imports_our_own_only_where_that_saves_time() -> None:
    assert own_imports_within_functions(CHECKOUT / "bvtrack") == [
        "from bvtrack.commands.log_files import diagnose_files  # and all readers of logs: half of its start",
        "from bvtrack.report.page import render_page  # which no training's own process needs",
        "from bvtrack.store.writer import MlflowWriter  # seconds of import",
        "from bvtrack.splits.files.table_file import open_table  # imports pyarrow, which takes a third of a second",
    ]


def test_an_import_within_a_function_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def f():\n    if True:\n        from bvtrack.log import warn\n")

    assert own_imports_within_functions(tmp_path) == ["from bvtrack.log import warn"]


def test_the_picture_of_the_rooms_is_what_import_linter_holds() -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    page = (CHECKOUT / "docs" / "extend" / "index.md").read_text()
    picture = page.split("```text\n")[1].split("```")[0].replace(" ·\n", " · ")
    drawn = [set(re.split(r"\s{2,}", line)[0].split(" · ")) for line in picture.splitlines()]

    assert drawn == [set(re.split(r" [|:] ", layer)) for layer in contracts[0]["layers"]]


@pytest.mark.parametrize(
    "page", FOR_DEVELOPERS, ids=lambda page: page.name if page.parent == CHECKOUT else f"extend/{page.name}"
)
def test_the_files_that_developers_are_sent_to_are_there(page: Path) -> None:
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.]+\.(?:pyi?|toml))`", page.read_text()))

    assert {path for path in named if not (CHECKOUT / "bvtrack" / path).exists() and not (CHECKOUT / path).exists()} == set()


def test_the_targets_that_developers_are_sent_to_are_there() -> None:
    named = {target for page in FOR_DEVELOPERS for target in re.findall(r"`make ([a-z0-9]+)", page.read_text())}

    assert named <= {*TARGETS}


def test_each_error_that_a_type_checker_is_told_to_ignore_has_a_reason() -> None:
    paths = [path for folder in ("bvtrack", "integrations") for path in (CHECKOUT / folder).rglob("*.py")]
    lines = [(path.name, line.strip()) for path in paths for line in path.read_text().splitlines() if "type: ignore" in line]

    assert [one for one in lines if not re.search(r"# type: ignore\[[\w, -]+\]  # \S", one[1])] == []
