"""PyTorch Ignite: a handler of the trainer's epochs runs an evaluator over each set, and tells a Tracker."""

from __future__ import annotations

from typing import Any

import torch
from ignite.engine import Engine, Events, create_supervised_evaluator, create_supervised_trainer
from ignite.metrics import Accuracy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bvtrack

pixels, classes = load_digits(return_X_y=True)
x = torch.tensor(pixels / 16, dtype=torch.float32)
y = torch.tensor(classes)
train, rest = train_test_split(range(len(y)), test_size=0.4, random_state=0, stratify=classes)
dev, test = train_test_split(rest, test_size=0.5, random_state=0, stratify=classes[rest])
parts = {"train": train, "dev": dev, "test": test}
sets: dict[str, Any] = {name: TensorDataset(x[part], y[part]) for name, part in parts.items()}
loaders = {name: DataLoader(data, batch_size=500) for name, data in sets.items()}

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
trainer = create_supervised_trainer(net, torch.optim.Adam(net.parameters(), lr=0.01), nn.CrossEntropyLoss())
evaluator = create_supervised_evaluator(net, metrics={"accuracy": Accuracy()})  # in eval mode; the trainer sets train mode

with bvtrack.Tracker(human_error=0.02) as tracker:
    tracker.log_split(**sets)

    @trainer.on(Events.EPOCH_COMPLETED)
    def log(engine: Engine) -> None:
        errors: dict[str, Any] = {
            f"{name}_error": 1 - evaluator.run(loader).metrics["accuracy"] for name, loader in loaders.items()
        }
        tracker.log_epoch(engine.state.epoch - 1, **errors)  # Ignite counts its epochs from 1

    trainer.run(DataLoader(sets["train"], batch_size=100, shuffle=True), max_epochs=10)

assert tracker.diagnosis is not None
assert tracker.diagnosis.errors["dev"] < 0.1
print(tracker.diagnosis.explanation)
