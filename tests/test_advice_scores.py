"""The scores of advice are right on a set of trainings so small that they can be counted by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from advice_taken import MoreData, Taken, advised
from bands import coverages
from base_run import BaseRun, Case, Row, case_of
from gains import gains
from intervention_set import InterventionSet, saving
from over_datasets import mean, share
from scores import compare, score, score_random, search
from strategies import bias_first, fixed_order
from verdict_checks import assumed_bias, certain_verdicts

from bvtrack import Step

N = 1000
REPEATS = 2
TOO_SMALL, WIDE, GOOD = ("wine", "too_small"), ("wine", "wide"), ("digits", "good")
HIGH_RATE, NOISY = ("digits", "high_rate"), ("vehicle", "noisy_labels")
CURVES: Mapping[Case, tuple[str, str]] = {  # wrong of 1000 train and dev examples by epoch
    TOO_SMALL: ("320 310 300 300 300 300", "340 330 320 320 320 320"),
    WIDE: ("200 80 20 5 0 0", "350 300 280 250 240 240"),
    GOOD: ("20 5 0 0 0 0", "30 10 2 2 2 2"),
    HIGH_RATE: ("400 420 380 410 390 400", "420 440 400 430 410 420"),
    NOISY: ("180 170 165 160 160 160", "190 180 175 170 170 170"),
}
SAVED: Mapping[Case, Mapping[str, int]] = {  # wrong test examples fewer than the base's
    TOO_SMALL: {"bigger_network": 100, "train_longer": -10, "more_data_epochs": 20, "more_data_updates": -5},
    WIDE: {"bigger_network": 10, "train_longer": 0, "more_data_epochs": 80, "more_data_updates": 60, "regularize_weak": 90},
    GOOD: {"bigger_network": -1, "train_longer": 0, "more_data_epochs": 0, "more_data_updates": 0},
    HIGH_RATE: {
        "bigger_network": -30,
        "different_optimizer": 50,
        "lower_rate": 200,
        "more_data_epochs": -10,
        "more_data_updates": -10,
    },
    NOISY: {"bigger_network": -5, "train_longer": -5, "more_data_epochs": 30, "more_data_updates": -5},
}
BOTH: tuple[MoreData, MoreData] = ("same epochs", "same updates")


def rows() -> Iterator[Row]:
    for case, (train, dev) in CURVES.items():
        for repeat in range(REPEATS):
            base = row(case, repeat, "base", 400, int(dev.split()[-1])) | {"curve_train": train, "curve_dev": dev}
            yield base | {"curve_train_dev": "", "n_train": "500", "parameters": "900", "optimizer": "adam", "momentum": "0"}
            for step, fewer in SAVED[case].items():
                yield row(case, repeat, step, 400 - fewer, int(dev.split()[-1]) - fewer // 2)


def row(case: Case, repeat: int, step: str, wrong_test: int, wrong_dev: int) -> dict[str, str]:
    config = {"learning_rate": 0.001, "weight_decay": 0, "dropout": 0, "batch_size": 32, "augmentation": False}
    config |= {"label_noise": 0.15 if case == NOISY else 0}
    counts = {"n_train_eval": N, "n_dev": N, "n_test": N, "wrong_test": wrong_test, "wrong_dev": wrong_dev}
    counts |= {"wrong_best_dev": wrong_dev, "wrong_best_test": wrong_test, "n_classes": 4}
    keys = {"dataset": case[0], "kind": case[1], "repeat": repeat, "step": step}
    return {name: str(value) for name, value in (keys | config | counts).items()}


@pytest.fixture(scope="module")
def found() -> InterventionSet:
    return InterventionSet(list(rows()))


@pytest.mark.parametrize(
    ("points", "helps"), [([1, 1, 1], True), ([0, 0], False), ([-1, -1], False), ([5, -5, 6], False), ([1.0, 1.1, 0.9], True)]
)
def test_a_step_helps_where_it_saves_points_beyond_noise(points: list[float], helps: bool) -> None:
    assert saving(points).helps is helps


def test_more_data_helps_where_it_does_in_the_definition_that_is_meant(found: InterventionSet) -> None:
    by_epochs, by_updates = (score(found, lambda run: "more_data", more_data) for more_data in BOTH)

    assert by_epochs.helps.value == pytest.approx((1 + 0 + 1) / 3)  # wine in both cases, vehicle in its one
    assert by_updates.helps.value == pytest.approx((1 / 2 + 0 + 0) / 3)


def test_regret_is_what_the_best_advice_saves_more(found: InterventionSet) -> None:
    by_epochs = score(found, lambda run: "bigger_network", "same epochs")

    regret = dict(zip((run.case for run in found.runs), by_epochs.regrets, strict=True))
    assert regret == pytest.approx({TOO_SMALL: 0, WIDE: 8, GOOD: 0.1, HIGH_RATE: 8, NOISY: 3.5})


def test_a_variant_that_saves_more_than_any_advice_leaves_no_regret(found: InterventionSet) -> None:
    assert Taken(found, "same epochs").regret(HIGH_RATE, "lower_rate") == 0


def test_data_sets_of_one_origin_are_one_for_an_interval() -> None:
    shifted = [{**row, "dataset": "digits_shifted"} for row in rows() if row["dataset"] == "digits"]

    assert {*InterventionSet([*rows(), *shifted]).datasets} == {"wine", "digits", "vehicle"}


@pytest.mark.parametrize("stop", ["stop_here", "bigger_dev_set"])
def test_to_change_nothing_is_right_where_nothing_helps(found: InterventionSet, stop: str) -> None:
    taken = Taken(found, "same updates")

    assert [case for case in CURVES if taken.hit(case, stop)] == [GOOD, NOISY]


def test_an_advice_is_judged_by_the_training_that_its_sentence_tells(found: InterventionSet) -> None:
    taken = Taken(found, "same epochs")
    told = {why: advised(Step("different_optimizer", "", why)) for why in ("a lower rate", "a higher rate", "another one")}

    assert list(told.values()) == ["lower_rate", "higher_rate", "different_optimizer"]
    assert [taken.saved(HIGH_RATE, step).points for step in told.values()] == pytest.approx([20, 5, 5])
    assert taken.saved(HIGH_RATE, "fix_training").points == pytest.approx(5)


def test_the_best_step_is_looked_for_among_all_trainings_of_an_advice(found: InterventionSet) -> None:
    searched = search(found, lambda run: ["bigger_network", "more_data"], "same epochs")

    best = dict(zip((run.case for run in found.runs), searched.best, strict=True))
    assert best == {
        TOO_SMALL: "bigger_network",
        WIDE: "regularize",
        GOOD: "stop_here",
        HIGH_RATE: "different_optimizer",
        NOISY: "more_data",
    }
    assert searched.share.value == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert searched.share_by_chance.value == pytest.approx(((2 / 3 + 2 / 4) / 2 + (1 + 2 / 3) / 2 + 2 / 3) / 3)


def test_a_random_step_helps_as_often_as_the_steps_do(found: InterventionSet) -> None:
    drawn = score_random(found, "same epochs")

    assert dict(zip((run.case for run in found.runs), drawn.hits, strict=True))[TOO_SMALL] == pytest.approx(2 / 3)


def test_every_data_set_weighs_the_same_and_the_interval_is_over_them() -> None:
    alike, apart = mean([1, 0, 1, 0, 1], list("aabbc")), mean([1, 1, 1, 0, 0, 0], list("aaaabc"))

    assert alike.value == pytest.approx(2 / 3)
    assert alike.n_datasets == 3
    assert apart.value == pytest.approx((3 / 4 + 0 + 0) / 3)
    assert apart.low == pytest.approx(0, abs=0.01)
    assert apart.high == pytest.approx(3 / 4, abs=0.01)


def test_a_share_is_among_the_chosen_alone() -> None:
    assert share([1, 1, 0, 0], [1, 0, 1, 0], list("aabb")).value == pytest.approx(0.5)


def test_a_difference_is_taken_run_by_run(found: InterventionSet) -> None:
    same = compare(found, fixed_order, fixed_order)

    for comparison in same.values():
        assert (comparison.more_hits.low, comparison.more_hits.high, comparison.more_regret.value) == (0, 0, 0)


@pytest.mark.parametrize(
    ("wrong_train", "wrong_dev", "fixed", "bias_before_all"),
    [
        (15, 16, "bigger_network", "bigger_network"),
        (14, 16, "stop_here", "stop_here"),
        (50, 200, "more_data", "bigger_network"),
        (100, 142, "bigger_network", "bigger_network"),
        (0, 6, "more_data", "more_data"),
        (745, 752, "fix_training", "fix_training"),
    ],
)
def test_the_fixed_order_is_the_courses_for_the_widest_gap(
    wrong_train: int, wrong_dev: int, fixed: str, bias_before_all: str
) -> None:
    base = next(rows())
    flat = {f"curve_{name}": " ".join([str(wrong)] * 6) for name, wrong in (("train", wrong_train), ("dev", wrong_dev))}
    run = BaseRun({**base, **flat})

    assert (fixed_order(run), bias_first(run)) == (fixed, bias_before_all)


def test_a_band_is_held_against_what_the_training_with_more_data_came_to(found: InterventionSet) -> None:
    by_what = {coverage.what: coverage for coverage in coverages(found)}

    assert by_what["data x4, same epochs, dev error"].n == len(found.runs)
    assert by_what["data x4, same epochs, test error"].n == len(found.runs) - REPEATS  # not where labels are wrong
    assert by_what["data x4, same updates, dev error"].by_dataset["vehicle"] == 1


def test_an_expected_gain_stands_beside_what_the_step_saved(found: InterventionSet) -> None:
    offered = [run.case for run in found.runs for step in run.steps if step.id == "more_data" and step.expected_gain]
    by_epochs = next(gain for gain in gains(found) if gain.more_data == "same epochs")

    assert by_epochs.n == len(offered) > 0
    assert WIDE in offered


def test_a_bias_is_true_above_the_best_error_that_the_labels_allow(found: InterventionSet) -> None:
    bias = assumed_bias(found, {"wine": 0.05, "digits": 0.0, "vehicle": 0.01})

    assert bias.n_true == 2 * REPEATS  # with 15 % of the labels wrong, 16 % are 0.7 points above 1 %


@pytest.mark.parametrize(("step", "unhelped"), [("more_data_updates", 0), ("regularize_weak", 0), ("bigger_network", 1)])
def test_a_certain_verdict_is_held_against_the_steps_of_its_problem(step: str, unhelped: float) -> None:
    found = InterventionSet([row for row in rows() if case_of(row) == WIDE and row["step"] in ("base", step)])

    by_what = {certain.what: certain for certain in certain_verdicts(found)}

    assert by_what["high_variance"].n == REPEATS
    assert by_what["high_variance"].unhelped.value == unhelped
