"""A short training, bare or tracked, as a user's program has it: what `benchmarks/short_trainings.py` runs.

    python tests/short_training.py lightning bvtrack --steps 50 --epochs 5 --fits 1 --times seconds.json

Without --times it prints the seconds of each fit: from the making of what tracks it until `fit` has returned. What a script
imports at its top is imported before, and a fit of one step, bare, has brought what the framework imports at its first one.
It logs to `MLFLOW_TRACKING_URI`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

BATCH = 32
N_DEV = 500
ROWS = 2000
"""Those that trees are boosted on."""
WIDTH = 256
BVTRACK, WITHOUT_PASSES = "bvtrack", "bvtrack, no passes of its own"
LOGGER, ASYNCHRONOUS, AUTOLOG = "MLFlowLogger", "MLFlowLogger, asynchronous", "autolog"
BY_SIZES, CALLBACK, BY_HAND = "Tracker, sizes alone", "MlflowCallback", "mlflow.log_metrics"
Fit = Callable[[], None]


def keep_out_other_backends() -> None:
    """Be an environment with torch alone: where Keras finds TensorFlow it imports it, which takes longer than a training."""
    for name in ("tensorflow", "jax"):
        sys.modules[name] = None  # type: ignore[assignment]  # what an import then finds is that there is none


def made_data(n: int, seed: int) -> tuple[Any, Any]:
    """Examples of ten classes, which a perceptron learns in part."""
    import numpy as np

    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 64), dtype=np.float32)
    return x, (x[:, :10] + rng.standard_normal((n, 10), dtype=np.float32)).argmax(axis=1)


def loop(variant: str, steps: int, epochs: int) -> Fit:
    """A softmax regression in NumPy, with a `Tracker` or MLflow's own calls."""
    import numpy as np

    (x, y), (dev_x, dev_y) = made_data(BATCH * steps, 0), made_data(N_DEV, 1)

    def errors() -> Iterable[dict[str, float]]:
        weights = np.zeros((64, 10), np.float32)
        for _ in range(epochs):
            for start in range(0, len(x), BATCH):
                batch, labels = x[start : start + BATCH], y[start : start + BATCH]
                scores = np.exp(batch @ weights)
                weights -= 0.1 * batch.T @ (scores / scores.sum(axis=1, keepdims=True) - np.eye(10)[labels]) / BATCH
            yield {
                "train_error": float(((x @ weights).argmax(axis=1) != y).mean()),
                "dev_error": float(((dev_x @ weights).argmax(axis=1) != dev_y).mean()),
            }

    def bare() -> None:
        list(errors())

    if variant == "bare":
        return bare
    if variant == BY_HAND:
        import mlflow

        def by_hand() -> None:
            with mlflow.start_run():
                for epoch, found in enumerate(errors()):
                    mlflow.log_metrics(found, step=epoch)

        return by_hand
    from bvtrack import Tracker

    def tracked() -> None:
        with Tracker() as tracker:
            if variant == BY_SIZES:
                tracker.log_split(train=len(x), dev=len(dev_x))
            else:
                tracker.log_split(train=(x, y), dev=(dev_x, dev_y))
            for epoch, found in enumerate(errors()):
                tracker.log_epoch(epoch, train_error=found["train_error"], dev_error=found["dev_error"])

    return tracked


def lightning(variant: str, steps: int, epochs: int) -> Fit:
    """A perceptron in Lightning."""
    import torch
    from lightning.pytorch import Trainer, seed_everything
    from perceptron import Classifier
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_num_threads(1)

    train, dev = (TensorDataset(*map(torch.as_tensor, made_data(n, seed))) for n, seed in ((BATCH * steps, 0), (N_DEV, 1)))
    tracking = lightning_tracking(variant)

    def fit() -> None:
        seed_everything(0, verbose=False)
        trainer = Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            **tracking(),
        )
        trainer.fit(Classifier(WIDTH, WIDTH), DataLoader(train, BATCH, shuffle=True), DataLoader(dev, batch_size=128))

    return fit


def lightning_tracking(variant: str) -> Callable[[], dict[str, Any]]:
    """The Trainer's options of a variant, made anew for each fit."""
    if variant in (BVTRACK, WITHOUT_PASSES):
        from bvtrack_lightning import BiasVarianceCallback

        options: dict[str, Any] = {} if variant == BVTRACK else {"train_eval": "running", "test_every": 0}
        return lambda: {"logger": False, "callbacks": [BiasVarianceCallback(**options)]}
    if variant in (LOGGER, ASYNCHRONOUS):
        from lightning.pytorch.loggers import MLFlowLogger

        uri = os.environ["MLFLOW_TRACKING_URI"]
        return lambda: {"logger": MLFlowLogger(tracking_uri=uri, synchronous=None if variant == LOGGER else False)}
    if variant == AUTOLOG:
        import mlflow

        mlflow.pytorch.autolog(log_models=False)
    return lambda: {"logger": False}


def keras(variant: str, steps: int, epochs: int) -> Fit:
    """The same in Keras, on torch."""
    os.environ["KERAS_BACKEND"] = "torch"
    keep_out_other_backends()
    import torch
    from keras import Input, Sequential, layers, utils

    torch.set_num_threads(1)
    (x, y), dev = made_data(BATCH * steps, 0), made_data(N_DEV, 1)
    tracking = keras_tracking(variant, {"train_data": (x, y), "dev_data": dev})

    def fit() -> None:
        utils.set_random_seed(0)
        hidden = [layers.Dense(WIDTH, activation="relu") for _ in range(2)]
        model = Sequential([Input((64,)), *hidden, layers.Dense(10, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        options: dict[str, Any] = {"validation_data": dev, "epochs": epochs, "verbose": 0}
        tracking(lambda *callbacks: model.fit(x, y, BATCH, callbacks=[*callbacks], **options))

    return fit


def keras_tracking(variant: str, data: dict[str, Any]) -> Callable[[Callable[..., Any]], object]:
    """Calls a fit with the callbacks of a variant."""
    if variant in (BVTRACK, WITHOUT_PASSES):
        from bvtrack_keras import BiasVarianceCallback

        options = data if variant == BVTRACK else {}
        return lambda fit: fit(BiasVarianceCallback(**options))
    if variant == "bare":
        return lambda fit: fit()
    import mlflow

    if variant == AUTOLOG:
        mlflow.keras.autolog(log_models=False)
        return lambda fit: fit()

    def with_callback(fit: Callable[..., Any]) -> None:
        with mlflow.start_run() as run:
            fit(mlflow.keras.MlflowCallback(run))

    return with_callback


def transformers(variant: str, steps: int, epochs: int) -> Fit:
    """A BERT of two layers on made sequences of 16 tokens, whose first two tell the class."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import numpy as np
    import torch
    import transformers as hf

    torch.set_num_threads(1)

    def rows(n: int, seed: int) -> list[dict[str, Any]]:
        tokens = np.random.default_rng(seed).integers(0, 30, (n, 16))
        return [{"input_ids": torch.tensor(one), "labels": int(one[0] > one[1])} for one in tokens]

    def accuracy(found: Any) -> dict[str, float]:
        return {"accuracy": float((found.predictions.argmax(axis=1) == found.label_ids).mean())}

    train, dev = rows(BATCH * steps, 0), rows(N_DEV, 1)
    each_epoch: dict[str, Any] = {"eval_strategy": "epoch", "logging_strategy": "epoch", "save_strategy": "no"}
    arguments = hf.TrainingArguments(
        "out",
        report_to="mlflow" if variant == AUTOLOG else "none",
        use_cpu=True,
        disable_tqdm=True,
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=128,
        **each_epoch,
    )
    config = hf.BertConfig(vocab_size=30, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128)
    if variant == BVTRACK:
        import bvtrack_transformers

    def fit() -> None:
        hf.set_seed(0)
        model = hf.BertForSequenceClassification(config)
        trainer = hf.Trainer(model, arguments, train_dataset=train, eval_dataset=dev, compute_metrics=accuracy)
        trainer.remove_callback(hf.PrinterCallback)
        if variant == BVTRACK:
            trainer.add_callback(bvtrack_transformers.BiasVarianceCallback(trainer))
        trainer.train()

    return fit


def xgboost(variant: str, steps: int, epochs: int) -> Fit:
    """Boosted trees, `steps` rounds for each epoch."""
    import xgboost as xgb

    train, dev = (xgb.DMatrix(*made_data(n, seed)) for n, seed in ((ROWS, 0), (N_DEV, 1)))
    params = {
        "objective": "multi:softprob",
        "num_class": 10,
        "eval_metric": ["merror", "mlogloss"],
        "nthread": 1,
        "max_depth": 3,
    }
    if variant == BVTRACK:
        from bvtrack_boosting.xgboost import BiasVarianceCallback
    elif variant == AUTOLOG:
        import mlflow

        mlflow.xgboost.autolog(log_models=False)

    def fit() -> None:
        callbacks: list[Any] = [BiasVarianceCallback()] if variant == BVTRACK else []
        evals = [(train, "train"), (dev, "dev")]
        xgb.train(params, train, steps * epochs, evals=evals, verbose_eval=False, callbacks=callbacks)

    return fit


def lightgbm(variant: str, steps: int, epochs: int) -> Fit:
    """The same in LightGBM."""
    import lightgbm as lgb

    x, y = made_data(ROWS, 0)
    params = {"objective": "multiclass", "num_class": 10, "metric": ["multi_error", "multi_logloss"], "num_threads": 1}
    params |= {"verbose": -1, "max_depth": 3}
    if variant == BVTRACK:
        from bvtrack_boosting.lightgbm import BiasVarianceCallback
    elif variant == AUTOLOG:
        import mlflow

        mlflow.lightgbm.autolog(log_models=False)

    def fit() -> None:
        train = lgb.Dataset(x, y)
        dev = lgb.Dataset(*made_data(N_DEV, 1), reference=train)
        callbacks: list[Any] = [BiasVarianceCallback()] if variant == BVTRACK else []
        lgb.train(params, train, steps * epochs, valid_sets=[train, dev], callbacks=callbacks)

    return fit


def catboost(variant: str, steps: int, epochs: int) -> Fit:
    """The same in CatBoost."""
    import catboost as cat

    train, dev = (cat.Pool(*made_data(n, seed)) for n, seed in ((ROWS, 0), (N_DEV, 1)))
    if variant == BVTRACK:
        from bvtrack_boosting.catboost import BiasVarianceCallback

    def fit() -> None:
        options: dict[str, Any] = {"depth": 3, "thread_count": 1, "verbose": False, "allow_writing_files": False}
        model = cat.CatBoostClassifier(iterations=steps * epochs, custom_metric=["Accuracy"], **options)
        callbacks = {"callbacks": [BiasVarianceCallback()]} if variant == BVTRACK else {}
        model.fit(train, eval_set=dev, **callbacks)

    return fit


def sklearn(variant: str, steps: int, epochs: int) -> Fit:
    """A logistic regression, an iteration for each epoch."""
    from sklearn.linear_model import LogisticRegression

    (x, y), dev = made_data(BATCH * steps, 0), made_data(N_DEV, 1)
    if variant == BVTRACK:
        from bvtrack_sklearn import BiasVarianceCallback
    elif variant == AUTOLOG:
        import mlflow

        mlflow.sklearn.autolog(log_models=False)

    def fit() -> None:
        model = LogisticRegression(max_iter=epochs, tol=0.0)
        if variant == BVTRACK:
            model.set_callbacks(BiasVarianceCallback(dev=dev))
        model.fit(x, y)

    return fit


PROGRAMS: dict[str, tuple[Callable[[str, int, int], Fit], tuple[str, ...]]] = {
    "loop": (loop, (BVTRACK, BY_SIZES, BY_HAND)),
    "lightning": (lightning, (BVTRACK, WITHOUT_PASSES, LOGGER, ASYNCHRONOUS, AUTOLOG)),
    "keras": (keras, (BVTRACK, WITHOUT_PASSES, CALLBACK, AUTOLOG)),
    "transformers": (transformers, (BVTRACK, AUTOLOG)),
    "xgboost": (xgboost, (BVTRACK, AUTOLOG)),
    "lightgbm": (lightgbm, (BVTRACK, AUTOLOG)),
    "catboost": (catboost, (BVTRACK,)),
    "sklearn": (sklearn, (BVTRACK, AUTOLOG)),
}
"""Each way to train, and the ways to track it, beside `bare`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("variant", help="bare, or what tracks it")
    parser.add_argument("--steps", type=int, default=50, help="batches an epoch (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--fits", type=int, default=1, help="one after another in this process (default: %(default)s)")
    parser.add_argument("--times", type=Path, help="file for the seconds of each fit, as JSON")
    chosen = parser.parse_args()
    make, variants = PROGRAMS[chosen.program]
    if chosen.variant not in ("bare", *variants):
        parser.error(f"expected bare or one of {', '.join(variants)}; got {chosen.variant!r}")
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    make("bare", 1, 1)()
    fit = make(chosen.variant, chosen.steps, chosen.epochs)
    taken = []
    for _ in range(chosen.fits):
        start = time.perf_counter()
        fit()
        taken.append(time.perf_counter() - start)
    said = json.dumps(taken)
    if chosen.times is None:
        print(said)
    else:
        chosen.times.write_text(said)


if __name__ == "__main__":
    main()
