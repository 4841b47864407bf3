"""What the error is: functions, torchmetrics, regression, bare losses; on which examples, and how sure."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from mlflow import MlflowClient
from mlflow.entities import Run
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchmetrics import MeanAbsoluteError
from torchmetrics.classification import BinaryAUROC, MulticlassAccuracy, MulticlassF1Score

from bvtrack.adapters import choose_examples
from bvtrack.schema.model_tags import read_model
from bvtrack_lightning import BiasVarianceCallback
from bvtrack_lightning.recorder import Recorder

pytestmark = pytest.mark.filterwarnings("ignore")


class Classifier(lightning.LightningModule):
    """Logs nothing but a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.3), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(x)
        return logits

    def loss(self, batch: Any) -> torch.Tensor:
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return self.loss(batch)

    def validation_step(self, batch: Any, batch_index: int) -> Any:
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.01)


class Regressor(Classifier):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        numbers: torch.Tensor = self.network(x)[:, 0]
        return numbers

    def loss(self, batch: Any) -> torch.Tensor:
        return nn.functional.mse_loss(self(batch[0]), batch[1])


class LogsMse(Regressor):
    def validation_step(self, batch: Any, batch_index: int) -> Any:
        self.log("val_mse", self.loss(batch))


class Returns(Classifier):
    """Has batches that are no pairs, and says itself what it predicts."""

    def loss(self, batch: Any) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch["x"]), batch["y"])

    def validation_step(self, batch: Any, batch_index: int) -> Any:
        return {"preds": self.network(batch["x"]), "target": batch["y"]}


class Dicts(Dataset[Any]):
    def __init__(self, data: TensorDataset) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        x, y = self.data[index]
        return {"x": x, "y": y}


def split(n: int, seed: int, kind: str = "classes") -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=generator)
    return TensorDataset(x, (x[:, 0] + x[:, 1] > 0).long() if kind == "classes" else 3 * x[:, 0] + 5)


TRAIN, DEV, TEST = split(300, 0), split(130, 1), split(70, 2)


def wrong(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return predictions.argmax(dim=1) != targets


def share_of_wrong(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return wrong(predictions, targets).float().mean()


def absolute(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (predictions - targets).abs()


def fit(module: lightning.LightningModule, *callbacks: Any, kind: str = "classes", **options: Any) -> lightning.Trainer:
    quiet = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    checkpoint = options.pop("ckpt_path", None)
    wrap = Dicts if isinstance(module, Returns) else lambda data: data
    train, dev = (wrap(split(n, seed, kind)) for n, seed in ((300, 0), (130, 1)))
    trainer = lightning.Trainer(callbacks=list(callbacks), accelerator="cpu", **{"max_epochs": 2, **quiet, **options})
    lightning.seed_everything(0, verbose=False)
    trainer.fit(module, DataLoader(train, 32, shuffle=True), DataLoader(dev, 50), ckpt_path=checkpoint)
    return trainer


def run_of(store: str, callback: BiasVarianceCallback) -> Run:
    assert callback.tracker is not None
    assert callback.tracker.run_id is not None
    return MlflowClient(store).get_run(callback.tracker.run_id)


def predicted(module: Classifier, data: TensorDataset) -> tuple[torch.Tensor, torch.Tensor]:
    module.eval()
    x, y = data.tensors
    with torch.no_grad():
        return module(x), y


@pytest.mark.parametrize("error", [wrong, share_of_wrong, MulticlassAccuracy(2, average="micro")])
def test_a_function_or_a_metric_measures_every_set(error: Any, store: str) -> None:
    module = Classifier()
    callback = BiasVarianceCallback(tracking_uri=store, error=error, test_dataloaders=DataLoader(TEST, 32), at="last")
    fit(module, callback)
    metrics = run_of(store, callback).data.metrics

    for name, data in {"train": TRAIN, "dev": DEV, "test": TEST}.items():
        assert metrics[f"bvtrack/{name}_error"] == pytest.approx(float(share_of_wrong(*predicted(module, data))), abs=1e-6)


def test_an_error_by_example_is_counted_and_one_of_all_is_resampled(store: str) -> None:
    by_example = BiasVarianceCallback(tracking_uri=store, error=wrong)
    of_all = BiasVarianceCallback(tracking_uri=store, error=share_of_wrong)
    fit(Classifier(), by_example)
    fit(Classifier(), of_all)
    counted, resampled = (json.loads(run_of(store, one).data.tags["bvtrack.gaps"]) for one in (by_example, of_all))

    assert counted["n"] == {"train": 300, "dev": 130}
    assert resampled["n"] == {}
    for one in (counted, resampled):
        value, low, high = one["gaps"]["avoidable_bias"]
        assert low < value < high
        assert high - low == pytest.approx(2 * 1.96 * np.sqrt(value * (1 - value) / 300), rel=0.3)


@pytest.mark.parametrize("metric", [BinaryAUROC(), MulticlassF1Score(2, average="macro")])
def test_a_measure_that_is_no_rate_has_intervals_too(metric: Any, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.measures.example_error.SECONDS", 60.0)  # which a busy machine may need

    class Scores(Classifier):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = super().forward(x)
            return logits.softmax(dim=1)[:, 1] if isinstance(metric, BinaryAUROC) else logits

        def loss(self, batch: Any) -> torch.Tensor:
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    callback = BiasVarianceCallback(tracking_uri=store, error=metric)
    fit(Scores(), callback, max_epochs=1)
    tags = run_of(store, callback).data.tags

    for value, low, high in json.loads(tags["bvtrack.gaps"])["gaps"].values():
        assert low < value < high
    assert tags["bvtrack.measure"] == f"1 - {type(metric).__name__}"


@pytest.mark.parametrize(
    ("module", "options", "error"),
    [
        (LogsMse, {}, "mse"),
        (Regressor, {"error": absolute}, "mae"),
        (Regressor, {"error": MeanAbsoluteError()}, "mae"),
        (Regressor, {}, "mse"),
    ],
)
def test_an_error_with_units_is_scaled_by_the_best_constant(
    module: type[Regressor], options: Any, error: str, store: str, said: list[str]
) -> None:
    net = module()
    callback = BiasVarianceCallback(tracking_uri=store, at="last", **options)
    fit(net, callback, kind="numbers", max_epochs=20)  # a bare loss is read as an error once it is below that of guessing
    metrics = run_of(store, callback).data.metrics

    targets = split(300, 0, "numbers").tensors[1].double()
    constant = targets.var(unbiased=False) if error == "mse" else (targets - targets.median()).abs().mean()
    for name, data in {"train": split(300, 0, "numbers"), "dev": split(130, 1, "numbers")}.items():
        predictions, y = predicted(net, data)
        own = float(((predictions - y) ** 2 if error == "mse" else (predictions - y).abs()).mean())
        assert metrics[f"bvtrack/{name}_error_unscaled"] == pytest.approx(own, abs=1e-5)
        assert metrics[f"bvtrack/{name}_error"] == pytest.approx(min(own / float(constant), 1), abs=1e-5)
    assert "best constant" in run_of(store, callback).data.tags["bvtrack.measure"]
    said.clear()  # above guessing at first, a bare loss cannot be read as an error, which another test is about


def test_a_bare_loss_is_the_last_resort_and_said_to_be(store: str, caplog: pytest.LogCaptureFixture) -> None:
    module = Classifier()
    callback = BiasVarianceCallback(tracking_uri=store, at="last")
    fit(module, callback)
    run = run_of(store, callback)

    logits, y = predicted(module, DEV)
    expected = 1 - torch.exp(-nn.functional.cross_entropy(logits, y))
    assert run.data.metrics["bvtrack/dev_error"] == pytest.approx(float(expected), abs=1e-6)
    assert run.data.tags["bvtrack.measure"] == "1 - exp(-val_loss) (a bare loss)"
    assert run.data.tags["bvtrack.certainty"] != "certain"
    assert "A bare loss gives no certain diagnosis" in caplog.text


def test_a_step_may_return_what_it_predicts(store: str) -> None:
    module = Returns()
    callback = BiasVarianceCallback(tracking_uri=store, error=wrong, at="last")
    fit(module, callback)

    expected = float(share_of_wrong(*predicted(module, DEV)))
    assert run_of(store, callback).data.metrics["bvtrack/dev_error"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error": 3}, r"error= must be a function of \(predictions, targets\) or a torchmetrics.Metric; got 3"),
        ({"error": wrong, "measure": "val_acc"}, "got both"),
    ],
)
def test_an_error_that_cannot_be_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BiasVarianceCallback(**options)


def test_an_error_function_that_raises_costs_the_errors_and_no_training(store: str, said: list[str]) -> None:
    def broken(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such error")

    callback = BiasVarianceCallback(tracking_uri=store, error=broken)
    trainer = fit(Classifier(), callback)

    assert trainer.current_epoch == 2
    assert run_of(store, callback).data.tags["bvtrack.diagnosis"] == "undetermined"
    assert {message.split(" error")[0] for message in said} == {"bvtrack: the train", "bvtrack: the dev"}
    assert all("no such error" in message for message in said)
    said.clear()


class MacroAccuracy(Classifier):
    """Logs its metric itself."""

    def __init__(self, average: Any) -> None:
        super().__init__()
        self.accuracy = MulticlassAccuracy(2, average=average)

    def validation_step(self, batch: Any, batch_index: int) -> Any:
        self.accuracy(self(batch[0]), batch[1])
        self.log("val_acc", self.accuracy)


class Computed(MacroAccuracy):
    """Logs what its metric has computed of all batches."""

    def validation_step(self, batch: Any, batch_index: int) -> Any:
        self.accuracy.update(self(batch[0]), batch[1])

    def on_validation_epoch_end(self) -> None:
        self.log("val_acc", self.accuracy.compute())
        self.accuracy.reset()


class ComputedOfBatches(MacroAccuracy):
    """Logs what its metric gives of each batch."""

    def validation_step(self, batch: Any, batch_index: int) -> Any:
        self.log("val_acc", self.accuracy(self(batch[0]), batch[1]))


@pytest.mark.parametrize("kind", [MacroAccuracy, Computed, ComputedOfBatches])
@pytest.mark.parametrize(("average", "counts"), [("micro", {"train": 300, "dev": 130}), ("macro", {})])
def test_an_accuracy_over_classes_gets_no_interval_from_counts(kind: Any, average: str, counts: Any, store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    fit(kind(average), callback)

    assert json.loads(run_of(store, callback).data.tags["bvtrack.gaps"])["n"] == counts


@pytest.mark.parametrize(("average", "over_classes"), [("micro", set()), ("macro", {"val_acc"})])
def test_a_computed_value_is_known_by_its_metric_however_many_examples_there_are(average: Any, over_classes: set[str]) -> None:
    module, recorder = MacroAccuracy(average), Recorder()
    recorder.watch(module)
    recorder.start([torch.zeros(1_000_000)])
    module.accuracy.update(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]))
    recorder.end_of_batches()
    recorder.log("on_validation_epoch_end", "val_acc", module.accuracy.compute())
    recorder.log("on_validation_epoch_end", "val_share", torch.tensor(0.123456))

    assert recorder.part().over_classes == over_classes


class Augmented(Dataset[Any]):
    def __len__(self) -> int:
        return 300

    def __getitem__(self, index: int) -> Any:
        x, y = TRAIN[index]
        return x + 0.1 * torch.randn(8), y


class LogsAccuracy(Classifier):
    def validation_step(self, batch: Any, batch_index: int) -> Any:
        self.log("val_acc", 1 - share_of_wrong(self(batch[0]), batch[1]))


@pytest.mark.parametrize(
    ("options", "remark"),
    [({}, " (train: on augmented examples)"), ({"train_eval_dataloaders": DataLoader(TRAIN, 50)}, "")],
)
def test_a_train_error_on_augmented_examples_is_said_to_be_one(options: Any, remark: str, store: str) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, **options)
    trainer = lightning.Trainer(
        callbacks=[callback], accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, barebones=False
    )
    trainer.fit(LogsAccuracy(), DataLoader(Augmented(), 32), DataLoader(DEV, 50))

    tags = run_of(store, callback).data.tags
    assert tags["bvtrack.measure"] == f"1 - val_acc{remark}"
    assert read_model(tags).augmentation is True


class Slow(LogsAccuracy):
    """Takes a millisecond an example to evaluate, and far less to train on."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def validation_step(self, batch: Any, batch_index: int) -> Any:
        time.sleep(0.0005 * len(batch[1]))
        super().validation_step(batch, batch_index)


@pytest.mark.parametrize(
    ("module", "train_eval", "n"),
    [(Slow, "subset", 1000), (Slow, 2000, 2000)],
)
def test_a_train_subset_that_would_cost_too_much_is_cut_to_the_least(
    module: type[LogsAccuracy], train_eval: Any, n: int, store: str
) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, train_eval=train_eval, at="last")
    trainer = lightning.Trainer(callbacks=[callback], accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False)
    net, train = module(), split(4000, 0)
    trainer.fit(net, DataLoader(train, 50), DataLoader(split(3000, 1), 500))
    run = run_of(store, callback)

    chosen = torch.as_tensor(choose_examples(4000, n))
    error = float(share_of_wrong(*predicted(net, TensorDataset(*(part[chosen] for part in train.tensors)))))
    assert json.loads(run.data.tags["bvtrack.gaps"])["n"]["train"] == n
    assert run.data.metrics["bvtrack/train_error"] == pytest.approx(error, abs=1e-6)


def test_gaps_can_be_monitored_where_they_are_asked_for(store: str, tmp_path: Path) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, expose=True, error=wrong)
    stopping = EarlyStopping("bvtrack/dev_error", patience=1)
    best = ModelCheckpoint(tmp_path, monitor="bvtrack/variance", mode="min", save_top_k=1)
    trainer = fit(Classifier(), callback, stopping, best, max_epochs=3, enable_checkpointing=True)

    metrics = run_of(store, callback).data.metrics
    assert float(trainer.callback_metrics["bvtrack/dev_error"]) == pytest.approx(metrics["bvtrack/dev_error"], abs=1e-6)
    assert best.best_model_score is not None
    assert torch.isfinite(stopping.best_score)


def test_nothing_is_exposed_by_default(store: str) -> None:
    trainer = fit(LogsAccuracy(), BiasVarianceCallback(tracking_uri=store))

    assert not [name for name in trainer.callback_metrics if name.startswith("bvtrack")]


def test_a_training_resumed_from_a_checkpoint_goes_on_in_its_run(store: str, tmp_path: Path) -> None:
    saving = ModelCheckpoint(tmp_path, filename="last", save_top_k=-1, every_n_epochs=1)
    first = BiasVarianceCallback(tracking_uri=store)
    fit(LogsAccuracy(), first, saving, enable_checkpointing=True)
    second = BiasVarianceCallback(tracking_uri=store)
    fit(LogsAccuracy(), second, ckpt_path=saving.best_model_path or saving.last_model_path, max_epochs=4)
    run = run_of(store, second)

    history = MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error")
    assert run.info.run_id == run_of(store, first).info.run_id
    assert [point.step for point in history] == [0, 1, 2, 3]
    best = min(history, key=lambda point: (point.value, point.step))
    assert run.data.tags["bvtrack.epoch"] == str(best.step)
    assert run.data.tags["bvtrack.state"] == "complete"


def test_a_training_that_ends_before_its_first_validation_is_undetermined(store: str, said: list[str]) -> None:
    callback = BiasVarianceCallback(tracking_uri=store)
    fit(LogsAccuracy(), callback, max_epochs=-1, max_steps=4, num_sanity_val_steps=0)

    assert run_of(store, callback).data.tags["bvtrack.diagnosis"] == "undetermined"
    assert "expected a validation in each epoch, got none in 4 steps" in said[0]
    said.clear()


@pytest.mark.parametrize("error", [wrong, MulticlassAccuracy(2)], ids=["by example", "of all"])
@pytest.mark.parametrize(("by", "n_found"), [(0.0, 0), (1.0, 1)])
def test_what_the_model_says_of_dev_and_test_is_compared(
    error: Any, by: float, n_found: int, store: str, said: list[str]
) -> None:
    test = split(1000, 2)
    moved = TensorDataset(test.tensors[0] + by, test.tensors[1])
    callback = BiasVarianceCallback(tracking_uri=store, error=error, test_dataloaders=DataLoader(moved, 50))
    fit(Classifier(), callback)
    note = run_of(store, callback).data.tags["mlflow.note.content"]

    assert note.count("the model's outputs: dev and test differ") >= n_found
    assert bool(said) is bool(n_found)
    said.clear()
