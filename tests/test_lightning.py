from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import mlflow
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import MLFlowLogger
from mlflow import MlflowClient
from mlflow.entities import Run
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

from bvtrack_lightning import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future


class Net(lightning.LightningModule):
    """A small classifier with dropout and batch norm that counts what its steps do to it."""

    def __init__(self, metric: str = "val_acc") -> None:
        super().__init__()
        self.metric = metric
        self.network = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.ReLU(), nn.Linear(16, 3))
        self.accuracy = MulticlassAccuracy(num_classes=3, average="micro")
        self.seen: list[torch.Tensor] = []
        self.steps = 0

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        x, y = batch
        loss = nn.functional.cross_entropy(self.network(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, batch_index: int) -> None:
        x, y = batch
        self.steps += 1
        self.seen.append(y)
        self.accuracy(self.network(x), y)
        self.log(self.metric, self.accuracy, on_epoch=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.01)


def split(n: int, seed: int) -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=generator)
    return TensorDataset(x, (x[:, 0] > 0).long() + (x[:, 1] > 0.5).long())


def loaders() -> tuple[DataLoader[Any], DataLoader[Any]]:
    return DataLoader(split(300, 0), batch_size=32, shuffle=True), DataLoader(split(130, 1), batch_size=50)


def fit(*callbacks: Any, module: lightning.LightningModule | None = None, **options: Any) -> lightning.Trainer:
    defaults = {"max_epochs": 3, "enable_checkpointing": False, "enable_progress_bar": False, "logger": False}
    trainer = lightning.Trainer(
        callbacks=list(callbacks), accelerator="cpu", enable_model_summary=False, **(defaults | options)
    )
    lightning.seed_everything(0, verbose=False)
    trainer.fit(module or Net(), *loaders())
    return trainer


def read_run(store: str, callback: BiasVarianceCallback) -> Run:
    assert callback.tracker is not None
    assert callback.tracker.run_id is not None
    return MlflowClient(store).get_run(callback.tracker.run_id)


def error_of(module: Net, data: TensorDataset) -> float:
    module.eval()
    x, y = data.tensors
    with torch.no_grad():
        return float((module.network(x).argmax(dim=1) != y).float().mean())


def test_train_dev_and_test_error_are_those_of_the_final_weights(store: str) -> None:
    test = DataLoader(split(90, 2), batch_size=40)
    callback = BiasVarianceCallback(tracking_uri=store, at="last", test_dataloaders=test)
    module = Net()
    fit(callback, module=module)
    metrics = read_run(store, callback).data.metrics

    assert metrics["bvtrack/train_error"] == pytest.approx(error_of(module, split(300, 0)), abs=1e-6)
    assert metrics["bvtrack/dev_error"] == pytest.approx(error_of(module, split(130, 1)), abs=1e-6)
    assert metrics["bvtrack/test_error"] == pytest.approx(error_of(module, split(90, 2)), abs=1e-6)


def test_a_training_is_the_same_with_and_without_the_callback(store: str, said: list[str]) -> None:
    bare, tracked = Net(), Net()
    tracked.load_state_dict(bare.state_dict())
    fit(module=bare)
    draws = torch.rand(1), np.random.rand(), random.random()
    fit(BiasVarianceCallback(tracking_uri=store, test_dataloaders=loaders()[1]), module=tracked)
    draws_after = torch.rand(1), np.random.rand(), random.random()

    assert all(torch.equal(one, other) for one, other in zip(bare.parameters(), tracked.parameters(), strict=True))
    assert draws == draws_after
    assert (bare.steps, len(bare.seen)) == (tracked.steps, len(tracked.seen))
    said.clear()  # the test set is the dev set


def test_every_epoch_is_one_point(store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    fit(callback, val_check_interval=0.5)
    assert callback.tracker is not None
    assert callback.tracker.run_id is not None
    points = MlflowClient(store).get_metric_history(callback.tracker.run_id, "bvtrack/dev_error")

    assert [point.step for point in points] == [0, 1, 2]


def test_the_run_of_the_trainers_mlflow_logger_is_used(store: str) -> None:
    logger = MLFlowLogger("theirs", tracking_uri=store)
    callback = BiasVarianceCallback()
    fit(callback, logger=logger)
    run = MlflowClient(store).get_run(str(logger.run_id))

    assert run.data.tags["bvtrack.source"] == "callback"
    assert run.data.tags["bvtrack.state"] == "complete"
    assert len(MlflowClient(store).search_runs([run.info.experiment_id])) == 1


def test_auto_adds_the_callback_to_any_trainer(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    fit()

    assert len(MlflowClient(store).search_runs(["0"], "tags.`bvtrack.source` = 'callback'")) == 1


def test_auto_gives_way_to_a_callback_added_by_hand(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    fit(BiasVarianceCallback(human_error=0.02))

    (run,) = MlflowClient(store).search_runs(["0"])
    assert run.data.tags["bvtrack.baseline"] == "given"


def test_without_auto_nothing_is_added() -> None:
    trainer = lightning.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")

    assert "BiasVarianceCallback" not in {type(callback).__name__ for callback in trainer.callbacks}  # type: ignore[attr-defined]  # set where mypy does not look


def test_disabled_does_nothing(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_DISABLED", "1")
    callback = BiasVarianceCallback(tracking_uri=store)
    fit(callback)

    assert callback.tracker is None


def test_a_trial_run_makes_no_run_of_its_own(store: str) -> None:
    fit(BiasVarianceCallback(tracking_uri=store), fast_dev_run=True)

    assert MlflowClient(store).search_runs(["0"]) == []


def test_a_trial_run_in_a_run_that_is_there_is_tagged_as_such(store: str) -> None:
    run_id = MlflowClient(store).create_run("0").info.run_id
    callback = BiasVarianceCallback(run_id=run_id, tracking_uri=store)
    fit(callback, overfit_batches=1)

    assert read_run(store, callback).data.tags["bvtrack.diagnosis"] == "not_applicable"


def test_a_metric_that_is_never_logged_is_said_before_an_epoch_is_spent(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(measure="val_err", tracking_uri=store)
    fit(callback, max_epochs=1)

    assert said == ["bvtrack: no metric named 'val_err' was logged; logged: val_acc; taking 1 - val_acc instead"]
    said.clear()
    assert read_run(store, callback).data.tags["bvtrack.measure"] == "1 - val_acc"


class OfNumbers(Net):
    """It logs what its metric comes to: a number, of which nothing but the name is known."""

    def validation_step(self, batch: Any, batch_index: int) -> None:
        x, y = batch
        self.log(self.metric, self.accuracy(self.network(x), y), on_epoch=True)


def test_a_run_that_logs_no_error_is_undetermined(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    fit(callback, module=OfNumbers(metric="val_thing"))

    assert said.pop(0).startswith("bvtrack: expected an error rate or an accuracy to diagnose, got val_thing")
    assert [message for message in said if "val_thing, " not in message and "train_loss" not in message] == []
    said.clear()
    assert read_run(store, callback).data.tags["bvtrack.diagnosis"] == "undetermined"


def test_a_metric_whose_name_tells_nothing_is_known_by_its_class(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    fit(callback, module=Net(metric="val_thing"))

    assert read_run(store, callback).data.tags["bvtrack.measure"].startswith("1 - val_thing")
    assert said == []


def test_no_validation_data_is_said_and_the_training_goes_on(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    trainer = fit(callback, limit_val_batches=0)

    assert trainer.current_epoch == 3
    assert said.pop(0).startswith("bvtrack: expected validation data to measure the dev error on, got none")
    said.clear()
    assert read_run(store, callback).data.tags["bvtrack.diagnosis"] == "undetermined"


class Broken(Dataset[Any]):
    def __len__(self) -> int:
        return 100

    def __getitem__(self, index: int) -> Any:
        raise OSError("the disk is gone")


def test_a_test_loader_that_raises_is_said_once_and_costs_only_the_test_error(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, test_dataloaders=DataLoader(Broken()))
    fit(callback)
    metrics = read_run(store, callback).data.metrics

    assert len([message for message in said if "the test error is missing" in message]) == 1
    said.clear()
    assert "bvtrack/dev_error" in metrics
    assert "bvtrack/test_error" not in metrics


def test_a_training_that_raises_marks_its_run_as_failed(store: str) -> None:
    class Failing(Net):
        def on_train_epoch_start(self) -> None:
            if self.current_epoch == 2:
                raise RuntimeError("out of memory")

    callback = BiasVarianceCallback(tracking_uri=store)
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(callback, module=Failing())
    run = read_run(store, callback)

    assert run.data.tags["bvtrack.state"] == "failed"
    assert run.data.metrics["bvtrack/dev_error"] >= 0


@pytest.mark.parametrize(
    "arguments",
    [{"human_error": 2.0}, {"test_every": -1}, {"train_eval": "half"}, {"measure": "quality"}, {"tracking_uri": "./mlruns"}],
)
def test_a_bad_argument_is_refused_when_the_callback_is_made(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"got|does not say"):
        BiasVarianceCallback(**arguments)


def test_the_active_mlflow_run_is_used(store: str, tmp_path: Path) -> None:
    mlflow.set_tracking_uri(store)
    with mlflow.start_run() as run:
        fit(BiasVarianceCallback(), max_epochs=1)
    tags = MlflowClient(store).get_run(run.info.run_id).data.tags

    assert tags["bvtrack.state"] == "complete"


def test_train_and_test_error_are_measured_on_the_averaged_weights_that_the_dev_error_is_of(store: str) -> None:
    module = Net()
    callback = BiasVarianceCallback(tracking_uri=store, at="last", test_dataloaders=DataLoader(split(90, 2), batch_size=40))
    averaging = EMAWeightAveraging(decay=0.9)
    for order in ([averaging, callback], [callback, averaging]):
        fit(*order, module=module, max_epochs=1)
        metrics = read_run(store, callback).data.metrics

        assert metrics["bvtrack/train_error"] == pytest.approx(error_of(module, split(300, 0)), abs=1e-6)
        assert metrics["bvtrack/test_error"] == pytest.approx(error_of(module, split(90, 2)), abs=1e-6)
        assert metrics["bvtrack/dev_error"] == pytest.approx(error_of(module, split(130, 1)), abs=1e-6)


def test_a_metric_that_is_logged_at_the_end_of_the_epoch_alone_is_measured_too(store: str) -> None:
    class LogsAtTheEnd(Net):
        def validation_step(self, batch: Any, batch_index: int) -> None:
            x, y = batch
            self.accuracy.update(self.network(x), y)
            self.seen.append(y)

        def on_validation_epoch_end(self) -> None:
            self.log("val_acc", self.accuracy.compute())
            self.accuracy.reset()
            self.seen.clear()

    callback, module = BiasVarianceCallback(tracking_uri=store, at="last"), LogsAtTheEnd()
    fit(callback, module=module)
    metrics = read_run(store, callback).data.metrics

    assert metrics["bvtrack/train_error"] == pytest.approx(error_of(module, split(300, 0)), abs=1e-6)
    assert metrics["bvtrack/dev_error"] == pytest.approx(error_of(module, split(130, 1)), abs=1e-6)


@pytest.mark.parametrize(("weights", "epoch"), [(None, 2), ("first", 0)])
def test_a_test_after_the_training_counts_for_the_epoch_whose_weights_it_used(
    weights: str | None, epoch: int, store: str, tmp_path: Path
) -> None:
    class Tested(Net):
        def test_step(self, batch: Any, batch_index: int) -> None:
            x, y = batch
            self.log("test_acc", (self.network(x).argmax(dim=1) == y).float().mean())

    callback, module = BiasVarianceCallback(tracking_uri=store), Tested()
    keeper = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    trainer = fit(callback, keeper, module=module, enable_checkpointing=True)
    trainer.test(module, DataLoader(split(90, 2), batch_size=40), ckpt_path=weights and str(tmp_path / "epoch=0.ckpt"))
    run = read_run(store, callback)
    points = MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/test_error")

    assert [point.step for point in points] == [epoch]
    assert points[0].value == pytest.approx(error_of(module, split(90, 2)), abs=1e-6)
    assert (run.data.tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")


@pytest.mark.parametrize(("train_eval", "n"), [("subset", 300), ("full", 300), (50, 50), (1000, 300)])
def test_the_train_error_is_measured_on_as_many_examples_as_asked_for(train_eval: Any, n: int, store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_eval=train_eval)
    fit(callback, max_epochs=1)

    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert callback.tracker.diagnosis.counts["train"] == n


def test_a_running_train_error_is_what_the_training_logs(store: str) -> None:
    class LogsAccuracy(Net):
        def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
            x, y = batch
            logits = self.network(x)
            self.log("train_acc", (logits.argmax(dim=1) == y).float().mean(), on_step=False, on_epoch=True)
            return nn.functional.cross_entropy(logits, y)

    callback = BiasVarianceCallback(tracking_uri=store, train_eval="running")
    fit(callback, module=LogsAccuracy(), max_epochs=1)
    run = read_run(store, callback)

    assert run.data.metrics["bvtrack/train_error"] == run.data.metrics["bvtrack/train_error_running"]
    assert run.data.tags["bvtrack.measure"] == "1 - val_acc (train: running average, not in eval mode)"


def test_train_dev_data_and_training_data_without_augmentation_are_measured(store: str) -> None:
    plain, train_dev = split(40, 5), split(60, 6)
    callback = BiasVarianceCallback(
        tracking_uri=store,
        at="last",
        train_eval_dataloaders=DataLoader(plain, batch_size=7),
        train_dev_dataloaders=[DataLoader(train_dev, batch_size=7)],
    )
    module = Net()
    fit(callback, module=module, max_epochs=1)
    run = read_run(store, callback)

    assert run.data.metrics["bvtrack/train_error"] == pytest.approx(error_of(module, plain), abs=1e-6)
    assert run.data.metrics["bvtrack/train_dev_error"] == pytest.approx(error_of(module, train_dev), abs=1e-6)
    assert run.data.metrics["bvtrack/data_mismatch"] == pytest.approx(
        error_of(module, split(130, 1)) - error_of(module, train_dev), abs=1e-6
    )
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert dict(callback.tracker.diagnosis.counts) == {"train": 40, "train_dev": 60, "dev": 130}


def test_a_loggers_store_counts_whatever_the_environment_says(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    logger = MLFlowLogger(tracking_uri=store)
    fit(BiasVarianceCallback(), logger=logger, max_epochs=1)

    assert logger.run_id is not None
    assert "bvtrack.diagnosis" in MlflowClient(store).get_run(logger.run_id).data.tags


def test_a_store_that_cannot_be_costs_a_warning_and_no_training(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    trainer = fit(BiasVarianceCallback(), max_epochs=1)

    assert trainer.current_epoch == 1
    assert "MLflow has given up the ./mlruns file store" in said.pop()
