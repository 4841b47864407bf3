"""The page of trainings that are run elsewhere: each of its blocks runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_examples import missing_for

PAGE = (Path(__file__).parents[1] / "docs" / "elsewhere.md").read_text(encoding="utf-8")
TRAINING = """
def training(rate):
    for epoch in range(3):
        yield {"train_error": 0.1 * rate, "dev_error": 0.1 + 0.2 * rate}
"""
TORCH = """
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x, y = torch.randn(90, 4), torch.randint(0, 2, (90,))
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(), torch.nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters())
train_loader, dev_loader = [DataLoader(TensorDataset(x[part], y[part]), 16) for part in (slice(60), slice(60, 90))]
"""
READERS_OWN = {"optuna": TRAINING, "accelerate": TORCH, "ignite": TORCH}
"""What a reader has before a block that imports one of these."""
DONE = "\nassert tracker.diagnosis.errors.keys() == {'train', 'dev'}\n"
"""What holds after a block whose Tracker the reader still has."""


@pytest.mark.parametrize(
    "block",
    re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL),
    ids=lambda block: next(name for name in READERS_OWN if name in block),
)
def test_every_python_block_runs_and_says_nothing_is_wrong(block: str) -> None:
    if missing := missing_for(block):
        pytest.skip(f"{', '.join(sorted(missing))} not installed")
    before = "".join(code for name, code in READERS_OWN.items() if f"{name} " in block or f"{name}." in block)
    after = DONE if "\nwith " in block else "\nassert study.best_value < 0.3\n"
    silent = {**os.environ, "BVTRACK_SUMMARY": "0"}
    run = subprocess.run(
        [sys.executable, "-c", before + block + after], capture_output=True, text=True, check=False, env=silent
    )

    assert run.returncode == 0, run.stderr
    assert "bvtrack:" not in run.stderr


@pytest.mark.parametrize("example", sorted(set(re.findall(r"\(\.\./(examples/\w+\.py)\)", PAGE))))
def test_every_example_that_the_page_names_is_there(example: str) -> None:
    assert (Path(__file__).parents[1] / example).exists()


def test_the_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 150
