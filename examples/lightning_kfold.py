"""Lightning, k folds: each fold is a run of its own, and their parent has one verdict over them."""

from __future__ import annotations

import lightning.pytorch as lightning
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

import bvtrack
from bvtrack_lightning import BiasVarianceCallback


class Digits(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))

    def training_step(self, batch: list[torch.Tensor], batch_index: int) -> torch.Tensor:
        pixels, classes = batch
        return nn.functional.cross_entropy(self.network(pixels), classes)

    def validation_step(self, batch: list[torch.Tensor], batch_index: int) -> None:
        pixels, classes = batch
        self.log("val_acc", (self.network(pixels).argmax(dim=1) == classes).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.003)


pixels, classes = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(classes))
folds = StratifiedKFold(5, shuffle=True, random_state=0).split(pixels, classes)

with bvtrack.group("128 wide") as group:
    for fold, (train, dev) in enumerate(folds):
        with group.repeat(fold=fold):
            lightning.seed_everything(0, verbose=False)
            trainer = lightning.Trainer(
                max_epochs=4,
                callbacks=[BiasVarianceCallback(human_error=0.01, summary=False)],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                accelerator="cpu",
            )
            loaders = (
                DataLoader(Subset(data, train), batch_size=32, shuffle=True),
                DataLoader(Subset(data, dev), batch_size=128),
            )
            trainer.fit(Digits(), *loaders)

found = bvtrack.configurations("Default")[0]
print(found)
print(found.verdict.diagnosis.explanation)

assert found.repeated.in_short.startswith("5 folds: dev ")
