"""Train the eight runs of the site's gallery, and write their reports and pictures (`make gallery`, some minutes).

Each is a real training on data that scikit-learn brings, with nothing added to it but our callback, and must get the tags that
it is shown for. docs/gallery/index.md tells of them in words, and quotes the lines below.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

os.environ["KERAS_BACKEND"] = "torch"

import keras
import lightning.pytorch as lightning
import numpy as np
import torch
from browser import ViewportSize, a_browser
from mlflow import MlflowClient
from screenshots import DOCS, save_report, take_page
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from torch.utils.data import DataLoader, TensorDataset

import bvtrack
import bvtrack_demo.digits
import bvtrack_keras
import bvtrack_lightning
from bvtrack_demo.keras_run import perceptron, regularized_network
from bvtrack_demo.lightning_run import Classifier

GALLERY = DOCS / "gallery"
VIEW: ViewportSize = {"width": 900, "height": 780}
"""The top of a report: its verdict, its errors and what to try next."""
QUIET: dict[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}

Logged: TypeAlias = bvtrack.Tracker | bvtrack.DiagnosedEstimator | None
"""What knows the run of a training."""


@dataclass(frozen=True)
class Exhibit:
    """A run of the gallery: the id of its section, how it is named in MLflow, how it is trained, and tags that it must get."""

    id: str
    run_name: str
    train: Callable[[], Logged]
    tags: Mapping[str, str]


def loader(pixels: object, classes: object, *, shuffle: bool = False) -> DataLoader[tuple[torch.Tensor, ...]]:
    return DataLoader(TensorDataset(torch.as_tensor(pixels), torch.as_tensor(classes)), batch_size=32, shuffle=shuffle)


def high_bias() -> Logged:
    digits = bvtrack_demo.digits.load_digits()

    callback = bvtrack_lightning.BiasVarianceCallback(human_error=0.02, test_dataloaders=loader(*digits.test))
    trainer = lightning.Trainer(max_epochs=12, callbacks=[callback], accelerator="cpu", **QUIET)
    trainer.fit(Classifier(width=4, learning_rate=0.01), loader(*digits.train, shuffle=True), loader(*digits.dev))
    return callback.tracker


def high_variance() -> Logged:
    digits = bvtrack_demo.digits.load_digits(n_train=250)

    callback = bvtrack_lightning.BiasVarianceCallback(human_error=0.02, test_dataloaders=loader(*digits.test))
    trainer = lightning.Trainer(max_epochs=30, callbacks=[callback], accelerator="cpu", **QUIET)
    trainer.fit(Classifier(width=512, learning_rate=0.003), loader(*digits.train, shuffle=True), loader(*digits.dev))
    return callback.tracker


def both() -> Logged:
    digits = bvtrack_demo.digits.load_digits(n_train=80)

    model = perceptron(width=10)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = bvtrack_keras.BiasVarianceCallback(
        human_error=0.02, train_data=digits.train, dev_data=digits.dev, test_data=digits.test
    )
    model.fit(*digits.train, validation_data=digits.dev, epochs=20, callbacks=[callback], verbose=0)
    return callback.tracker


def balanced() -> Logged:
    digits = bvtrack_demo.digits.load_digits()

    model = regularized_network()
    rate = keras.optimizers.schedules.CosineDecay(0.004, decay_steps=30 * 34)
    model.compile(keras.optimizers.AdamW(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = bvtrack_keras.BiasVarianceCallback(train_data=digits.train, dev_data=digits.dev, test_data=digits.test)
    model.fit(*digits.train, validation_data=digits.dev, epochs=30, callbacks=[callback], verbose=0)
    return callback.tracker


def overtrained() -> Logged:
    x, y = map(scale, load_diabetes(return_X_y=True))
    x_train, x_rest, y_train, y_rest = train_test_split(x, y, test_size=0.5, random_state=3)
    x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=3)

    hidden = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(64, activation="relu")]
    model = keras.Sequential([keras.Input((10,)), *hidden, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.003), "mse", metrics=["mse"])
    callback = bvtrack_keras.BiasVarianceCallback(
        train_data=(x_train, y_train), dev_data=(x_dev, y_dev), test_data=(x_test, y_test)
    )
    model.fit(x_train, y_train, validation_data=(x_dev, y_dev), epochs=60, callbacks=[callback], verbose=0)
    return callback.tracker


def leak() -> Logged:
    x, y = load_breast_cancer(return_X_y=True)
    random = np.random.default_rng(0)
    train, rest = random.permutation(len(y))[:340], random.permutation(len(y))[340:]  # of two draws: the two overlap
    dev, test = np.array_split(rest, 2)

    forest = RandomForestClassifier(random_state=0).fit(x[train], y[train])
    result = bvtrack.diagnose_estimator(forest, (x[train], y[train]), (x[dev], y[dev]), (x[test], y[test]))
    assert result.split[0].code == "dev_repeats_train"
    return result


def shift() -> Logged:
    pixels, classes = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    x_train, x_rest, y_train, y_rest = train_test_split(pixels, classes, test_size=0.4, shuffle=False)
    x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, shuffle=False)

    callback = bvtrack_lightning.BiasVarianceCallback(human_error=0.02, test_dataloaders=loader(x_test, y_test))
    trainer = lightning.Trainer(max_epochs=12, callbacks=[callback], accelerator="cpu", **QUIET)
    trainer.fit(Classifier(width=128, learning_rate=0.003), loader(x_train, y_train, shuffle=True), loader(x_dev, y_dev))
    return callback.tracker


def mismatch() -> Logged:
    pixels, classes = load_digits(return_X_y=True)
    forms = np.split(np.arange(len(classes)), [386, 915])  # between these lie four whole forms, each of one hand
    train, train_dev = train_test_split(np.concatenate([forms[0], forms[2]]), test_size=0.25, random_state=1)
    dev, test = train_test_split(forms[1], test_size=0.5, random_state=1)
    sets = [(pixels[of] / 16, classes[of]) for of in (train, train_dev, dev, test)]

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = bvtrack_keras.BiasVarianceCallback(
        human_error=0.02, train_data=sets[0], train_dev_data=sets[1], dev_data=sets[2], test_data=sets[3]
    )
    model.fit(*sets[0], validation_data=sets[2], epochs=20, callbacks=[callback], verbose=0)
    return callback.tracker


def shown(diagnosis: str, certainty: str, next_step: str, curve: str, split: str, distribution: str) -> Mapping[str, str]:
    """These tags, by their names."""
    return {f"bvtrack.{name}": value for name, value in locals().items()}


UNSHIFTED = ("ok", "no_shift_found")
EXHIBITS = (
    Exhibit(
        "high_bias",
        "Digits, 4 hidden units",
        high_bias,
        shown("high_bias", "certain", "bigger_network", "learning", *UNSHIFTED),
    ),
    Exhibit(
        "high_variance",
        "Digits, 250 images, 512 hidden units",
        high_variance,
        shown("high_variance", "certain", "more_data", "converged", *UNSHIFTED),
    ),
    Exhibit(
        "both",
        "Digits, 80 images, 10 hidden units",
        both,
        shown("high_bias+high_variance", "likely", "bigger_network", "learning", *UNSHIFTED),
    ),
    Exhibit(
        "balanced",
        "Digits, convolutions and dropout",
        balanced,
        shown("balanced", "likely", "stop_here", "converged", *UNSHIFTED),
    ),
    Exhibit(
        "overtrained",
        "Diabetes, two layers of 64 units",
        overtrained,
        shown("high_variance", "likely", "more_data", "overtrained", *UNSHIFTED),
    ),
    Exhibit(
        "leak",
        "Breast cancer, train and dev drawn apart",
        leak,
        shown(
            "high_variance", "likely", "mend_split", "learning", "dev_repeats_train+test_repeats_train", "no_shift_found+leak"
        ),
    ),
    Exhibit(
        "shift",
        "Digits, split in the order of the file",
        shift,
        shown(
            "dev_overfit",
            "likely",
            "mend_split",
            "converged",
            "test_differs_from_dev+dev_differs_from_train+test_differs_from_train",
            "shifted",
        ),
    ),
    Exhibit(
        "mismatch",
        "Digits, dev and test by other hands",
        mismatch,
        shown(
            "data_mismatch",
            "certain",
            "match_data",
            "learning",
            "dev_differs_from_train+test_differs_from_train+dev_too_small+test_too_small",
            "shifted",
        ),
    ),
)


def trained(exhibit: Exhibit) -> str:
    """The id of its run, which has its tags."""
    lightning.seed_everything(0, verbose=False)
    keras.utils.set_random_seed(0)
    os.environ["MLFLOW_EXPERIMENT_NAME"] = exhibit.id
    logged = exhibit.train()
    run_id = logged and logged.run_id
    assert run_id, exhibit.id
    client = MlflowClient()
    client.update_run(run_id, name=exhibit.run_name)
    tags = client.get_run(run_id).data.tags
    found = {name: tags[name] for name in exhibit.tags}
    assert found == exhibit.tags, f"{exhibit.id}: expected {exhibit.tags}, got {found}"
    return run_id


def date_page() -> None:
    """Say on the page that all of its figures are of today; that they are those of the reports, tests/test_gallery.py holds."""
    page = GALLERY / "index.md"
    dated = re.sub(r"^Measured \S+ by", f"Measured {date.today()} by", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    page.write_text(dated, encoding="utf-8")


def main() -> None:
    """Train those that are named in the command, or all, in a folder that is gone afterwards."""
    for name in ("lightning.pytorch", "lightning.fabric", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), a_browser() as browser, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ |= {"BVTRACK_JOURNAL_DIR": "journals", "BVTRACK_REPORT": "0", "BVTRACK_SUMMARY": "0"}
        for exhibit in EXHIBITS:
            if exhibit.id in (sys.argv[1:] or [exhibit.id]):
                path = save_report(trained(exhibit), GALLERY / f"{exhibit.id}.html")
                take_page(browser, path, path.with_suffix(".png"), VIEW)
    if not sys.argv[1:]:
        date_page()


if __name__ == "__main__":
    main()
