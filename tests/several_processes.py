"""Trainings in several processes, for `test_lightning_processes.py` to start: they need a script of their own.

    python tests/several_processes.py FOLDER STRATEGY DEVICES STYLE...

trains in each style, one after the other in the same processes, in a folder of its name; `bare` is `metric` without us.
"""

from __future__ import annotations

import atexit
import json
import sys
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

from bvtrack_lightning import BiasVarianceCallback

N_TRAIN, N_DEV, N_TEST = 203, 67, 45
"""Odd on purpose: no number of processes divides them, so that a padded sampler would repeat examples."""
DONE = "That was"
"""Before the name of a training, on standard error, where it has ended."""


def split(n: int, seed: int) -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=generator)
    return TensorDataset(x, (x[:, 0] > 0).long() + (x[:, 1] > 0.5).long())


class Net(lightning.LightningModule):
    """A classifier whose batch norm differs between processes, and whose step waits for the others where asked to."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.style = style
        self.network = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 3))
        self.accuracy = MulticlassAccuracy(3, average="micro")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(x)
        return logits

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        x, y = batch
        right = (self(x).argmax(dim=1) == y).float()
        if self.style == "metric":
            self.accuracy(self(x), y)
            self.log("val_acc", self.accuracy)
        elif self.style == "gathers":
            self.all_gather(right.mean())
            self.log("val_acc", right.mean(), sync_dist=True)
        else:
            self.log("val_acc", right.mean())
        if self.style == "fails" and self.global_rank == 1 and len(y) == 11:  # in our own passes alone
            raise RuntimeError("bad data in one process")

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.02)


class KeepWeights(lightning.Callback):
    """Keeps the first process's weights at the end of each epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.is_global_zero:
            torch.save(pl_module.state_dict(), self.folder / f"{trainer.current_epoch}.pt")


class EndsInOrder(lightning.Callback):
    """Gloo's threads may abort a process that ends with its group still there (pytorch/pytorch#179291)."""

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        atexit.register(_leave_group)


def _leave_group() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def wrong(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return predictions.argmax(dim=1) != targets


def train(folder: Path, strategy: str, devices: int, style: str, is_tracked: bool) -> None:
    ours = BiasVarianceCallback(
        tracking_uri=f"sqlite:///{folder.as_posix()}/mlflow.db",
        train_eval=150,
        test_dataloaders=DataLoader(split(N_TEST, 2), 16),
        error=wrong if style == "error" else None,
    )
    trainer = lightning.Trainer(
        accelerator="cpu",
        strategy=strategy,
        devices=devices,
        max_epochs=2,
        callbacks=[EndsInOrder(), KeepWeights(folder), *([ours] if is_tracked else [])],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    lightning.seed_everything(0, verbose=False)
    trainer.fit(Net(style), DataLoader(split(N_TRAIN, 0), 16, shuffle=True), DataLoader(split(N_DEV, 1), 16))
    if trainer.is_global_zero:
        print(f"{DONE} {folder.name}", file=sys.stderr, flush=True)
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        (folder / "callback_metrics.json").write_text(json.dumps(metrics))
        if ours.tracker and ours.tracker.diagnosis:
            told = {"run_id": ours.tracker.run_id, "tag": ours.tracker.diagnosis.tag}
            (folder / "told.json").write_text(json.dumps(told))


def main(folder: str, strategy: str, devices: str, *styles: str) -> None:
    torch.set_num_threads(1)
    for name in styles:
        is_bare = name == "bare"
        train(Path(folder, name), strategy, int(devices), "metric" if is_bare else name, not is_bare)


if __name__ == "__main__":
    main(*sys.argv[1:])
