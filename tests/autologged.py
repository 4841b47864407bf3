"""Runs as others log them: small real trainings by the autologgers of MLflow, by loggers, and by hand."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import mlflow
import numpy as np

Metrics = Mapping[str, Sequence[float]]
EXPERIMENT = "logged by others"


class Kind(NamedTuple):
    """One way to log a run: what it is called, what trains it, and the package that this takes."""

    name: str
    train: Callable[[], None]
    package: str = "mlflow"

    @property
    def is_installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


def train_all(kinds: Sequence[Kind], store: str) -> None:
    """Train those kinds whose packages are there, each in a run of its own called after it."""
    mlflow.set_tracking_uri(store)
    experiment = mlflow.create_experiment(EXPERIMENT)
    with patch.dict(os.environ, MLFLOW_EXPERIMENT_ID=experiment):  # set_experiment would outlast the test
        for kind in kinds:
            if kind.is_installed:
                with warnings.catch_warnings(), _run_of(kind):
                    warnings.simplefilter("ignore")  # what the frameworks say to each other is not ours to mend
                    kind.train()
    mlflow.set_tracking_uri("")


@contextmanager
def _run_of(kind: Kind) -> Iterator[None]:
    if kind.name == LOGGER:
        yield  # which makes a run of its own
    else:
        with mlflow.start_run(run_name=kind.name):
            yield


class Sets(NamedTuple):
    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any


def cancer() -> Sets:
    """The breast cancer data, standardised: 426 examples to train on and 143 to test."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
    return Sets(x_train, y_train, x_test, y_test)


@contextmanager
def autologging(module: Any, **options: Any) -> Iterator[None]:
    """With one of MLflow's autologgers on."""
    module.autolog(log_models=False, silent=True, **options)
    try:
        yield
    finally:
        module.autolog(disable=True, silent=True)


def tree_fitted() -> None:
    from sklearn.tree import DecisionTreeClassifier

    with autologging(mlflow.sklearn):
        DecisionTreeClassifier(random_state=0).fit(cancer().x_train, cancer().y_train)


def tree_scored() -> None:
    from sklearn import metrics
    from sklearn.tree import DecisionTreeClassifier

    X_train, y_train, X_test, y_test = cancer()  # noqa: N806  # the autologger puts the variable's name into the metric's
    with autologging(mlflow.sklearn):
        predicted = DecisionTreeClassifier(random_state=0).fit(X_train, y_train).predict(X_test)
        metrics.accuracy_score(y_test, predicted)


def ridge_scored() -> None:
    from sklearn import metrics
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    x, y = load_diabetes(return_X_y=True)
    with autologging(mlflow.sklearn):
        model = Ridge().fit(x[:300], y[:300])
        y_val, predicted = y[300:], model.predict(x[300:])
        metrics.r2_score(y_val, predicted)


def grid_searched() -> None:
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    with autologging(mlflow.sklearn, max_tuning_runs=1):
        search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2, 9]}, cv=3)
        search.fit(cancer().x_train, cancer().y_train)


def xgboost_trained() -> None:
    import xgboost

    x_train, y_train, x_test, y_test = cancer()
    train, dev = xgboost.DMatrix(x_train, y_train), xgboost.DMatrix(x_test, y_test)
    params = {"objective": "binary:logistic", "eval_metric": ["logloss", "error"]}
    with autologging(mlflow.xgboost):
        xgboost.train(
            params, train, 20, evals=[(train, "train"), (dev, "validation")], early_stopping_rounds=3, verbose_eval=False
        )


def xgboost_fitted() -> None:
    import xgboost

    x_train, y_train, x_test, y_test = cancer()
    with autologging(mlflow.xgboost):
        model = xgboost.XGBClassifier(n_estimators=5, eval_metric="error")
        model.fit(x_train, y_train, eval_set=[(x_train, y_train), (x_test, y_test)], verbose=False)


def xgboost_fitted_with_one_set() -> None:
    import xgboost

    x_train, y_train, x_test, y_test = cancer()
    with autologging(mlflow.xgboost):
        xgboost.XGBClassifier(n_estimators=5).fit(x_train, y_train, eval_set=[(x_test, y_test)], verbose=False)


def lightgbm_trained() -> None:
    import lightgbm

    x_train, y_train, x_test, y_test = cancer()
    train = lightgbm.Dataset(x_train, y_train)
    dev = lightgbm.Dataset(x_test, y_test, reference=train)
    with autologging(mlflow.lightgbm):
        params = {"objective": "binary", "metric": ["binary_logloss", "binary_error"], "verbose": -1, "num_threads": 1}
        stop = lightgbm.early_stopping(3, verbose=False)
        lightgbm.train(params, train, 50, valid_sets=[train, dev], callbacks=[stop])


def lightgbm_fitted() -> None:
    import lightgbm

    x_train, y_train, x_test, y_test = cancer()
    with autologging(mlflow.lightgbm):
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1)
        model.fit(x_train, y_train, eval_set=[(x_train, y_train), (x_test, y_test)], eval_metric="auc")


def keras_trained() -> None:
    import keras

    x_train, y_train, x_test, y_test = cancer()
    keras.utils.set_random_seed(0)  # whatever ran before
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.0001), "sparse_categorical_crossentropy", metrics=["accuracy"])
    with autologging(mlflow.keras):
        model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=3, verbose=0)


def lightning_trained() -> None:
    with autologging(mlflow.pytorch, checkpoint=False):
        _train_lightning(logger=False)


def lightning_logged() -> None:
    from lightning.pytorch.loggers import MLFlowLogger

    _train_lightning(MLFlowLogger(EXPERIMENT, run_name=LOGGER, tracking_uri=mlflow.get_tracking_uri()))


def _train_lightning(logger: Any) -> None:
    import torch
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    class Classifier(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(30, 2)

        def training_step(self, batch: Any, index: int) -> Any:
            return self._measured("train", batch)

        def validation_step(self, batch: Any, index: int) -> Any:
            return self._measured("val", batch)

        def test_step(self, batch: Any, index: int) -> Any:
            return self._measured("test", batch)

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters())

        def _measured(self, stage: str, batch: Any) -> Any:
            output = self.layer(batch[0])
            loss = torch.nn.functional.cross_entropy(output, batch[1])
            accuracy = (output.argmax(1) == batch[1]).float().mean()
            self.log_dict({f"{stage}_loss": loss, f"{stage}_acc": accuracy}, on_step=stage == "train", on_epoch=True)
            return loss

    torch.manual_seed(0)
    x_train, y_train, x_test, y_test = map(torch.tensor, cancer())
    train, dev, test = (
        DataLoader(TensorDataset(x, y), 64)
        for x, y in ((x_train, y_train), (x_test[:70], y_test[:70]), (x_test[70:], y_test[70:]))
    )
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    trainer = Trainer(max_epochs=3, accelerator="cpu", logger=logger, log_every_n_steps=1, **quiet)  # type: ignore[arg-type]  # all are bool
    module = Classifier()
    trainer.fit(module, train, dev)
    trainer.test(module, test, verbose=False)


def transformers_trained() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    transformers: Any = importlib.import_module("transformers")
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    )
    words = np.random.default_rng(0).integers(0, 30, (128, 8))
    rows = [{"input_ids": torch.tensor(row), "labels": int(row[0] > 15)} for row in words]
    each_epoch = {"eval_strategy": "epoch", "logging_strategy": "epoch", "save_strategy": "no", "num_train_epochs": 2}
    trainer = transformers.Trainer(
        model,
        transformers.TrainingArguments("transformers", report_to="mlflow", use_cpu=True, disable_tqdm=True, **each_epoch),
        train_dataset=rows[:96],
        eval_dataset=rows[96:],
        compute_metrics=lambda said: {"accuracy": float((said.predictions.argmax(1) == said.label_ids).mean())},
    )
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    trainer.train()


def evaluated() -> None:
    import pandas as pd

    table = pd.DataFrame({"said": [0, 1, 1, 0], "true": [0, 1, 0, 0]})
    models: Any = mlflow.models  # without type hints
    models.evaluate(data=table, predictions="said", targets="true", model_type="classifier", evaluators="default")


def traced() -> None:
    mlflow.trace(lambda question: f"{question}?")("why")
    mlflow.flush_trace_async_logging()


def answers_scored() -> None:
    from mlflow.genai import evaluate, scorer

    exact: Any = scorer(lambda outputs, expectations: outputs == expectations["answer"], name="exact")
    rows = [{"inputs": {"question": "why"}, "outputs": "so", "expectations": {"answer": "so"}}]
    evaluate(data=rows, scorers=[exact])


def by_hand(metrics: Metrics, params: Mapping[str, object] | None = None) -> Callable[[], None]:
    """A loop of one's own: each metric's values by epoch."""

    def log() -> None:
        mlflow.log_params(dict(params or {}))
        for name, values in metrics.items():
            for epoch, value in enumerate(values):
                mlflow.log_metric(name, value, step=epoch)

    return log


def swept() -> None:
    for lr in (0.1, 0.01):
        with mlflow.start_run(run_name="one of a sweep", nested=True):
            by_hand({"loss/train": [0.5, 0.4], "loss/val": [0.6, 0.5]}, {"lr": lr, "criterion": "CrossEntropyLoss"})()


LOGGER = "Lightning, MLFlowLogger"
KINDS = (
    Kind("scikit-learn, fit alone", tree_fitted, "sklearn"),
    Kind("scikit-learn, accuracy of X_test", tree_scored, "sklearn"),
    Kind("scikit-learn, R2 of a dev set", ridge_scored, "sklearn"),
    Kind("scikit-learn, GridSearchCV", grid_searched, "sklearn"),
    Kind("XGBoost, train", xgboost_trained, "xgboost"),
    Kind("XGBoost, XGBClassifier, both sets", xgboost_fitted, "xgboost"),
    Kind("XGBoost, XGBClassifier, dev set alone", xgboost_fitted_with_one_set, "xgboost"),
    Kind("LightGBM, train", lightgbm_trained, "lightgbm"),
    Kind("LightGBM, LGBMClassifier", lightgbm_fitted, "lightgbm"),
    Kind("Keras", keras_trained, "keras"),
    Kind("Lightning", lightning_trained, "lightning"),
    Kind(LOGGER, lightning_logged, "lightning"),
    Kind("Transformers", transformers_trained, "transformers"),
    Kind(
        "by hand, accuracies",
        by_hand({"Accuracy/train": [0.7, 0.9, 0.99], "Accuracy/val": [0.7, 0.8, 0.85], "test_accuracy": [0.84]}),
    ),
    Kind("by hand, train and test curves", by_hand({"train_error": [0.3, 0.1, 0.02], "test_error": [0.3, 0.2, 0.19]})),
    Kind(
        "by hand, a cross-entropy",
        by_hand({"train_loss": [0.6, 0.3], "val_loss": [0.6, 0.5]}, {"loss_function": "CrossEntropyLoss"}),
    ),
    Kind("by hand, a bare loss", by_hand({"train_loss": [0.6, 0.3], "val_loss": [0.6, 0.5]})),
    Kind("by hand, RMSE", by_hand({"rmse_train": [4.0, 3.0], "rmse_val": [4.0, 3.5]})),
    Kind("by hand, percent", by_hand({"train_acc": [70.0, 90.0], "val_acc": [70.0, 80.0]})),
    Kind("by hand, not a number", by_hand({"train_acc": [0.5, math.nan], "val_acc": [0.5, math.nan]})),
    Kind("mlflow.evaluate", evaluated, "sklearn"),
    Kind("mlflow.genai.evaluate", answers_scored),
    Kind("traces of an application", traced),
    Kind("parent of a sweep", swept),
)
