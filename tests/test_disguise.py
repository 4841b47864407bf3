"""A test set that is used to choose is a dev set, and said to be one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from mlflow import MlflowClient
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bvtrack
from bvtrack.splits.test_misuse import disguised_dev_set
from bvtrack_lightning import BiasVarianceCallback

GENERATOR = np.random.default_rng(0)
DEV, OTHER = (bvtrack.profile(GENERATOR.normal(size=(100, 3)), np.arange(100) % 2) for _ in range(2))


def test_the_same_examples_as_dev_and_test_are_an_error() -> None:
    (finding,) = disguised_dev_set({"dev": DEV, "test": DEV})

    assert (finding.code, finding.level) == ("test_used_to_choose", "error")
    assert finding.message.startswith("the test set holds the dev set's examples, so it is a dev set")


@pytest.mark.parametrize("profiles", [{"dev": DEV, "test": OTHER}, {"dev": DEV}, {}])
def test_other_or_unread_examples_are_no_finding(profiles: dict[str, bvtrack.SplitProfile]) -> None:
    assert disguised_dev_set(profiles) == []


@pytest.mark.parametrize("monitor", ["test_acc", "test/loss", "TestAccuracy", "bvtrack/test_error", "loss_test_epoch"])
def test_a_test_metric_that_is_monitored_is_an_error(monitor: str) -> None:
    (finding,) = disguised_dev_set({}, ["val_loss", monitor])

    assert f"callbacks of the training choose by {monitor}, so it is a dev set" in finding.message


@pytest.mark.parametrize("monitor", ["val_loss", "loss", "latest_loss", "contest_acc", "train_acc"])
def test_other_metrics_may_be_monitored(monitor: str) -> None:
    assert disguised_dev_set({}, [monitor]) == []


def test_a_run_is_tagged_and_told(store: str, send: Callable[[], None], said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=300, dev=100, test=100, monitors=["test_acc"])
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    send()
    (run,) = MlflowClient(store).search_runs(["0"])

    assert run.data.tags["bvtrack.split"] == "test_used_to_choose"
    assert "error: callbacks of the training choose by test\\_acc" in run.data.tags["mlflow.note.content"]
    assert all("callbacks of the training choose by test_acc" in message.lower() for message in said)
    said.clear()


class Module(lightning.LightningModule):
    """Logs an accuracy under a name of one's choice in validation."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.network, self.name = nn.Linear(3, 2), name

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        right = (self.network(batch[0]).argmax(dim=1) == batch[1]).float().mean()
        self.log_dict({"val_acc": right, self.name: right})

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [EarlyStopping, ModelCheckpoint])
@pytest.mark.parametrize(("monitor", "is_told"), [("test_acc", True), ("val_acc", False)])
def test_lightnings_callbacks_are_seen(
    kind: Any, monitor: str, is_told: bool, store: str, send: Callable[[], None], said: list[str]
) -> None:
    train, dev = (TensorDataset(torch.randn(200, 3), torch.randint(2, (200,))) for _ in range(2))
    callbacks = [BiasVarianceCallback(tracking_uri=store), kind(monitor=monitor)]
    trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, callbacks=callbacks, enable_model_summary=False)
    trainer.fit(Module("test_acc"), DataLoader(train, 20), DataLoader(dev, 20))
    send()
    (run,) = MlflowClient(store).search_runs(["0"])

    assert ("test_used_to_choose" in run.data.tags["bvtrack.split"]) is is_told
    assert bool(said) is is_told
    said.clear()
