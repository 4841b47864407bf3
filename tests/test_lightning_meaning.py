"""Which logged metric is the error, by the module's own metrics and criterion and by the targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from small_nets import Net, fit, runs, tracked
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MeanSquaredError, Metric
from torchmetrics.classification import MulticlassAccuracy

pytestmark = pytest.mark.filterwarnings("ignore")


def ages(n: int, seed: int) -> TensorDataset:
    x = torch.randn(n, 8, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, (45 + 12 * x[:, 0] + 3 * x[:, 1]).long())


class OfAges(Net):
    """Learns whole numbers that are quantities."""

    def __init__(self, criterion: Any = None, metrics: Mapping[str, Metric] | None = None) -> None:
        super().__init__()
        self.criterion = criterion
        self.metrics = nn.ModuleDict(metrics or {})

    def squared(self, batch: Any) -> torch.Tensor:
        return nn.functional.mse_loss(self(batch[0])[:, 0], batch[1].float())

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return self.squared(batch)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.log("val_acc", (self(batch[0])[:, 0].round() == batch[1]).float().mean())
        self.log("val_loss", self.squared(batch))
        metric: Any
        for name, metric in self.metrics.items():
            metric.update(self(batch[0])[:, 0], batch[1].float())
            self.log(name, metric, on_epoch=True)

    def train_dataloader(self) -> Any:
        return DataLoader(ages(120, 0), batch_size=20)

    def val_dataloader(self) -> Any:
        return DataLoader(ages(70, 1), batch_size=50)


@pytest.mark.parametrize(
    ("module", "taken"),
    [
        (lambda: OfAges(nn.MSELoss()), "val_loss"),
        (lambda: OfAges(metrics={"val_error": MeanSquaredError()}), "val_error / "),
    ],
)
def test_an_accuracy_beside_a_regressions_criterion_or_metric_is_no_error(
    module: Callable[[], Net], taken: str, store: str, said: list[str]
) -> None:
    fit(module(), tracked(tracking_uri=store), max_epochs=2)

    assert runs(store)[0].data.tags["bvtrack.measure"].startswith(taken)
    assert said[0].startswith("bvtrack: val_acc is no error of targets that are quantities")
    said.clear()


class Logs(Net):
    """Logs these functions of logits and targets, and these metrics."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.values = {name: value for name, value in values.items() if not isinstance(value, Metric)}
        self.metrics = nn.ModuleDict({name: value for name, value in values.items() if isinstance(value, Metric)})

    def validation_step(self, batch: Any, batch_index: int) -> None:
        logits = self(batch[0])
        for name, value in self.values.items():
            self.log(name, value(logits, batch[1]))
        metric: Any
        for name, metric in self.metrics.items():
            metric.update(logits, batch[1])
            self.log(name, metric, on_epoch=True)


def right(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.eq(logits.argmax(dim=1), targets).float().mean()


def test_a_metrics_class_tells_that_it_is_a_relaxation(store: str) -> None:
    relaxed = MulticlassAccuracy(2, top_k=2, average="micro")
    fit(Logs({"val_acc": relaxed, "val_top": MulticlassAccuracy(2, average="micro")}), tracked(tracking_uri=store))

    assert runs(store)[0].data.tags["bvtrack.measure"] == "1 - val_top"


def test_of_two_tasks_one_is_taken_and_the_other_named(store: str, said: list[str]) -> None:
    fit(Logs({"val_acc_a": right, "val_acc_b": right}), tracked(tracking_uri=store))
    tags = runs(store)[0].data.tags

    assert tags["bvtrack.measure"] == "1 - val_acc_a (one of: val_acc_a, val_acc_b)"
    assert tags["bvtrack.certainty"] != "certain"
    assert said.pop().startswith("bvtrack: taking 1 - val_acc_a for the error, where val_acc_b may be meant as well")


@pytest.mark.parametrize(
    "values",
    [
        {"val_loss": right, "val_kl": right},
        {"val_loss": right, "val_g_loss": right, "val_d_loss": right},
        {"val_loss": lambda logits, targets: nn.functional.cross_entropy(logits, targets, reduction="sum")},
        {"val_loss": lambda logits, targets: nn.functional.cross_entropy(logits, targets) - 5},
    ],
    ids=["ELBO", "GAN", "summed", "negative"],
)
def test_a_loss_that_is_no_mean_cross_entropy_gives_no_gap(values: Any, store: str, said: list[str]) -> None:
    fit(Logs(values), tracked(tracking_uri=store))
    tags = runs(store)[0].data.tags

    assert tags["bvtrack.diagnosis"] == "undetermined"
    assert tags["bvtrack.measure"] == "val_loss (a loss without an error scale)"
    assert "val_loss cannot be read as an error" in said.pop()
    said.clear()
