"""The small network that the benchmarks of Lightning train, which logs as most people do."""

from __future__ import annotations

import itertools
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import nn


class Classifier(lightning.LightningModule):
    """A perceptron of 64 inputs and ten classes that logs its loss at steps, its accuracy at the validation."""

    def __init__(self, *hidden: int) -> None:
        """With hidden layers of these widths."""
        super().__init__()
        layers: list[nn.Module] = []
        for n_inputs, width in itertools.pairwise((64, *hidden)):
            layers += [nn.Linear(n_inputs, width), nn.ReLU()]
        self.network = nn.Sequential(*layers, nn.Linear(hidden[-1], 10))

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        x, y = batch
        loss = nn.functional.cross_entropy(self.network(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, batch_index: int) -> None:
        x, y = batch
        logits = self.network(x)
        self.log("val_loss", nn.functional.cross_entropy(logits, y))
        self.log("val_acc", (logits.argmax(dim=1) == y).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.001)
