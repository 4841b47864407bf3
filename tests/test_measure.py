from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import Measure, find_measure
from bvtrack.measures.measure import as_measure, has_diverged, scaled
from bvtrack.measures.metric_words import core_name


def test_an_accuracy_becomes_the_share_of_wrong_examples() -> None:
    measure = Measure("val_acc", higher_is_better=True)

    assert measure.error(0.9) == 0.1


def test_an_error_rate_is_taken_as_it_is() -> None:
    measure = Measure("val_error", higher_is_better=False)

    assert measure.error(0.3) == 0.3


@pytest.mark.parametrize(
    ("accuracy", "error"),
    [(1 + 5e-7, 0.0), (1.0, 0.0), (1 - 5e-7, 0.0000005), (-5e-7, 1.0), (0.0, 1.0), (5e-7, 0.9999995)],
)
def test_what_float32_leaves_outside_the_fraction_is_rounded_away(accuracy: float, error: float) -> None:
    measure = Measure("val_acc", higher_is_better=True)

    assert measure.error(accuracy) == error


@pytest.mark.parametrize("value", [1.1, 95.0, -0.5, 1 + 2e-6])
def test_a_value_that_is_no_fraction_stays_visible(value: float) -> None:
    measure = Measure("val_error", higher_is_better=False)

    assert measure.error(value) == value


def test_a_metric_that_is_no_number_stays_none() -> None:
    measure = Measure("val_acc", higher_is_better=True)

    assert math.isnan(measure.error(math.nan))


@pytest.mark.parametrize(("higher_is_better", "text"), [(True, "1 - val_x"), (False, "val_x")])
def test_a_measure_reads_as_its_formula(higher_is_better: bool, text: str) -> None:
    measure = Measure("val_x", higher_is_better=higher_is_better)

    assert str(measure) == text


@pytest.mark.parametrize(
    ("name", "is_rate"),
    [
        ("val_acc", True),
        ("val_top5_accuracy", True),
        ("val_error_rate", True),
        ("err", True),
        ("val_f1", False),
        ("val_auroc", False),
        ("val_loss", False),
        ("mean_squared_error", False),
    ],
)
def test_only_accuracies_and_error_rates_are_rates(name: str, is_rate: bool) -> None:
    measure = Measure(name, higher_is_better=True)

    assert measure.is_rate is is_rate


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("acc", "acc"),
        ("Acc", "acc"),
        ("val_acc", "acc"),
        ("valAcc", "acc"),
        ("train/acc_epoch", "acc"),
        ("validation-error_rate", "error_rate"),
        ("test_acc_step", "acc"),
        ("val_BinaryAccuracy", "binary_accuracy"),
        ("val", ""),
    ],
)
def test_the_core_of_a_name_leaves_its_stage_out(name: str, core: str) -> None:
    answer = core_name(name)

    assert answer == core


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["val_loss", "val_acc"], "val_acc"),
        (["val_acc", "val_error"], "val_error"),
        (["val_f1", "val_acc"], "val_acc"),
        (["val_auroc", "val_f1"], "val_f1"),
        (["train_acc", "val_acc"], "val_acc"),
        (["test_acc", "acc"], "acc"),
        (["train_acc"], "train_acc"),
        (["val_acc", "val_top5_acc"], "val_acc"),
    ],
)
def test_the_best_understood_error_of_the_dev_set_is_found(names: list[str], found: str) -> None:
    measure = find_measure(names)

    assert measure is not None
    assert measure.name == found


@pytest.mark.parametrize(("name", "higher_is_better"), [("val_error", False), ("val_acc", True), ("val_f1", True)])
def test_a_found_measure_knows_which_way_up_it_is(name: str, higher_is_better: bool) -> None:
    measure = find_measure([name])

    assert measure == Measure(name, higher_is_better=higher_is_better)


def test_the_order_of_logging_does_not_choose_the_measure() -> None:
    names = ["val_auroc", "val_f1", "train_acc", "val_acc"]

    assert find_measure(names) == find_measure(reversed(names))


def test_a_named_stage_is_preferred() -> None:
    measure = find_measure(["val_acc", "test_acc", "train_acc"], stage="test")

    assert measure == Measure("test_acc", higher_is_better=True)


@pytest.mark.parametrize("names", [[], ["lr", "epoch"], ["train_time", "val_quality"]])
def test_no_measure_is_found_among_other_names(names: list[str]) -> None:
    measure = find_measure(names)

    assert measure is None


@pytest.mark.parametrize(
    ("name", "higher_is_better"),
    [("val_error", False), ("err_rate", False), ("val_acc", True), ("MulticlassF1Score", True), ("val_auc", True)],
)
def test_a_known_name_says_which_way_up_it_is(name: str, higher_is_better: bool) -> None:
    measure = as_measure(name)

    assert measure == Measure(name, higher_is_better=higher_is_better)


@pytest.mark.parametrize("name", ["quality", "val_score", ""])
def test_a_name_without_a_known_direction_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="does not say whether higher is better"):
        as_measure(name)


def test_a_refused_name_comes_with_its_remedy() -> None:
    with pytest.raises(ValueError, match=r"pass bvtrack\.Measure\('quality', higher_is_better=True\)"):
        as_measure("quality")


@pytest.mark.parametrize("measure", [None, Measure("quality", higher_is_better=True)])
def test_a_measure_or_none_is_passed_through(measure: Measure | None) -> None:
    answer = as_measure(measure)

    assert answer is measure


@pytest.mark.parametrize(
    ("stage", "names", "found"),
    [
        ("train", ["train_loss", "train_acc", "val_acc"], "train_acc"),
        ("train", ["acc", "val_acc"], "acc"),
        ("test", ["test_acc_epoch", "acc"], "test_acc_epoch"),
        ("train", ["val_acc", "test_acc"], None),
        ("train", ["train_f1"], None),
        (None, ["test_acc"], "test_acc"),
        ("dev", [], None),
    ],
)
def test_the_same_metric_is_found_on_another_stage(stage: str | None, names: list[str], found: str | None) -> None:
    measure = Measure("val_acc", higher_is_better=True)

    assert measure.find_in(names, stage) == found


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "train_loss_step", "val/Loss"])
def test_a_loss_that_is_not_finite_has_diverged(name: str, value: float) -> None:
    assert has_diverged({"accuracy": 0.1, name: value})


@pytest.mark.parametrize("logged", [{}, {"loss": 1e30}, {"accuracy": math.nan, "loss": 0.1}])
def test_finite_losses_have_not_diverged(logged: dict[str, float]) -> None:
    assert not has_diverged(logged)


@given(value=st.floats(0, 1))
def test_an_accuracy_and_its_error_add_up_to_one(value: float) -> None:
    error = Measure("val_acc", higher_is_better=True).error(value)

    assert 0 <= error <= 1
    assert error + value == pytest.approx(1, abs=1e-11)


@given(names=st.lists(st.text(max_size=20)))
def test_a_found_measure_is_one_of_the_logged_names(names: list[str]) -> None:
    measure = find_measure(names)

    assert measure is None or measure.name in names


def test_a_stage_in_camel_case_is_understood() -> None:
    measure = Measure("valAcc", higher_is_better=True)

    assert measure.find_in(["trainAcc", "valAcc"], "train") == "trainAcc"
    assert find_measure(["trainAcc", "validationAcc"]) == Measure("validationAcc", higher_is_better=True)


@pytest.mark.parametrize(
    ("names", "found", "kind"),
    [
        (["loss", "val_loss"], "val_loss", "loss"),
        (["val_loss", "val_mse", "lr"], "val_mse", "units"),
        (["val_loss", "val_root_mean_squared_error"], "val_root_mean_squared_error", "units"),
        (["val_r2", "val_mse"], "val_r2", "score"),
        (["val_iou", "val_loss"], "val_iou", "score"),
        (["val_out1_mae", "val_loss"], "val_out1_mae", "units"),
        (["train_acc", "val_loss"], "val_loss", "loss"),
        (["val_balanced_accuracy"], "val_balanced_accuracy", "score"),
    ],
)
def test_a_score_goes_before_an_error_in_units_and_that_before_a_loss(names: list[str], found: str, kind: str) -> None:
    measure = find_measure(names)

    assert measure is not None
    assert (measure.name, measure.kind) == (found, kind)


TARGETS = np.array([0.0, 0.0, 0.0, 1.0, 4.0])


@pytest.mark.parametrize(
    ("name", "constant"),
    [("val_mse", np.var(TARGETS)), ("val_rmse", np.std(TARGETS)), ("val_mae", 1.0), ("val_loss", np.var(TARGETS))],
)
def test_the_best_constant_predictor_makes_an_error_of_one(name: str, constant: float) -> None:
    measure = as_measure(name)
    assert measure is not None
    found = scaled(measure, TARGETS)

    assert found.scale == pytest.approx(constant)
    assert found.fraction(constant / 4) == pytest.approx(0.25)
    assert found.fraction(3 * constant) == 1


def test_a_function_is_scaled_by_what_it_gives_for_a_constant() -> None:
    cubed = Measure("cubed", higher_is_better=False, function=lambda predicted, true: abs(predicted - true) ** 3)
    found = scaled(cubed, TARGETS)

    assert found.kind == "units"
    assert found.scale == pytest.approx(min(np.mean(abs(TARGETS - constant) ** 3) for constant in (1.0, 0.0)))


@pytest.mark.parametrize("targets", [np.array([0, 1, 2]), np.array([0.0, 1.0, 1.0]), np.array(["a", "b"])])
def test_a_loss_on_classes_is_not_scaled(targets: object) -> None:
    measure = as_measure("val_loss")
    assert measure is not None

    assert scaled(measure, targets) == measure


def test_equal_targets_give_no_scale() -> None:
    measure = as_measure("val_mse")
    assert measure is not None

    assert scaled(measure, np.ones(5)).needs_scale


def test_a_cross_entropy_of_guessing_is_the_error_of_guessing() -> None:
    measure = as_measure("val_loss")
    assert measure is not None

    assert measure.fraction(math.log(10)) == pytest.approx(0.9)
    assert measure.fraction(0) == 0


def test_a_score_that_is_worse_than_a_constant_is_one() -> None:
    measure = as_measure("val_r2")
    assert measure is not None

    assert measure.fraction(measure.error(-3.0)) == 1


@pytest.mark.parametrize("name", ["val_mse", "val_loss", "val_r2"])
def test_what_is_not_finite_stays_visible_in_a_fraction(name: str) -> None:
    measure = as_measure(name)
    assert measure is not None

    assert not math.isfinite(measure.fraction(math.inf))
    assert not math.isfinite(scaled(measure, TARGETS).fraction(math.nan))
