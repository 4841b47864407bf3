from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from autologged import EXPERIMENT, KINDS, LOGGER, train_all

import bvtrack
from bvtrack import Audited

PACKAGES = {kind.name: kind.package for kind in KINDS}
DIAGNOSED = {
    "scikit-learn, accuracy of X_test": {"train": "training_accuracy_score", "dev": "accuracy_score_X_test"},
    "scikit-learn, R2 of a dev set": {"train": "training_r2_score", "dev": "r2_score_unknown_dataset"},
    "scikit-learn, GridSearchCV": {"train": "training_accuracy_score", "dev": "best_cv_score"},
    "XGBoost, train": {"train": "train-error", "dev": "validation-error"},
    "XGBoost, XGBClassifier, both sets": {"train": "validation_0-error", "dev": "validation_1-error"},
    "LightGBM, train": {"train": "training-binary_error", "dev": "valid_1-binary_error"},
    "LightGBM, LGBMClassifier": {"train": "training-auc", "dev": "valid_1-auc"},
    "Keras": {"train": "accuracy", "dev": "val_accuracy"},
    "Lightning": {"train": "train_acc_epoch", "dev": "val_acc", "test": "test_acc"},
    LOGGER: {"train": "train_acc_epoch", "dev": "val_acc", "test": "test_acc"},
    "Transformers": {"train": "loss", "dev": "eval_loss"},
    "by hand, accuracies": {"train": "Accuracy/train", "dev": "Accuracy/val", "test": "test_accuracy"},
    "by hand, train and test curves": {"train": "train_error", "dev": "test_error"},
    "by hand, a cross-entropy": {"train": "train_loss", "dev": "val_loss"},
    "by hand, percent": {"train": "train_acc", "dev": "val_acc"},
    "by hand, not a number": {"train": "train_acc", "dev": "val_acc"},
}
SKIPPED = {
    "scikit-learn, fit alone": "no dev error",
    "XGBoost, XGBClassifier, dev set alone": "no train error",
    "mlflow.evaluate": "sets not named",
    "mlflow.genai.evaluate": "no known error",
    "traces of an application": "no metrics",
    "parent of a sweep": "parent of other runs",
}
BY_CURVE_ALONE = {
    "by hand, a bare loss": {"train": "train_loss", "dev": "val_loss"},
    "by hand, RMSE": {"train": "rmse_train", "dev": "rmse_val"},
}

Runs = Mapping[str, Audited]


@pytest.fixture(scope="module")
def runs(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """What an audit says of one run of each kind, by the kind's name."""
    folder = tmp_path_factory.mktemp("logged")
    shutil.copy(empty_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        patch.chdir(folder)
        train_all(KINDS, f"sqlite:///{folder}/mlflow.db")
    return {each.name: each for each in bvtrack.audit(EXPERIMENT, tracking_uri=f"sqlite:///{folder}/mlflow.db", dry_run=True)}


def of_kind(runs: Runs, kind: str) -> Audited:
    pytest.importorskip(PACKAGES[kind], reason=f"{PACKAGES[kind]} is not installed")
    return runs[kind]


def test_every_kind_is_expected_to_be_diagnosed_or_not() -> None:
    assert DIAGNOSED.keys() | BY_CURVE_ALONE.keys() | SKIPPED.keys() == PACKAGES.keys()


@pytest.mark.parametrize("kind", DIAGNOSED)
def test_the_train_and_the_dev_metric_of_each_kind_are_found(runs: Runs, kind: str) -> None:
    run = of_kind(runs, kind)

    assert run.why_not is None
    assert run.metrics == DIAGNOSED[kind]


@pytest.mark.parametrize("kind", BY_CURVE_ALONE)
def test_of_a_kind_without_an_error_scale_the_curve_is_judged(runs: Runs, kind: str) -> None:
    run = of_kind(runs, kind)

    assert (run.tag, run.curve, run.errors) == ("undetermined", "learning", {})
    assert run.metrics == BY_CURVE_ALONE[kind]


@pytest.mark.parametrize("kind", SKIPPED)
def test_a_kind_that_does_not_tell_enough_is_skipped(runs: Runs, kind: str) -> None:
    run = of_kind(runs, kind)

    assert run.tag is None
    assert run.reason == SKIPPED[kind]


@pytest.mark.parametrize(
    ("kind", "split"),
    [
        ("scikit-learn, accuracy of X_test", "no_dev_set"),
        ("scikit-learn, R2 of a dev set", "ok"),
        ("XGBoost, XGBClassifier, both sets", "ok"),
        ("by hand, train and test curves", "test_used_to_choose"),
        (LOGGER, "unchecked"),
    ],
)
def test_the_split_is_read_from_datasets_and_names(runs: Runs, kind: str, split: str) -> None:
    assert of_kind(runs, kind).split == split


@pytest.mark.parametrize(
    ("kind", "tag", "certainty"),
    [
        ("scikit-learn, accuracy of X_test", "high_variance", "certain"),
        ("Keras", "high_bias", "likely"),
        ("Transformers", "undetermined", "unclear"),
        ("by hand, not a number", "diverged", "certain"),
        ("by hand, percent", "high_bias+high_variance", "likely"),
    ],
)
def test_a_diagnosis_is_certain_only_where_the_examples_are_known(runs: Runs, kind: str, tag: str, certainty: str) -> None:
    run = of_kind(runs, kind)

    assert (run.tag, run.certainty) == (tag, certainty)


@pytest.mark.parametrize("kind", ["Keras", "Lightning", LOGGER, "Transformers"])
def test_a_running_average_is_called_one(runs: Runs, kind: str) -> None:
    assert str(of_kind(runs, kind).measure).endswith("(train: running average, not in eval mode)")


def test_the_round_that_early_stopping_repeats_is_no_further_round(runs: Runs) -> None:
    run = of_kind(runs, "XGBoost, train")

    assert run.errors["dev"] == pytest.approx(4 / 143, abs=1e-4)
    assert run.errors["train"] == pytest.approx(4 / 426, abs=1e-4)
