"""A metric of torchmetrics that is given predictions with their gradients in training_step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_nets import Net, fit, tracked
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MeanSquaredError, Metric, SpearmanCorrCoef

INPUTS = torch.randn(120, 8, generator=torch.Generator().manual_seed(0))


class Regressor(Net):
    def __init__(self, train_metric: Metric) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 1))
        self.train_metric, self.val_mse = train_metric, MeanSquaredError()

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        predicted = self(batch[0])[:, 0]
        self.train_metric(predicted, batch[1])
        self.log("train_metric", self.train_metric, on_step=False, on_epoch=True)
        return nn.functional.mse_loss(predicted, batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.val_mse(self(batch[0])[:, 0], batch[1])
        self.log("val_mse", self.val_mse)

    def train_dataloader(self) -> Any:
        return DataLoader(TensorDataset(INPUTS, INPUTS[:, 0]), batch_size=20)

    def val_dataloader(self) -> Any:
        return DataLoader(TensorDataset(INPUTS[:50] + 0.1, INPUTS[:50, 0]), batch_size=50)


@pytest.mark.filterwarnings("ignore")  # Lightning warns of a deprecated PyTorch function, the metric of its memory
@pytest.mark.parametrize("metric", [MeanSquaredError, SpearmanCorrCoef])
def test_the_train_error_is_measured_beside_a_metric_that_holds_gradients(
    metric: type[Metric], store: str, send: Any, said: list[str]
) -> None:
    callback = tracked(tracking_uri=store)
    fit(Regressor(metric()), callback)

    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert not any("is missing" in message for message in said)
    assert {"train", "dev"} <= callback.tracker.diagnosis.errors.keys()
    said.clear()
