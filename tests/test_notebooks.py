from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from servers import PATIENCE_SECONDS

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install nbformat")

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))
RESULTS: Mapping[str, Mapping[str, str]] = {
    "lightning": {
        "first.diagnosis": "Diagnosis(tag='high_bias', certainty='certain'",
        "for step in first.steps": "Train a bigger network. With 310 parameters for 1,079 training examples",
        "second.diagnosis": "Diagnosis(tag='balanced'",
        "client = MlflowClient()": "high_bias, then: bigger_network",
        "bvtrack.make_report": "name='4 hidden units', tag='high_bias'",
    },
    "keras": {
        "first.diagnosis": "Diagnosis(tag='high_variance', certainty='certain'",
        "for step in first.steps": "Get more training data. It trains on 270 examples.",
        "second.diagnosis": "Diagnosis(tag='balanced'",
        "client = MlflowClient()": "high_variance, then: more_data",
        "bvtrack.make_report": "name='270 images', tag='high_variance'",
    },
}
"""By notebook: a line of a cell, and what the cell says."""


def read(notebook: Path) -> Any:
    content = nbformat.read(notebook, as_version=4)
    nbformat.validate(content)
    return content


def said_by(cell: Any) -> str:
    return "".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.get("outputs", []))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_cells_say_what_its_text_tells(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install nbclient")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install ipykernel")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):  # nothing of the user's own
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    content, place = read(notebook), {"metadata": {"path": tmp_path}}
    patience = {"timeout": PATIENCE_SECONDS, "startup_timeout": PATIENCE_SECONDS}
    nbclient.NotebookClient(content, kernel_name="python3", resources=place, **patience).execute()

    for line, result in RESULTS[notebook.stem].items():
        (cell,) = [cell for cell in content.cells if cell.cell_type == "code" and line in cell.source]
        assert result in said_by(cell)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_verdict_split_and_report_show_themselves_as_pages(notebook: Path) -> None:
    last_lines = [cell.source.splitlines()[-1] for cell in read(notebook).cells if cell.cell_type == "code"]

    assert [line.partition("(")[0] for line in last_lines if line.startswith("bvtrack.")] == [
        "bvtrack.check_split",
        "bvtrack.make_report",
    ]
    assert {"first.diagnosis", "second.diagnosis"} <= {*last_lines}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_says_nothing_of_a_machine(notebook: Path) -> None:
    content = read(notebook)
    code = [cell for cell in content.cells if cell.cell_type == "code"]

    assert 10 <= len(content.cells) <= 15
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert content.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell.metadata == {} for cell in content.cells)
    assert not re.search(r"(?<![\w.])/(home|root|tmp|Users|work)\b", notebook.read_text(encoding="utf-8"))


def test_there_is_a_notebook_for_lightning_and_one_for_keras() -> None:
    assert {notebook.stem for notebook in NOTEBOOKS} == {*RESULTS}
