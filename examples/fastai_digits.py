"""fastai: a callback validates on each set after an epoch, as `Learner.validate` does, and tells a Tracker."""

from __future__ import annotations

from typing import Any

import torch
from fastai.basics import Callback, CrossEntropyLossFlat, DataLoader, DataLoaders, Learner, accuracy, set_seed
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import TensorDataset, random_split

import bvtrack


class Track(Callback):
    """Comes after the Recorder, which has the dev accuracy by then."""

    order = 60

    def __init__(self, tracker: bvtrack.Tracker, **sets: Any) -> None:
        self.tracker, self.sets = tracker, sets

    def after_epoch(self) -> None:
        errors: dict[str, Any] = {f"{name}_error": self.error_on(loader) for name, loader in self.sets.items()}
        self.tracker.log_epoch(self.epoch, dev_error=1 - self.recorder.values[-1][-1], **errors)

    def error_on(self, loader: Any) -> float:
        self.model.eval()
        with torch.no_grad():
            wrong = torch.cat([self.model(x).argmax(dim=1) != y for x, y in loader])
        self.model.train()
        return wrong.float().mean().item()


pixels, classes = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(classes))
train, dev, test = random_split(data, [0.6, 0.2, 0.2], generator=torch.Generator().manual_seed(0))
loaders = DataLoaders(DataLoader(train, bs=100, shuffle=True), DataLoader(dev, bs=300), device=torch.device("cpu"))

set_seed(0)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
learner = Learner(loaders, net, loss_func=CrossEntropyLossFlat(), metrics=accuracy)
with bvtrack.Tracker(measure="accuracy", human_error=0.02) as tracker:
    tracker.log_split(train=train, dev=dev, test=test)
    sets = {"train": DataLoader(train, bs=300), "test": DataLoader(test, bs=300)}
    learner.fit(8, 0.01, cbs=Track(tracker, **sets))

assert tracker.diagnosis is not None
assert tracker.diagnosis.errors["dev"] < 0.1
print(tracker.diagnosis.explanation)
