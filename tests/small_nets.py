"""A small classifier, its data and a quiet Trainer, for tests of what happens around a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning.pytorch as lightning
import torch
from mlflow import MlflowClient
from mlflow.entities import Run
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bvtrack_lightning import BiasVarianceCallback


def split(n: int, seed: int) -> TensorDataset:
    x = torch.randn(n, 8, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long())


TRAIN, DEV, TEST = split(120, 0), split(70, 1), split(90, 2)


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        self.lr = 0.05
        self.batch_size = 20

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first: Any = self.network[0]
        return torch.as_tensor(self.network(x.to(first.weight.dtype)))

    def right(self, batch: Any) -> torch.Tensor:
        return torch.eq(self(batch[0]).argmax(dim=1), batch[1]).float()

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.log("val_acc", self.right(batch).mean())

    def test_step(self, batch: Any, batch_index: int) -> None:
        self.log("test_acc", self.right(batch).mean())

    def train_dataloader(self) -> Any:
        return DataLoader(TRAIN, batch_size=self.batch_size)

    def val_dataloader(self) -> Any:
        return DataLoader(DEV, batch_size=50)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def tracked(**options: Any) -> BiasVarianceCallback:
    return BiasVarianceCallback(**{"test_every": 0, **options})


def new_trainer(*callbacks: Any, **options: Any) -> lightning.Trainer:
    quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    lightning.seed_everything(0, verbose=False)
    return lightning.Trainer(callbacks=list(callbacks), **{**quiet, "enable_checkpointing": False, "max_epochs": 3, **options})


def fit(module: Any, *callbacks: Any, ckpt_path: Any = None, **options: Any) -> lightning.Trainer:
    trainer = new_trainer(*callbacks, **options)
    trainer.fit(module, ckpt_path=ckpt_path)
    return trainer


def held_out() -> Any:
    return DataLoader(TEST, batch_size=40)


def runs(store: str) -> Sequence[Run]:
    """All runs, the oldest first."""
    return list(reversed(MlflowClient(store).search_runs(["0"])))


def points(store: str, run: Run, name: str) -> list[tuple[int, float]]:
    history = MlflowClient(store).get_metric_history(run.info.run_id, f"bvtrack/{name}")
    return [(point.step, point.value) for point in sorted(history, key=lambda point: point.timestamp)]
