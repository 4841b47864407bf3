"""What `pip install bvtrack` gives, made for real: how much it is, and that a training and the commands work in it.

The frameworks are linked from the environment that runs the tests, after the rest has been counted: gigabytes are not installed
twice.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from fresh_environment import Environment, new_environment
from written_journals import written_training

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="links to the frameworks need rights there"),
    pytest.mark.timeout(900),  # an index may be slow
]
MOST_PACKAGES, MOST_MEGABYTES = 60, 300
LEFT_OUT = ("flask", "matplotlib", "pandas", "pyarrow", "scipy", "sklearn")
TRAINING = """
import lightning.pytorch as lightning
import torch
from bvtrack_lightning import BiasVarianceCallback
from torch.utils.data import DataLoader, TensorDataset

class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(8, 2)
    def training_step(self, batch, index):
        return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
    def validation_step(self, batch, index):
        self.log("val_acc", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

def loader(n):
    x = torch.randn(n, 8)
    return DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=50)

lightning.seed_everything(0)
callback = BiasVarianceCallback(human_error=0.0, test_dataloaders=loader(200))
quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
lightning.Trainer(max_epochs=3, callbacks=[callback], **quiet).fit(Net(), loader(600), loader(200))
print("run", callback.tracker.run_id)
"""


@dataclass(frozen=True)
class Base:
    """The environment, and what was counted of it before frameworks were lent to it."""

    environment: Environment
    n_packages: int
    megabytes: float
    modules: str


@pytest.fixture(scope="module")
def base() -> Iterator[Base]:
    with TemporaryDirectory() as folder:
        environment = new_environment(Path(folder))
        installed = environment.install()
        if installed.returncode and environment.pip("download", "--no-deps", "--dest", folder, "click").returncode:
            pytest.skip("pip reaches no index here, so that no environment can be made")
        assert installed.returncode == 0, installed.stderr
        n_packages, megabytes = environment.n_packages(), environment.megabytes()
        there = environment.run("python", "-c", f"from importlib.util import find_spec; print(*filter(find_spec, {LEFT_OUT}))")
        environment.lend("torch", "lightning", "torchmetrics")
        yield Base(environment, n_packages, megabytes, there.stdout.strip())


def test_the_base_is_small_and_has_nothing_of_the_extras(base: Base) -> None:
    assert base.n_packages <= MOST_PACKAGES
    assert base.megabytes <= MOST_MEGABYTES
    assert base.modules == ""


def test_a_lightning_training_is_in_mlflow_with_its_report_and_is_shown_reported_and_audited(
    base: Base, store: str, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(TRAINING)
    settings = {"MLFLOW_TRACKING_URI": store, "BVTRACK_WAIT": "60", "BVTRACK_REPORT": "1"}
    training = base.environment.run("python", "train.py", **settings)
    run_id = training.stdout.rpartition("run ")[2].strip()
    shown = base.environment.run("bvtrack", "show", run_id, "--json", **settings)
    reported = base.environment.run("bvtrack", "report", run_id, "--output", "report.html", **settings)
    audited = base.environment.run("bvtrack", "audit", "Default", "--dry-run", "--json", **settings)

    assert training.returncode == 0, training.stderr
    assert "skipped" not in training.stderr  # nothing is missing
    assert f"show {run_id} --tracking-uri" in training.stderr
    assert json.loads(shown.stdout)["verdict"]["diagnosis"], shown.stderr
    assert json.loads(shown.stdout)["evidence"]["n_epochs"] == 3
    assert reported.returncode == 0, reported.stderr
    assert 'pip install "bvtrack[report]"' in (tmp_path / "report.html").read_text().replace("&#34;", '"')
    assert audited.returncode == 0, audited.stderr
    logged = list(tmp_path.rglob("artifacts/bvtrack/report.html"))
    assert len(logged) == 1


def test_arrays_are_compared_and_tables_are_asked_for_in_one_sentence(base: Base, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, n in (("train", 600), ("dev", 200)):
        np.savez(tmp_path / f"{name}.npz", x=rng.normal(size=(n, 5)), y=rng.integers(0, 3, n))
    np.savetxt(tmp_path / "table.csv", rng.normal(size=(9, 2)), delimiter=",", header="x,y", comments="")
    compared = base.environment.run("bvtrack", "split", "train.npz", "dev.npz", "--json")
    refused = base.environment.run("bvtrack", "split", "table.csv", "table.csv")

    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)["counts"] == {"train": 600, "dev": 200}
    assert refused.returncode == 2
    assert refused.stderr == 'Error: expected PyArrow to read tables with, got none; pip install "bvtrack[tables]"\n'


def test_two_numbers_are_diagnosed(base: Base) -> None:
    told = base.environment.run("bvtrack", "diagnose", "--train", "0.01", "--dev", "0.11")

    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("High variance")


def test_what_a_training_could_not_send_is_sent_later(base: Base, store: str, journals: Path) -> None:
    written_training("http://127.0.0.1:9", 4)
    sent = base.environment.run("bvtrack", "sync", journals, "--tracking-uri", store)
    compared = base.environment.run("bvtrack", "compare", "Default", "--json", "--tracking-uri", store)

    assert sent.returncode == 0, sent.stderr
    assert json.loads(compared.stdout), compared.stderr
    assert "high_variance" in compared.stdout
