"""`lightning` and `pytorch_lightning` are two packages; a Trainer of either takes the callback, also without the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

TRAINING = """
import sys, warnings
warnings.simplefilter("ignore")

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
{first}
from {family} import Trainer
from {family}.demos.boring_classes import BoringModel

class Module(BoringModel):
    def validation_step(self, batch, batch_index):
        self.log("val_acc", (self(batch) > 0).float().mean())

options = {{"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}}
Trainer(max_epochs=2, callbacks=[{callback}], **options).fit(Module())
"""
BY_HAND = {"first": "from bvtrack_lightning import BiasVarianceCallback", "callback": "BiasVarianceCallback()"}
BY_ITSELF = {"first": "", "callback": ""}


def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, **parts: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "train.py"
    script.write_text(TRAINING.format(**parts))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("family", "hidden", "way"),
    [
        ("lightning.pytorch", "pytorch_lightning", BY_HAND),
        ("pytorch_lightning", "lightning", BY_ITSELF),
        ("lightning.pytorch", "", BY_ITSELF),
        ("pytorch_lightning", "", BY_HAND),
    ],
)
def test_a_trainer_of_either_family_is_tracked(
    family: str, hidden: str, way: dict[str, str], store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way is BY_ITSELF:
        monkeypatch.setenv("BVTRACK_AUTO", "1")
    training = train(tmp_path, monkeypatch, store, family=family, hidden=hidden, **way)
    assert training.returncode == 0, training.stderr
    (run,) = MlflowClient(store).search_runs(["0"])

    assert run.data.tags["bvtrack.state"] == "complete"
    assert {"bvtrack/train_error", "bvtrack/dev_error"} <= run.data.metrics.keys()


def test_without_either_family_one_sentence_says_what_to_install() -> None:
    code = "import sys\nsys.modules['lightning'] = sys.modules['pytorch_lightning'] = None\nimport bvtrack_lightning.callback"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert 'expected lightning or pytorch_lightning, found neither: pip install "bvtrack[lightning]"' in run.stderr
