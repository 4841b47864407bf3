from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_prints_a_verdict(example: Path) -> None:
    run = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert "Errors: train" in run.stdout
