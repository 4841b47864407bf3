"""Logs that real trainers write: Lightning, Keras, Transformers, XGBoost and LightGBM."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from example import Example, example
from fates import BATCH, CONFIDENT, DIVERGED, FINE, NOT_LEARNING, OVERTRAINED, Fate, network, sets
from sklearn.datasets import load_breast_cancer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Net(lightning.LightningModule):
    """A classifier that logs a train and a dev loss, and the dev accuracy."""

    def __init__(self, fate: Fate, *, on_step: bool) -> None:
        super().__init__()
        self.network, self.rate, self.on_step_too = network(), fate.rate, on_step

    def training_step(self, batch: list[Tensor], batch_index: int) -> Tensor:
        loss = nn.functional.cross_entropy(self.network(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=self.on_step_too, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_index: int) -> None:
        outputs = self.network(batch[0])
        self.log("val_loss", nn.functional.cross_entropy(outputs, batch[1]))
        self.log("val_acc", torch.eq(outputs.argmax(1), batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), self.rate)


def fit_lightning(fate: Fate, folder: Path, logger: Any, *, on_step: bool = False, **options: Any) -> None:
    data = sets(fate)
    train = DataLoader(TensorDataset(torch.tensor(data.train_x), torch.tensor(data.train_y)), BATCH, shuffle=True)
    dev = DataLoader(TensorDataset(torch.tensor(data.dev_x), torch.tensor(data.dev_y)), 500)
    quiet = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "num_sanity_val_steps": 0,
    }
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=fate.epochs,
        logger=logger,
        default_root_dir=folder,
        log_every_n_steps=2,
        **{**quiet, **options},
    )
    trainer.fit(Net(fate, on_step=on_step), train, dev)


def lightning_csv(fate: Fate, folder: Path, **options: Any) -> Path:
    from lightning.pytorch.loggers import CSVLogger

    fit_lightning(fate, folder, CSVLogger(folder), **options)
    return folder / "lightning_logs/version_0/metrics.csv"


def lightning_tensorboard(fate: Fate, folder: Path) -> Path:
    from lightning.pytorch.loggers import TensorBoardLogger

    fit_lightning(fate, folder, TensorBoardLogger(folder))
    return folder / "lightning_logs/version_0"


def fit_keras(fate: Fate, *callbacks: Any) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
    model, data = keras.Sequential(layers), sets(fate)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(fate.rate), loss, metrics=["accuracy"])
    return model.fit(
        data.train_x, data.train_y, BATCH, fate.epochs, 0, callbacks=list(callbacks), validation_data=(data.dev_x, data.dev_y)
    )


def keras_csv(fate: Fate, folder: Path, separator: str = ",") -> Path:
    import keras

    path = folder / "training.log.csv"
    fit_keras(fate, keras.callbacks.CSVLogger(path, separator))
    return path


def keras_history(fate: Fate, folder: Path) -> Path:
    path = folder / "history.json"
    path.write_text(json.dumps(fit_keras(fate).history))
    return path


class Hugging(nn.Module):
    """A network that the Transformers Trainer can train."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def forward(self, pixels: Tensor, labels: Tensor) -> dict[str, Tensor]:
        outputs = self.network(pixels)
        return {"loss": nn.functional.cross_entropy(outputs, labels), "logits": outputs}


def _accuracy(output: Any) -> dict[str, float]:
    return {"accuracy": float((output.predictions.argmax(1) == output.label_ids).mean())}


def transformers_state(fate: Fate, folder: Path, **options: Any) -> Path:
    from transformers import Trainer, TrainingArguments

    data = sets(fate)
    train, dev = (
        [{"pixels": torch.tensor(image), "labels": int(digit)} for image, digit in zip(x, y, strict=True)]
        for x, y in ((data.train_x, data.train_y), (data.dev_x, data.dev_y))
    )
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=fate.epochs,
        learning_rate=fate.rate,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=500,
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="no",
        report_to=[],
        lr_scheduler_type="constant",
        disable_tqdm=True,
        use_cpu=True,
        max_grad_norm=0,
        weight_decay=0,
        **options,
    )
    trainer = Trainer(
        Hugging(),
        arguments,
        train_dataset=train,
        eval_dataset=dev,
        compute_metrics=_accuracy,
    )
    trainer.train()
    trainer.save_state()
    return folder / "trainer_state.json"


def xgboost_results(fate: Fate, folder: Path) -> Path:
    import xgboost

    data = sets(fate)
    train, dev = xgboost.DMatrix(data.train_x, data.train_y), xgboost.DMatrix(data.dev_x, data.dev_y)
    parameters = {"objective": "multi:softprob", "num_class": 10, "eval_metric": ["mlogloss", "merror"], "nthread": 1}
    return _xgboost(folder, parameters, train, dev)


def xgboost_noisy(folder: Path) -> Path:
    """Tumours, 3 in 10 of whose labels are wrong, which trees learn by heart; only the loss is logged."""
    import xgboost

    data, random = load_breast_cancer(), np.random.default_rng(0)
    order = random.permutation(len(data.target))
    x, y = data.data[order], np.where(random.random(len(order)) < 0.3, 1 - data.target[order], data.target[order])
    train, dev = xgboost.DMatrix(x[:200], y[:200]), xgboost.DMatrix(x[200:], y[200:])
    return _xgboost(folder, {"objective": "binary:logistic", "eval_metric": "logloss", "nthread": 1}, train, dev)


def _xgboost(folder: Path, parameters: dict[str, Any], train: Any, dev: Any) -> Path:
    import xgboost

    seen: dict[str, Any] = {}
    xgboost.train(parameters, train, 40, evals=[(train, "train"), (dev, "eval")], evals_result=seen, verbose_eval=False)
    path = folder / "evals_result.json"
    path.write_text(json.dumps(seen))
    return path


def lightgbm_results(fate: Fate, folder: Path) -> Path:
    import lightgbm

    data, seen = sets(fate), dict[str, Any]()
    train = lightgbm.Dataset(data.train_x, data.train_y)
    dev = lightgbm.Dataset(data.dev_x, data.dev_y, reference=train)
    parameters = {
        "objective": "multiclass",
        "num_class": 10,
        "metric": "multi_logloss",
        "verbose": -1,
        "num_threads": 1,
        "learning_rate": 0.33,
        "num_leaves": 4,
        "min_data_in_leaf": 5,
    }
    callbacks = [lightgbm.record_evaluation(seen)]
    lightgbm.train(parameters, train, 200, [train, dev], ["training", "valid"], callbacks=callbacks)
    path = folder / "evals_result.json"
    path.write_text(json.dumps(seen))
    return path


EXAMPLES: list[Example] = [
    example("Lightning, metrics.csv by epoch", partial(lightning_csv, FINE), "fine"),
    example("Lightning, metrics.csv by step and epoch", partial(lightning_csv, OVERTRAINED, on_step=True), "overtrained"),
    example(
        "Lightning, metrics.csv, four checks an epoch",
        partial(lightning_csv, FINE, on_step=True, val_check_interval=0.25),
        "fine",
    ),
    example(
        "Lightning, metrics.csv, a check every third epoch",
        partial(lightning_csv, OVERTRAINED, check_val_every_n_epoch=3),
        "overtrained",
    ),
    example("Lightning, metrics.csv", partial(lightning_csv, DIVERGED), "diverged"),
    example("Lightning, metrics.csv", partial(lightning_csv, NOT_LEARNING), "not_learning"),
    example("Lightning, TensorBoard", partial(lightning_tensorboard, OVERTRAINED), "overtrained"),
    example("Keras, CSVLogger", partial(keras_csv, FINE), "fine"),
    example("Keras, CSVLogger", partial(keras_csv, OVERTRAINED), "overtrained"),
    example("Keras, CSVLogger with semicolons", partial(keras_csv, NOT_LEARNING, separator=";"), "not_learning"),
    example("Keras, history as JSON", partial(keras_history, DIVERGED), "diverged"),
    example("Transformers, trainer_state.json", partial(transformers_state, FINE), "fine"),
    example("Transformers, trainer_state.json", partial(transformers_state, OVERTRAINED), "overtrained"),
    example("Transformers, trainer_state.json", partial(transformers_state, NOT_LEARNING), "not_learning"),
    example("Transformers, trainer_state.json, NaN filtered", partial(transformers_state, DIVERGED), "diverged"),
    example(
        "Transformers, loss up and accuracy not down, chosen by accuracy",
        partial(transformers_state, CONFIDENT, metric_for_best_model="accuracy"),
        "fine",
    ),
    example("XGBoost, evals_result", partial(xgboost_results, FINE), "fine"),
    example("XGBoost, evals_result", xgboost_noisy, "overtrained"),
    example("LightGBM, evals_result", partial(lightgbm_results, OVERTRAINED), "overtrained"),
]
