from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bvtrack.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
LIGHTNING = """
import torch
from torch.utils.data import DataLoader
from lightning.pytorch.demos.boring_classes import BoringModel, RandomDataset

class Module(BoringModel):
    def validation_step(self, batch, batch_index):
        self.log("val_acc", (self(batch) > 0).float().mean())

module, train_loader, dev_loader = Module(), DataLoader(RandomDataset(32, 64)), DataLoader(RandomDataset(32, 64))
"""
ARRAYS = """
import os
os.environ["KERAS_BACKEND"] = "torch"
import numpy as np
rng = np.random.default_rng(0)
(x_train, y_train), (x_dev, y_dev), (x_test, y_test) = [(rng.normal(size=(n, 4)), rng.integers(0, 2, n)) for n in (60, 20, 20)]
"""
KERAS = """
import keras
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""
TRANSFORMERS = """
import numpy as np, torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
rows = [{"input_ids": torch.randint(0, 9, (6,)), "labels": k % 2} for k in range(60)]
train, dev, test = rows[:30], rows[30:45], rows[45:]
sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
model = BertForSequenceClassification(BertConfig(vocab_size=9, **sizes))
arguments = TrainingArguments("out", num_train_epochs=1, eval_strategy="epoch", report_to="none", use_cpu=True)
def compute_metrics(found):
    return {"accuracy": float(np.mean(found.predictions.argmax(axis=1) == found.label_ids))}
"""
XGBOOST = """
import xgboost
train, dev = xgboost.DMatrix(x_train, y_train), xgboost.DMatrix(x_dev, y_dev)
params = {"objective": "binary:logistic", "eval_metric": "error"}
"""
SKLEARN = """
import bvtrack
from sklearn.linear_model import LogisticRegression
model = LogisticRegression()
"""
READERS_OWN = {
    "bvtrack_lightning": LIGHTNING,
    "bvtrack_keras": ARRAYS + KERAS,
    "bvtrack_transformers": TRANSFORMERS,
    "bvtrack_boosting": ARRAYS + XGBOOST,
    "diagnose_estimator": ARRAYS + SKLEARN,
    "Tracker": ARRAYS,
}
"""What a reader has before a block that names one of these."""


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_every_python_block_runs_and_says_nothing_is_wrong(block: str) -> None:
    before = "".join(code for name, code in READERS_OWN.items() if name in block)
    silent = {**os.environ, "BVTRACK_SUMMARY": "0"}
    run = subprocess.run([sys.executable, "-c", before + block], capture_output=True, text=True, check=False, env=silent)

    assert run.returncode == 0, run.stderr
    assert "bvtrack:" not in run.stderr


def test_every_command_prints_what_stands_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    blocks = re.findall(r"```sh\nbvtrack (.*?)\n```\n\n```text\n(.*?)```", README, re.DOTALL)
    printed = [CliRunner().invoke(main, command.split()).output.splitlines() for command, _ in blocks]

    assert len(blocks) == 1
    assert [[line.rstrip() for line in lines] for lines in printed] == [text.splitlines() for _, text in blocks]
