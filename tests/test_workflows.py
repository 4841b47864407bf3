"""What public CI runs is what the project says that it runs, with no more rights than it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from matrix.cells import CELLS, ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MATRIX = ROOT / ".github" / "workflows" / "matrix.yml"
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def content(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_the_cells_of_the_workflow_are_those_of_the_table() -> None:
    included = content(MATRIX)["jobs"]["short"]["strategy"]["matrix"]["include"]

    assert [(one["cell"], one["python"]) for one in included] == [(cell.name, cell.python) for cell in CELLS]


@pytest.mark.parametrize("job", ["whole", "elsewhere"])
def test_other_jobs_run_cells_of_the_table(job: str) -> None:
    included = content(MATRIX)["jobs"][job]["strategy"]["matrix"]["include"]

    assert {(one["cell"], one["python"]) for one in included} <= {(cell.name, cell.python) for cell in CELLS}


@every_workflow
def test_a_workflow_may_read_the_repository_alone_and_ends_in_time(path: Path) -> None:
    workflow = content(path)

    assert workflow["permissions"] in ({"contents": "read"}, {})
    assert "concurrency" in workflow
    assert [name for name, job in workflow["jobs"].items() if "timeout-minutes" not in job] == []


@every_workflow
def test_an_action_is_pinned_to_a_major_version_at_least(path: Path) -> None:
    steps = [step for job in content(path)["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]

    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@(v\d+(\.\d+)*|release/v\d+|[0-9a-f]{40})", one)] == []


def test_the_lowest_python_that_is_supported_has_the_whole_of_ci() -> None:
    steps = content(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["steps"]

    assert [step["with"]["python-version"] for step in steps if "setup-python" in step.get("uses", "")] == ["3.11"]
    assert [step["run"] for step in steps if step.get("run", "").startswith(("bash", "make"))] == ["bash .ci/run", "make docs"]
