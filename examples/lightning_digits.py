"""Lightning: one callback, and nothing else, added to a Trainer."""

from __future__ import annotations

import lightning.pytorch as lightning
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

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
train, dev, test = random_split(data, [0.6, 0.2, 0.2], generator=torch.Generator().manual_seed(0))

lightning.seed_everything(0)
callback = BiasVarianceCallback(human_error=0.01, test_dataloaders=DataLoader(test, batch_size=128))
trainer = lightning.Trainer(max_epochs=10, callbacks=[callback], logger=False, enable_checkpointing=False, accelerator="cpu")
trainer.fit(Digits(), DataLoader(train, batch_size=32, shuffle=True), DataLoader(dev, batch_size=128))

assert callback.tracker is not None
assert callback.tracker.diagnosis is not None
print(callback.tracker.diagnosis.explanation)
