"""One training with Lightning."""

from __future__ import annotations

import logging
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bvtrack import Tracker
from bvtrack_demo.digits import Digits
from bvtrack_demo.place import EXPERIMENT, Place
from bvtrack_lightning import BiasVarianceCallback


class Classifier(lightning.LightningModule):
    """A multi-layer perceptron with one hidden layer."""

    def __init__(self, *, width: int, learning_rate: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.network = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return self._loss(batch, "train")

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self._loss(batch, "val")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate)

    def _loss(self, batch: Any, stage: str) -> torch.Tensor:
        pixels, classes = batch
        logits = self.network(pixels)
        loss = nn.functional.cross_entropy(logits, classes)
        accuracy = (logits.argmax(dim=1) == classes).float().mean()
        self.log_dict({f"{stage}_loss": loss, f"{stage}_acc": accuracy}, on_step=False, on_epoch=True)
        return loss


def train(digits: Digits, place: Place, *, width: int, learning_rate: float, epochs: int) -> Tracker | None:
    """Train a `Classifier` with nothing added to the Trainer but the callback."""
    for name in ("lightning.pytorch", "lightning.fabric"):  # its tips and device lists are not what the demo shows
        logging.getLogger(name).setLevel(logging.ERROR)
    lightning.seed_everything(0, verbose=False)
    train_set, dev_set, test_set = (
        TensorDataset(torch.from_numpy(x), torch.from_numpy(y)) for x, y in (digits.train, digits.dev, digits.test)
    )
    callback = BiasVarianceCallback(
        tracking_uri=place.tracking_uri,
        experiment=EXPERIMENT,
        run_name=place.run_name,
        summary=False,
        journal_dir=place.journal_dir,
        test_dataloaders=DataLoader(test_set, batch_size=128),
    )
    trainer = lightning.Trainer(
        max_epochs=epochs,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(
        Classifier(width=width, learning_rate=learning_rate),
        DataLoader(train_set, batch_size=32, shuffle=True),
        DataLoader(dev_set, batch_size=128),
    )
    return callback.tracker
