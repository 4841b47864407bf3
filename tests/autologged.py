"""Runs as others log them: small real trainings by the autologgers of MLflow, by loggers, and by hand."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple
from unittest.mock import patch

import mlflow
import numpy as np

Metrics = Mapping[str, Sequence[float]]
EXPERIMENT, TRACKED = "logged by others", "with our callback"


class Kind(NamedTuple):
    """One way to log a run: what it is called, what trains it, and the package that this takes; `track` trains the same with
    our callback in the logger's place.
    """

    name: str
    train: Callable[[], None]
    package: str = "mlflow"
    track: Callable[[], None] | None = None

    @property
    def is_installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


def train_all(kinds: Sequence[Kind], store: str) -> None:
    """Train those kinds whose packages are there, each in a run of its own called after it."""
    with _experiment(EXPERIMENT, store):
        for kind in kinds:
            if kind.is_installed:
                with nullcontext() if kind.name == LOGGER else mlflow.start_run(run_name=kind.name):  # it makes its own
                    kind.train()


def track_all(kinds: Sequence[Kind], store: str) -> None:
    """Train them anew with our callback, where there is one."""
    with _experiment(TRACKED, store):
        for kind in kinds:
            if kind.is_installed and kind.track:
                with mlflow.start_run(run_name=kind.name):
                    kind.track()


@contextmanager
def _experiment(name: str, store: str) -> Iterator[None]:
    """What trains in here is logged in a new experiment."""
    mlflow.set_tracking_uri(store)
    experiment = mlflow.create_experiment(name)
    with patch.dict(os.environ, MLFLOW_EXPERIMENT_ID=experiment), warnings.catch_warnings():  # set_experiment would outlast it
        warnings.simplefilter("ignore")  # what the frameworks say to each other is not ours to mend
        yield
    mlflow.set_tracking_uri("")


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


def tree_diagnosed() -> None:
    from sklearn.tree import DecisionTreeClassifier

    import bvtrack

    found = cancer()
    bvtrack.diagnose_estimator(
        DecisionTreeClassifier(random_state=0), (found.x_train, found.y_train), (found.x_test, found.y_test)
    )


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
    with autologging(mlflow.sklearn, max_tuning_runs=1):
        _search().fit(cancer().x_train, cancer().y_train)


def grid_search_diagnosed() -> None:
    import bvtrack

    found = cancer()
    bvtrack.diagnose_estimator(_search(), (found.x_train, found.y_train), (found.x_test, found.y_test))


def _search() -> Any:
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    return GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2, 9]}, cv=3)


def xgboost_trained() -> None:
    with autologging(mlflow.xgboost):
        _train_xgboost()


def xgboost_tracked() -> None:
    from bvtrack_boosting.xgboost import BiasVarianceCallback

    _train_xgboost(BiasVarianceCallback())


def _train_xgboost(*callbacks: Any) -> None:
    import xgboost

    x_train, y_train, x_test, y_test = cancer()
    train, dev = xgboost.DMatrix(x_train, y_train), xgboost.DMatrix(x_test, y_test)
    params = {"objective": "binary:logistic", "eval_metric": ["logloss", "error"]}
    stopped: dict[str, Any] = {"early_stopping_rounds": 3, "verbose_eval": False, "callbacks": [*callbacks]}
    xgboost.train(params, train, 20, evals=[(train, "train"), (dev, "validation")], **stopped)


def xgboost_fitted() -> None:
    with autologging(mlflow.xgboost):
        _fit_xgboost("train", "test", eval_metric="error")


def xgboost_fit_tracked() -> None:
    from bvtrack_boosting.xgboost import BiasVarianceCallback

    _fit_xgboost("train", "test", eval_metric="error", callbacks=[BiasVarianceCallback()])


def xgboost_fitted_with_one_set() -> None:
    with autologging(mlflow.xgboost):
        _fit_xgboost("test")


def xgboost_fit_with_one_set_tracked() -> None:
    from bvtrack_boosting.xgboost import BiasVarianceCallback

    found = cancer()
    _fit_xgboost("test", callbacks=[BiasVarianceCallback(train_data=(found.x_train, found.y_train))])


def _fit_xgboost(*evaluated: str, **options: Any) -> None:
    import xgboost

    found = cancer()
    sets = {"train": (found.x_train, found.y_train), "test": (found.x_test, found.y_test)}
    model = xgboost.XGBClassifier(n_estimators=5, **options)
    model.fit(*sets["train"], eval_set=[sets[name] for name in evaluated], verbose=False)


def lightgbm_trained() -> None:
    with autologging(mlflow.lightgbm):
        _train_lightgbm()


def lightgbm_tracked() -> None:
    from bvtrack_boosting.lightgbm import BiasVarianceCallback

    _train_lightgbm(BiasVarianceCallback())


def _train_lightgbm(*callbacks: Any) -> None:
    import lightgbm

    x_train, y_train, x_test, y_test = cancer()
    train = lightgbm.Dataset(x_train, y_train)
    dev = lightgbm.Dataset(x_test, y_test, reference=train)
    params = {"objective": "binary", "metric": ["binary_logloss", "binary_error"], "verbose": -1, "num_threads": 1}
    stop = lightgbm.early_stopping(3, verbose=False)
    lightgbm.train(params, train, 50, valid_sets=[train, dev], callbacks=[stop, *callbacks])


def lightgbm_fitted() -> None:
    with autologging(mlflow.lightgbm):
        _fit_lightgbm()


def lightgbm_fit_tracked() -> None:
    from bvtrack_boosting.lightgbm import BiasVarianceCallback

    _fit_lightgbm(BiasVarianceCallback())


def _fit_lightgbm(*callbacks: Any) -> None:
    import lightgbm

    x_train, y_train, x_test, y_test = cancer()
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1)
    model.fit(x_train, y_train, eval_set=[(x_train, y_train), (x_test, y_test)], eval_metric="auc", callbacks=[*callbacks])


def keras_trained() -> None:
    with autologging(mlflow.keras):
        _train_keras()


def keras_tracked() -> None:
    from bvtrack_keras import BiasVarianceCallback

    x_train, y_train, x_test, y_test = cancer()
    _train_keras(BiasVarianceCallback(train_data=(x_train, y_train), dev_data=(x_test, y_test)))


def _train_keras(*callbacks: Any) -> None:
    import keras

    x_train, y_train, x_test, y_test = cancer()
    keras.utils.set_random_seed(0)  # whatever ran before
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.0001), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=3, verbose=0, callbacks=[*callbacks])


def lightning_trained() -> None:
    with autologging(mlflow.pytorch, checkpoint=False):
        _train_lightning(logger=False)


def lightning_tracked() -> None:
    from bvtrack_lightning import BiasVarianceCallback

    _train_lightning(False, BiasVarianceCallback())


def lightning_logged() -> None:
    from lightning.pytorch.loggers import MLFlowLogger

    _train_lightning(MLFlowLogger(EXPERIMENT, run_name=LOGGER, tracking_uri=mlflow.get_tracking_uri()))


def _train_lightning(logger: Any, *callbacks: Any) -> None:
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
    trainer = Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=logger,
        log_every_n_steps=1,
        callbacks=[*callbacks],
        **quiet,  # type: ignore[arg-type]  # all are bool
    )
    module = Classifier()
    trainer.fit(module, train, dev)
    trainer.test(module, test, verbose=False)


def transformers_trained() -> None:
    _transformers_trainer("mlflow").train()


def transformers_tracked() -> None:
    from bvtrack_transformers import BiasVarianceCallback

    trainer = _transformers_trainer("none")
    trainer.add_callback(BiasVarianceCallback(trainer))
    trainer.train()


def _transformers_trainer(report_to: str) -> Any:
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
        transformers.TrainingArguments("transformers", report_to=report_to, use_cpu=True, disable_tqdm=True, **each_epoch),
        train_dataset=rows[:96],
        eval_dataset=rows[96:],
        compute_metrics=lambda said: {"accuracy": float((said.predictions.argmax(1) == said.label_ids).mean())},
    )
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    return trainer


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
    Kind("scikit-learn, fit alone", tree_fitted, "sklearn", tree_diagnosed),
    Kind("scikit-learn, accuracy of X_test", tree_scored, "sklearn", tree_diagnosed),
    Kind("scikit-learn, R2 of a dev set", ridge_scored, "sklearn"),
    Kind("scikit-learn, GridSearchCV", grid_searched, "sklearn", grid_search_diagnosed),
    Kind("XGBoost, train", xgboost_trained, "xgboost", xgboost_tracked),
    Kind("XGBoost, XGBClassifier, both sets", xgboost_fitted, "xgboost", xgboost_fit_tracked),
    Kind("XGBoost, XGBClassifier, dev set alone", xgboost_fitted_with_one_set, "xgboost", xgboost_fit_with_one_set_tracked),
    Kind("LightGBM, train", lightgbm_trained, "lightgbm", lightgbm_tracked),
    Kind("LightGBM, LGBMClassifier", lightgbm_fitted, "lightgbm", lightgbm_fit_tracked),
    Kind("Keras", keras_trained, "keras", keras_tracked),
    Kind("Lightning", lightning_trained, "lightning", lightning_tracked),
    Kind(LOGGER, lightning_logged, "lightning", lightning_tracked),
    Kind("Transformers", transformers_trained, "transformers", transformers_tracked),
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
