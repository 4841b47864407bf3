"""What the base does without: each package is hidden from a real command, which then says what to install, or does without."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from page_parts import Parts
from run_contents import content, history, shifted_split

import bvtrack
from bvtrack.auditing.run_report import Report
from bvtrack.cli import main
from bvtrack.diagnosis.run_verdict import EpochErrors
from bvtrack.extras import FIGURES, MissingExtraError
from bvtrack.report.content import Content
from bvtrack.shipping.progress import Progress
from bvtrack.store.target import Target
from bvtrack.tracking.summary import _page

TABLES = {
    "train.csv": "x,label\n1,0\n2,1\n",
    "train.parquet": "PAR1",
    "train.jsonl": '{"x": 1, "label": 0}\n',
    "train.feather": "ARROW1",
    "parts/label=0/part-0.csv": "x\n1\n",
}
INSTEAD = "This report was written without Matplotlib, so it has tables in place of figures"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_pyarrow_is_one_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(TABLES[name])
    path = tmp_path / Path(name).parts[0]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("split", path, path)

    assert result.exit_code == 2
    assert result.output == 'Error: expected PyArrow to read tables with, got none; pip install "bvtrack[tables]"\n'


def test_arrays_and_images_are_checked_without_pyarrow(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, n in (("train", 600), ("dev", 200)):
        np.savez(tmp_path / f"{name}.npz", x=rng.normal(size=(n, 3)), y=rng.integers(0, 2, n))
    code = "import sys; sys.modules['pyarrow'] = None; from bvtrack.cli import main; main(['split', 'train.npz', 'dev.npz'])"
    process = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert process.returncode == 0, process.stderr
    assert "600" in process.stdout


@pytest.mark.usefixtures("without_figures")
def test_a_page_without_figures_says_the_verdict_and_how_to_get_them_and_has_the_numbers() -> None:
    parts = Parts(Report(shifted_split()).html())

    assert "svg" not in parts.tags
    assert parts.text.index("High variance (certain): get more training data") < parts.text.index(INSTEAD)
    assert parts.text.count('pip install "bvtrack[report]"') == 1
    assert parts.text.index(INSTEAD) < parts.text.index("8 times the data") < parts.text.index("variance (named)")
    assert "11.8 % (11.0 to 12.8)" in parts.text  # the train error of epoch 5


def test_the_numbers_of_a_page_are_those_behind_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Parts(Report(shifted_split()).html())
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    bare = Parts(Report(shifted_split()).html())
    (forecast,) = {label for label in drawn.values("aria-label") if label.startswith("Forecast for the dev set")}

    assert [one for one in bare.attributes if one[0] == "open"] == [("open", None)] * 2  # the epochs, and what differs
    for value in ("8.9 %", "7.5 %", "6.3 %"):
        assert value in forecast
        assert value in bare.text.split("What to expect")[1].split("Gaps")[0]
    assert "as many epochs again will probably bring nothing: 10.7 % (10.6 % to 10.7 %)" in bare.text


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize(
    "of",
    [
        replace(content(history(1)), history=()),
        content(history(1)),
        replace(content(history(5000)), name="x" * 50_000, measure="x" * 50_000),
        content([EpochErrors(epoch, {}, {}, unscaled={"train": 2.0 / (epoch + 1), "dev": 2.1}) for epoch in range(9)]),
    ],
    ids=["no epochs", "one epoch", "long", "values that are no errors"],
)
def test_whatever_a_report_is_of_it_has_a_page_without_figures(of: Content) -> None:
    page = Report(of).html()
    parts = Parts(page)

    assert of.headline in parts.text
    assert INSTEAD in parts.text
    assert "svg" not in parts.tags
    assert len(page.encode()) < 100_000


@pytest.mark.usefixtures("without_figures")
def test_a_picture_without_matplotlib_is_one_sentence_before_the_store_is_asked(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match=r'got none; pip install "bvtrack\[report\]"'):
        Report(content()).save(tmp_path / "report.png")
    result = run("report", "0" * 32, "--output", tmp_path / "report.png", "--tracking-uri", "sqlite:///nowhere.db")

    assert result.exit_code == 2
    assert result.output == 'Error: expected Matplotlib to draw figures with, got none; pip install "bvtrack[report]"\n'
    assert list(tmp_path.glob("*.png")) == []


@pytest.mark.usefixtures("without_figures")
def test_a_notebook_without_matplotlib_shows_the_gaps_as_a_table() -> None:
    parts = Parts(bvtrack.diagnose(train_error=0.01, dev_error=0.11, n_train=1000, n_dev=1000)._repr_html_())

    assert "svg" not in parts.tags
    assert "variancedev - train+10.0+8.0 to +12.1" in parts.text


def test_ui_of_a_file_without_mlflows_server_is_one_sentence(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask", None)
    result = run("ui", "--no-browser", "--tracking-uri", store)

    assert result.exit_code == 2
    assert result.output == (
        'Error: expected MLflow\'s server to open a store in the browser with, got none; pip install "bvtrack[server]"\n'
    )


def test_a_training_without_mlflows_server_leads_to_the_command_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask", None)

    page = _page(Target("sqlite:///mlflow.db"), Progress(run_id="4f1c", experiment_id="7"))
    assert page.endswith("show 4f1c --tracking-uri sqlite:///mlflow.db` shows it: run 4f1c")


def test_a_package_that_is_there_but_broken_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('built for another NumPy')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert FIGURES.is_installed
    with pytest.raises(ImportError, match="built for another NumPy"):
        Report(content()).png()
