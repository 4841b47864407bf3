"""What an audited run learns, classes or quantities, and which of its metrics may then be read as errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from bvtrack import find_measure
from bvtrack.logged.error_metrics import Found, find_errors
from bvtrack.logged.unknown import Unknown
from bvtrack.store.logged_run import Latest, LoggedDataset, LoggedRun


def of(metrics: Mapping[str, float], **about: Any) -> LoggedRun:
    return LoggedRun("id", "run", {name: Latest(value, 3) for name, value in metrics.items()}, **about)


def both(**values: float) -> dict[str, float]:
    return {f"{stage}_{name}": value for stage in ("train", "val") for name, value in values.items()}


ACCURACY = both(accuracy=0.4)


@pytest.mark.parametrize(
    "about",
    [
        {"params": {"loss": "huber"}},
        {"params": {"criterion": "SmoothL1Loss()"}},
        {"params": {"loss_function": "RMSE"}},
        {"params": {"objective": "regression_l1"}},
        {"params": {"objective": "reg:squarederror"}},
        {"params": {"problem_type": "regression"}},
        {"params": {"model": "RandomForestRegressor(n_estimators=10)"}},
        {"tags": {"estimator_name": "GradientBoostingRegressor"}},
    ],
)
def test_an_accuracy_is_no_error_where_a_param_or_a_tag_says_regression(about: dict[str, Any]) -> None:
    result = find_errors(of(ACCURACY, **about))

    assert isinstance(result, Unknown)
    assert result.reason == "an accuracy of a regression"
    assert "accuracy" in result.sentence


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (ACCURACY | both(mse=3.0), "an error in units"),
        (ACCURACY | both(mae=0.1), "an error in units"),
        (ACCURACY | both(huber_loss=0.3), "a bare loss"),
        (ACCURACY | both(loss=9.61, mse=9.61), "an error in units"),
        (ACCURACY | both(loss=20.0, mae=3.5), "an error in units"),
        (both(accuracy=0.0, loss=0.2), "an accuracy of a regression"),
        (both(accuracy=0.0), "an accuracy of a regression"),
        (both(accuracy=0.01, loss=0.2), "an accuracy of a regression"),
    ],
)
def test_an_accuracy_is_no_error_where_the_metrics_beside_it_are_a_regressions(
    metrics: Mapping[str, float], reason: str
) -> None:
    result = find_errors(of(metrics))

    assert isinstance(result, Unknown)
    assert result.reason == reason
    assert "accuracy" in result.sentence


@pytest.mark.parametrize(
    ("metrics", "params", "taken"),
    [
        (ACCURACY | both(r2=0.9, mse=3.0), {}, "val_r2"),
        (ACCURACY | both(loss=0.7, mse=0.1), {}, "val_accuracy"),
        (ACCURACY | both(mse=0.1), {"loss": "categorical_crossentropy"}, "val_accuracy"),
        (ACCURACY | both(mse=0.1, f1=0.5), {}, "val_accuracy"),
        (ACCURACY | both(ce_loss=0.7, l1_loss=0.1), {}, "val_accuracy"),
        (both(accuracy=0.01, loss=4.5), {}, "val_accuracy"),
        (both(accuracy=0.5, loss=0.1), {}, "val_accuracy"),
        (both(cls_accuracy=0.9, reg_accuracy=0.1), {}, "val_cls_accuracy"),
        (ACCURACY, {"l1_regularization": "0.1", "loss_scale": "128"}, "val_accuracy"),
    ],
)
def test_the_error_of_the_task_is_taken(metrics: Mapping[str, float], params: Mapping[str, str], taken: str) -> None:
    result = find_errors(of(metrics, params=params))

    assert isinstance(result, Found)
    assert result.metrics["dev"] == taken


def test_a_loss_with_terms_that_are_no_cross_entropies_beside_it_is_none() -> None:
    result = find_errors(of(both(loss=0.9, kl_loss=0.2) | {"val_acc": 0.8}))

    assert isinstance(result, Unknown)
    assert "by the losses beside it" in result.sentence


@pytest.mark.parametrize(
    ("metrics", "tag", "is_doubtful"),
    [
        (both(acc_a=0.9, acc_b=0.8), "1 - val_acc_a (train: as logged; one of: val_acc_a, val_acc_b)", True),
        (both(acc_class_0=0.9), "1 - val_acc_class_0 (train: as logged)", True),
        (both(token_accuracy=0.9), "1 - val_token_accuracy (train: as logged)", False),
        (both(acc=0.9, acc_a=0.8, acc_b=0.7), "1 - val_acc (train: as logged)", False),
    ],
)
def test_the_tag_says_which_metrics_may_be_meant_as_well(metrics: Mapping[str, float], tag: str, is_doubtful: bool) -> None:
    result = find_errors(of(metrics))

    assert isinstance(result, Found)
    assert (result.measure_tag, result.is_doubtful) == (tag, is_doubtful)


@pytest.mark.parametrize(
    "names",
    [
        ("learn/Accuracy", "validation/Accuracy"),
        ("learn-MultiClass", "validation-MultiClass"),
        ("training's binary_error", "valid_0's binary_error"),
        ("metrics/train/acc", "metrics/val/acc"),
        ("training/epoch/accuracy", "validation/epoch/accuracy"),
        ("Train Accuracy", "Validation Accuracy"),
        ("tr_acc", "vl_acc"),
        ("trainval_acc", "holdout_acc"),
        ("train_top1", "eval_top1"),
    ],
)
def test_words_for_the_sets_are_known(names: tuple[str, str]) -> None:
    result = find_errors(of(dict.fromkeys(names, 0.6)))

    assert isinstance(result, Found)
    assert result.metrics == dict(zip(("train", "dev"), names, strict=True))


def test_words_for_the_sets_that_timm_logs_are_known() -> None:
    result = find_errors(of({"train_loss": 2.1, "eval_loss": 1.2, "eval_top1": 71.0, "eval_top5": 90.0}))

    assert isinstance(result, Found)
    assert result.metrics == {"train": "train_loss", "dev": "eval_loss"}


PAIRS = 5000


@pytest.mark.parametrize(
    "kinds",
    [["loss_layer"], ["acc_class"], ["mse_out"], ["acc_fold", "f1_class", "iou_cls", "loss_layer", "kl_loss"], ["score_x"]],
    ids=lambda kinds: "+".join(kinds),
)
@pytest.mark.parametrize("value", [0.5, 500.0])
def test_thousands_of_pairs_take_time_in_proportion(kinds: list[str], value: float) -> None:
    names = [f"{stage}/{kind}_{i}" for i in range(PAIRS // len(kinds)) for kind in kinds for stage in ("train", "val")]
    run = of(dict.fromkeys(names, value), datasets=[LoggedDataset("train", "train", "1", 10)])
    start = time.process_time()

    find_errors(run)

    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ("f1_micro", "f1_macro"),
        ("f1_weighted", "f1_macro"),
        ("accuracy", "balanced_accuracy"),
        ("f1_macro", "f1_class_3"),
        ("acc_top3", "acc_top5"),
        ("acc_top1", "acc_top5"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_the_metric_nearest_to_the_plain_one_is_taken_whatever_was_logged_first(near: str, far: str, is_first: bool) -> None:
    values = {near: 0.9, far: 0.8} if is_first else {far: 0.8, near: 0.9}
    result = find_errors(of(both(**values)))

    assert isinstance(result, Found)
    assert result.metrics["dev"] == f"val_{near}"


@pytest.mark.parametrize(
    ("metrics", "taken", "is_doubtful"),
    [
        (both(f1_0=0.9, f1_1=0.8, f1_macro=0.85), "f1_macro", False),
        (both(auc_0=0.9, auc_1=0.8, auc_macro=0.85), "auc_macro", False),
        (both(acc_0=0.9, acc_1=0.8, acc=0.85), "acc", False),
        (both(acc_0=0.9, acc_1=0.8), "acc_0", True),
        (both(auc_1=0.9), "auc_1", False),
        (both(acc1=0.9, acc5=0.8), "acc1", False),
    ],
)
def test_a_one_beside_a_zero_is_the_number_of_a_class(metrics: Mapping[str, float], taken: str, is_doubtful: bool) -> None:
    result = find_errors(of(metrics))
    measure = find_measure(metrics)

    assert isinstance(result, Found)
    assert (result.metrics["dev"], result.is_doubtful) == (f"val_{taken}", is_doubtful)
    assert measure is not None
    assert measure.name == f"val_{taken}"
