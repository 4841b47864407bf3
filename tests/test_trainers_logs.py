"""Logs that real trainers write, read without a store."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bvtrack.cli import main
from bvtrack.logfiles.logged_file import LoggedFile
from bvtrack.logfiles.opening import read_log

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 20)).astype("float32")
Y = (X[:, :3].sum(1) > 0).astype("int64")
"""Learned by heart from 40 examples of 20 features, and half understood."""
N_TRAIN = 40


def reading(*paths: Path) -> Any:
    result = CliRunner().invoke(main, ["diagnose", *map(str, paths), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def lightning_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lightning = pytest.importorskip("lightning")
    import torch
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
    from torch.utils.data import DataLoader, TensorDataset

    class Net(lightning.LightningModule):  # type: ignore[misc, name-defined]  # an optional import
        def __init__(self, lr: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))

        def _log(self, batch: Sequence[Any], stage: str) -> Any:
            outputs = self.net(batch[0])
            loss = torch.nn.functional.cross_entropy(outputs, batch[1])
            accuracy = (outputs.argmax(1) == batch[1]).float().mean()
            is_train = stage == "train"
            self.log(f"{stage}_loss", loss, on_step=is_train, on_epoch=True)
            self.log(f"{stage}_acc", accuracy, on_step=False, on_epoch=True)
            return loss

        def training_step(self, batch: Sequence[Any]) -> Any:
            return self._log(batch, "train")

        def validation_step(self, batch: Sequence[Any]) -> None:
            self._log(batch, "val")

        def test_step(self, batch: Sequence[Any]) -> None:
            self._log(batch, "test")

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("lightning")
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    train, dev = torch.utils.data.Subset(data, range(N_TRAIN)), torch.utils.data.Subset(data, range(N_TRAIN, 64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few workers, few batches
        trainer = lightning.Trainer(
            max_epochs=20,
            accelerator="cpu",
            logger=[CSVLogger(folder / "csv"), TensorBoardLogger(folder / "events")],
            log_every_n_steps=2,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        net = Net()
        trainer.fit(net, DataLoader(train, 8, shuffle=True), DataLoader(dev, 24))
        trainer.test(net, DataLoader(dev, 24), verbose=False)
    return folder


@pytest.mark.parametrize("where", ["csv", "events"])
def test_lightnings_loggers(lightning_folder: Path, where: str) -> None:
    found = reading(lightning_folder / where)

    assert found["diagnosis"]["problems"]
    assert found["metrics"] == {"train": "train_acc", "dev": "val_acc", "test": "test_acc"}
    assert found["unit"] == "step"


def test_lightnings_csv_and_event_files_hold_the_same(lightning_folder: Path) -> None:
    (csv,), (events,) = read_log(lightning_folder / "csv"), read_log(lightning_folder / "events")

    assert csv.params["lr"] == events.params["lr"] == "0.1"
    for name in ("train_acc", "val_acc", "train_loss_step", "test_acc"):
        assert [point.step for point in csv.points[name]] == [point.step for point in events.points[name]]
        assert [point.value for point in csv.points[name]] == pytest.approx([one.value for one in events.points[name]])
    assert all(point.timestamp > 1.7e12 for point in events.points["val_acc"])
    assert csv.epochs[csv.points["val_acc"][-1].step] == 19


def test_event_files_are_read_as_tensorboard_reads_them(lightning_folder: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = next((lightning_folder / "events").rglob("*tfevents*")).parent
    theirs = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    (ours,) = read_log(folder)

    tags = set(theirs.Tags()["scalars"]) - {"epoch"}
    assert tags == ours.points.keys()
    for tag in tags:
        assert {one.step: one.value for one in theirs.Scalars(tag)} == {one.step: one.value for one in ours.points[tag]}


def test_event_files_that_are_cut_off_are_read_up_to_there(lightning_folder: Path, tmp_path: Path) -> None:
    whole = min((lightning_folder / "events").rglob("*tfevents*")).read_bytes()
    (complete,) = runs_of_events(whole, tmp_path)
    for end in range(len(whole) // 2, len(whole), 97):
        for one in runs_of_events(whole[:end], tmp_path):
            points = one.points["train_loss_step"]
            assert points == complete.points["train_loss_step"][: len(points)]


def runs_of_events(content: bytes, folder: Path) -> list[LoggedFile]:
    path = folder / "events.out.tfevents.1.host.1.0"
    path.write_bytes(content)
    return read_log(path)


@pytest.fixture(scope="module")
def keras_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("keras")
    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.layers.Dense(64, activation="relu"), keras.layers.Dense(2, activation="softmax")])
    net.compile(keras.optimizers.SGD(0.2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [
        keras.callbacks.CSVLogger(folder / "commas.csv"),
        keras.callbacks.CSVLogger(folder / "semicolons.csv", separator=";"),
        keras.callbacks.TensorBoard(folder / "logs"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = net.fit(
            X[:N_TRAIN], Y[:N_TRAIN], validation_data=(X[N_TRAIN:], Y[N_TRAIN:]), epochs=20, verbose=0, callbacks=callbacks
        )
    (folder / "history.json").write_text(json.dumps(history.history))
    return folder


@pytest.mark.parametrize("where", ["commas.csv", "semicolons.csv", "history.json", "logs"])
def test_kerass_loggers(keras_folder: Path, where: str) -> None:
    found = reading(keras_folder / where)

    assert "high_variance" in found["states"]
    assert found["metrics"].keys() == {"train", "dev"}
    assert found["diagnosis"]["errors"] == pytest.approx(reading(keras_folder / "commas.csv")["diagnosis"]["errors"], abs=1e-6)


def test_a_transformers_trainer(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))

        def forward(self, x: Any, labels: Any) -> dict[str, Any]:
            logits = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    examples = [{"x": torch.tensor(x), "labels": int(y)} for x, y in zip(X, Y, strict=True)]
    arguments = transformers.TrainingArguments(
        tmp_path / "out",
        num_train_epochs=12,
        learning_rate=0.02,
        logging_strategy="epoch",
        eval_strategy="epoch",
        save_strategy="epoch",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=0,
    )
    trainer = transformers.Trainer(
        Net(),
        arguments,
        train_dataset=examples[:N_TRAIN],
        eval_dataset=examples[N_TRAIN:],
        compute_metrics=lambda it: {"accuracy": float((it.predictions.argmax(1) == it.label_ids).mean())},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()
    found = reading(tmp_path / "out")

    assert found["name"].endswith("checkpoint-60/trainer_state.json")
    assert found["metrics"] == {"train": "loss", "dev": "eval_loss"}
    assert found["at"].startswith("epoch ")
    assert found["diagnosis"]["gaps"]


def test_xgboosts_evaluation_results(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=30, eval_metric=["logloss", "error"], n_jobs=1)
    model.fit(X[:N_TRAIN], Y[:N_TRAIN], eval_set=[(X[:N_TRAIN], Y[:N_TRAIN]), (X[N_TRAIN:], Y[N_TRAIN:])], verbose=False)
    path = tmp_path / "evals_result.json"
    path.write_text(json.dumps(model.evals_result()))
    found = reading(path)

    assert "high_variance" in found["states"]
    assert found["metrics"] == {"train": "train/error", "dev": "validation/error"}
    assert any("validation_0 is taken for the training data" in remark for remark in found["remarks"])


def test_lightgbms_evaluation_results(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    results: dict[str, Any] = {}
    train = lightgbm.Dataset(X[:N_TRAIN], Y[:N_TRAIN])
    lightgbm.train(
        {
            "objective": "binary",
            "metric": ["binary_logloss", "binary_error"],
            "verbose": -1,
            "min_data_in_leaf": 2,
            "num_threads": 1,
        },
        train,
        30,
        [train, lightgbm.Dataset(X[N_TRAIN:], Y[N_TRAIN:], reference=train)],
        ["training", "valid_1"],
        callbacks=[lightgbm.record_evaluation(results)],
    )
    path = tmp_path / "evals.json"
    path.write_text(json.dumps(results))
    found = reading(path)

    assert "high_variance" in found["states"]
    assert found["metrics"] == {"train": "training/binary_error", "dev": "valid_1/binary_error"}


def test_tensorboards_scalars_of_one_chart_in_folders(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with SummaryWriter(str(tmp_path)) as writer:
            for epoch in range(12):
                writer.add_scalars("acc", {"train": 1 - 0.5**epoch / 2, "val": 0.7 - 0.2 * math.exp(-epoch)}, epoch)
    found = reading(tmp_path)

    assert "high_variance" in found["states"]
    assert found["metrics"] == {"train": "train/acc", "dev": "val/acc"}
