"""Accelerate: all processes measure together, and the main one writes. Also by `accelerate launch --num_processes 2 …`."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

import bvtrack

accelerator = Accelerator(cpu=True)
set_seed(0)
pixels, classes = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(classes))
train, dev, test = random_split(data, [0.6, 0.2, 0.2], generator=torch.Generator().manual_seed(0))

net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
loader = DataLoader(train, batch_size=100, shuffle=True)
sets = [DataLoader(data, batch_size=300) for data in (train, dev, test)]
net, optimizer, loader, *sets = accelerator.prepare(net, optimizer, loader, *sets)


def error_on(batches: Any) -> float:
    net.eval()
    with torch.no_grad():
        wrong = [accelerator.gather_for_metrics((net(x).argmax(dim=1) != y).float()) for x, y in batches]
    net.train()
    return torch.cat(wrong).mean().item()  # each example once: those that fill up the last batch are left out


with bvtrack.Tracker(human_error=0.02, enabled=accelerator.is_main_process) as tracker:
    tracker.log_split(train=train, dev=dev, test=test)
    for epoch in range(10):
        for x, y in loader:
            optimizer.zero_grad()
            accelerator.backward(nn.functional.cross_entropy(net(x), y))
            optimizer.step()
        train_error, dev_error, test_error = [error_on(batches) for batches in sets]  # in all processes
        tracker.log_epoch(epoch, train_error=train_error, dev_error=dev_error, test_error=test_error)

assert tracker.diagnosis is not None
assert tracker.diagnosis.errors["dev"] < 0.1
accelerator.print(tracker.diagnosis.explanation)
accelerator.end_training()
