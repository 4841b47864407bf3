"""Modules as people write them: the callback neither changes what they do nor misreads what they log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, SubsetRandomSampler, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

from bvtrack_lightning import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")


def split(n: int, seed: int) -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=generator)
    return TensorDataset(x, (x[:, 0] > 0).long() + (x[:, 1] > 0.5).long())


class Plain(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self.network(x), y)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.log("val_acc", self.right(batch).float().mean())

    def right(self, batch: Any) -> torch.Tensor:
        x, y = batch
        return torch.as_tensor(self.network(x).argmax(dim=1) == y)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Meter:
    def __init__(self) -> None:
        self.sum, self.n = torch.zeros(1), 0


class WithMeter(Plain):
    def on_validation_epoch_start(self) -> None:
        self.meter = Meter()

    def validation_step(self, batch: Any, batch_index: int) -> None:
        right = self.right(batch)
        self.meter.sum += right.sum()
        self.meter.n += len(right)
        self.log("val_acc", right.float().mean())

    def on_validation_epoch_end(self) -> None:
        self.log("monitored", self.meter.sum / self.meter.n)


class WithBuffer(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(2))
        self.totals = np.zeros(2)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        right = self.right(batch)
        self.seen += torch.tensor([right.sum(), len(right)])  # type: ignore[operator]  # a buffer
        self.totals += [int(right.sum()), len(right)]

    def on_validation_epoch_end(self) -> None:
        self.log("monitored", self.seen[1] + float(self.totals[0]))  # type: ignore[index]


class WithMetricInADict(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.metrics = {"acc": MulticlassAccuracy(3)}
        self.loggers_seen: list[str] = []

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.metrics["acc"].update(self.network(batch[0]), batch[1])

    def on_validation_epoch_end(self) -> None:
        self.log("monitored", self.metrics["acc"].compute())
        self.metrics["acc"].reset()


class StepsItsScheduler(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        loss = super().training_step(batch, batch_index)
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return loss

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.rights = self.right(batch)

    def on_validation_epoch_end(self) -> None:
        self.log("val_acc", self.rights.float().mean())
        scheduler: Any = self.lr_schedulers()
        scheduler.step()
        self.log("monitored", scheduler.get_last_lr()[0])

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]


class Drawing(Dataset[Any]):
    """Examples that are augmented with whatever random numbers come next."""

    def __len__(self) -> int:
        return 200

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.randn(8) + float(np.random.rand()), index % 3


def fit(
    module: lightning.LightningModule, *callbacks: Any, train: Any = None, dev: Any = None, **options: Any
) -> lightning.Trainer:
    quiet: dict[str, Any] = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(
        callbacks=list(callbacks), accelerator="cpu", logger=False, **{"max_epochs": 3} | quiet | options
    )
    lightning.seed_everything(0, verbose=False)
    trainer.fit(module, train or DataLoader(split(300, 0), 32, shuffle=True), dev or DataLoader(split(130, 1), 50))
    return trainer


@pytest.mark.parametrize("kind", [Plain, WithMeter, WithBuffer, WithMetricInADict, StepsItsScheduler])
@pytest.mark.parametrize("augmented", [False, True])
def test_a_module_trains_the_same_with_and_without_the_callback(
    kind: type[Plain], augmented: bool, store: str, said: list[str]
) -> None:
    torch.manual_seed(1)
    bare, tracked = kind(), kind()
    tracked.load_state_dict(bare.state_dict())
    results = []
    for module, callbacks in ((bare, []), (tracked, [BiasVarianceCallback(tracking_uri=store)])):
        stopping = EarlyStopping("monitored", patience=1) if kind is not Plain else EarlyStopping("val_acc", patience=1)
        train = DataLoader(Drawing(), 32, shuffle=True) if augmented else None
        trainer = fit(module, *callbacks, stopping, train=train, max_epochs=6)
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        results.append((trainer.current_epoch, metrics, [group["lr"] for group in trainer.optimizers[0].param_groups]))
    said.clear()  # that the steps of one of them log too little is not what is tested here

    assert results[0] == results[1]
    assert all(
        torch.equal(one, other) for one, other in zip(bare.state_dict().values(), tracked.state_dict().values(), strict=True)
    )


def errors(callback: BiasVarianceCallback) -> dict[str, float]:
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    return dict(callback.tracker.diagnosis.errors)


def counts(callback: BiasVarianceCallback) -> dict[str, int]:
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    return dict(callback.tracker.diagnosis.counts)


def test_the_examples_of_a_subset_sampler_are_those_that_are_measured(store: str) -> None:
    whole, module = split(400, 3), Plain()
    train, dev = (DataLoader(whole, 32, sampler=SubsetRandomSampler(range(*ends))) for ends in ((0, 150), (150, 400)))
    callback = BiasVarianceCallback(tracking_uri=store, at="last")
    fit(module, callback, train=train, dev=dev)
    x, y = whole.tensors

    assert errors(callback)["train"] == pytest.approx(1 - float(module.right((x[:150], y[:150])).float().mean()), abs=1e-6)
    assert counts(callback) == {"train": 150, "dev": 250}


@pytest.mark.parametrize(("limit", "n"), [(2, 2), (0.5, 2)])
def test_no_more_of_the_test_data_is_used_than_the_trainer_allows(limit: float, n: int, store: str) -> None:
    test = DataLoader(split(64, 4), batch_size=16)
    callback = BiasVarianceCallback(tracking_uri=store, test_dataloaders=test)
    fit(Plain(), callback, limit_test_batches=limit, max_epochs=1)

    assert counts(callback)["test"] == n * 16


def test_test_data_that_may_never_end_are_refused(store: str, said: list[str]) -> None:
    class Endless(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            while True:
                yield split(1, 5)[0]

    callback = BiasVarianceCallback(tracking_uri=store, test_dataloaders=DataLoader(Endless(), batch_size=16))
    fit(Plain(), callback, max_epochs=1)

    assert "expected data with a length" in said.pop()
    assert "test" not in errors(callback)


def test_the_datamodules_transfer_hook_is_heeded(store: str, said: list[str]) -> None:
    class Mirrored(lightning.LightningDataModule):
        def train_dataloader(self) -> Any:
            return DataLoader(split(300, 0), 32)

        def val_dataloader(self) -> Any:
            return DataLoader(split(300, 0), 32)

        def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
            return [-batch[0], batch[1]]

    callback = BiasVarianceCallback(tracking_uri=store)
    trainer = lightning.Trainer(
        max_epochs=2,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(Plain(), datamodule=Mirrored())

    assert errors(callback)["train"] == pytest.approx(errors(callback)["dev"], abs=1e-6)
    said.clear()  # dev is train


def test_half_precision_values_add_up(store: str, said: list[str]) -> None:
    class Half(Plain):
        def validation_step(self, batch: Any, batch_index: int) -> None:
            self.log("val_acc", self.right(batch).to(torch.bfloat16).mean())

    same = split(4096, 6)
    callback = BiasVarianceCallback(tracking_uri=store, train_eval="full")
    fit(Half(), callback, train=DataLoader(same, 64), dev=DataLoader(same, 64), max_epochs=1)

    assert errors(callback)["train"] == pytest.approx(errors(callback)["dev"], abs=2e-3)
    said.clear()  # dev is train


def test_a_train_metric_of_the_last_batch_is_no_running_error(store: str, said: list[str]) -> None:
    class LogsSteps(Plain):
        def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
            self.log("train_acc", self.right(batch).float().mean())
            return super().training_step(batch, batch_index)

    callback = BiasVarianceCallback(tracking_uri=store, train_eval="running")
    fit(LogsSteps(), callback, max_epochs=1)

    assert "train_acc is that of the epoch's last batch" in said.pop()
    assert "train" not in errors(callback)


def test_validation_data_that_come_late_are_counted(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    fit(Plain(), callback, check_val_every_n_epoch=2, num_sanity_val_steps=0, max_epochs=2)

    assert counts(callback) == {"train": 300, "dev": 130}


@pytest.mark.parametrize("options", [{"max_steps": 14, "max_epochs": -1}, {"max_epochs": 2}])
def test_an_epoch_with_several_validations_is_measured_at_its_last(options: dict[str, int], store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, at="last")
    fit(Plain(), callback, val_check_interval=0.5, **options)

    assert errors(callback).keys() == {"train", "dev"}


class OpensLate(Dataset[Any]):
    """Examples from a file that is opened with the first of them, as people do who have worker processes."""

    def __init__(self) -> None:
        self.opened_in: int | None = None

    def __len__(self) -> int:
        return 200

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.opened_in = self.opened_in or os.getpid()
        assert self.opened_in == os.getpid(), "a file that another process has opened"
        return torch.full((8,), float(index)), index % 3


def test_a_file_that_workers_open_is_not_opened_in_the_training(store: str) -> None:
    dataset = OpensLate()
    train = DataLoader(dataset, 32, shuffle=True, num_workers=2)
    fit(Plain(), BiasVarianceCallback(tracking_uri=store), train=train, max_epochs=1)

    assert dataset.opened_in is None
