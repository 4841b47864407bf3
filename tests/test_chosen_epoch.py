"""The epoch with the lowest of many noisy dev errors: its interval, and what rests on it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import chosen_epoch
import pytest
from mlflow import MlflowClient

import bvtrack
from bvtrack import ModelFacts, diagnose
from bvtrack.diagnosis.run_history import History
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge, judge_history
from bvtrack.error_rates.epoch_errors import At
from bvtrack.error_rates.intervals import Rate, difference_interval
from bvtrack.schema import tags
from bvtrack.schema.gaps import gaps_text, read_gaps

COUNTS = {"train": 5_000, "dev": 1_000, "test": 10_000}


def judged(dev: list[float], *, at: At = "best", test: float | None = None, counts: dict[str, int] | None = None) -> Verdict:
    history = [
        EpochErrors(
            epoch,
            {"train": 0.05, "dev": error} | ({} if test is None else {"test": test}),
            COUNTS if counts is None else counts,
        )
        for epoch, error in enumerate(dev)
    ]
    baseline = {"human_error": 0.05, "same_distribution": True, "chance": 0.9, "model": ModelFacts(), "n_train": 5_000}
    return judge(history, at=at, **baseline)  # type: ignore[arg-type]


def noisy(n_epochs: int, spread: float, seed: int = 0) -> list[float]:
    generator = random.Random(seed)
    return [round(0.12 + generator.gauss(0, spread), 3) for _ in range(n_epochs)]


@pytest.mark.parametrize("n_epochs", [10, 100, 1_000])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize("truth", ["constant", "falling"])
def test_the_interval_of_the_chosen_epoch_holds_its_true_error(truth: str, correlation: float, n_epochs: int) -> None:
    found = chosen_epoch.coverage(
        chosen_epoch.of_all_sizes(truth, n_epochs, correlation, draws={10: 100, 100: 75, 1_000: 4}[n_epochs], seed=1)
    )

    assert found.held >= 0.93
    assert found.gap_held >= 0.93
    assert found.plain < 0.93 or n_epochs == 10


@pytest.mark.parametrize("n_epochs", [10, 100, 1_000])
def test_a_smooth_curve_hardly_widens_it(n_epochs: int) -> None:
    chosen = chosen_epoch.smooth(n_epochs, n_dev=2_000, error=0.1, draws=3, seed=0)

    assert max(one.widening for one in chosen) <= 1.2


def test_the_optimism_is_near_what_was_gained_by_choosing() -> None:
    found = chosen_epoch.coverage(chosen_epoch.of_all_sizes("constant", 100, 0.0, draws=25, seed=2))

    assert found.expected == pytest.approx(found.true, rel=0.15)


def test_the_last_epoch_was_not_chosen() -> None:
    dev = noisy(40, 0.01)

    assert judged(dev, at="last").diagnosis.optimism.expected == 0
    assert judged(dev).diagnosis.optimism.expected > 0.01


def test_errors_without_counts_have_no_optimism() -> None:
    assert judged(noisy(40, 0.01), counts={}).diagnosis.optimism.expected == 0


def test_steep_epochs_and_outliers_are_not_in_the_running() -> None:
    plateau = noisy(40, 0.01)
    steep = [0.9 - 0.05 * epoch for epoch in range(10)]

    assert judged([*steep, *plateau, 0.5, 0.6]).diagnosis.optimism.n_epochs == judged(plateau).diagnosis.optimism.n_epochs


def test_a_small_gap_to_the_test_error_is_expected_of_the_lowest_of_many_epochs() -> None:
    chosen = judged(noisy(40, 0.01), test=0.12)
    once = diagnose(
        train_error=0.05,
        dev_error=chosen.diagnosis.errors["dev"],
        test_error=0.16,
        n_dev=100_000,
        n_test=100_000,
        n_train=5_000,
    )
    many = diagnose(
        train_error=0.05,
        dev_error=chosen.diagnosis.errors["dev"],
        test_error=0.16,
        n_dev=100_000,
        n_test=100_000,
        n_train=5_000,
        n_epochs=40,
        dev_optimism=0.04,
    )

    assert "dev_overfit" not in chosen.diagnosis.problems
    assert "that much of its distance to the test error is no sign of an overfit dev set" in chosen.diagnosis.explanation
    assert "dev_overfit" in once.problems
    assert "dev_overfit" not in many.problems


def test_a_dev_set_that_is_overfit_by_more_than_the_choice_is_still_named() -> None:
    assert "dev_overfit" in judged(noisy(40, 0.01), test=0.25).diagnosis.problems


def test_the_explanation_says_what_to_expect() -> None:
    found = diagnose(train_error=0.05, dev_error=0.1, n_dev=2_000, n_epochs=40, dev_optimism=0.004)

    chosen = "The dev error is the lowest of 40 epochs whose dev errors may differ by noise alone"
    assert f"{chosen}: on new examples expect about 0.4 points more, at most 1.9." in found.explanation


def test_a_balanced_run_is_less_certain_if_it_was_chosen() -> None:
    errors = {"train_error": 0.05, "dev_error": 0.052, "human_error": 0.05, "n_train": 50_000, "n_dev": 50_000}

    assert diagnose(**errors).certainty == "certain"  # type: ignore[arg-type]
    assert diagnose(**errors, n_epochs=50, dev_optimism=0.02).certainty == "likely"  # type: ignore[arg-type]


def test_an_optimism_shifts_one_end_of_an_interval() -> None:
    plain, chosen, other = Rate(0.1, 500), Rate(0.1, 500, optimism=0.02), Rate(0.2, 500)
    (low, high), (chosen_low, chosen_high) = plain.interval(), chosen.interval()

    assert (chosen_low, chosen_high) == pytest.approx((low, Rate(0.12, 500).interval()[1]))
    assert chosen_high > high + 0.02
    assert difference_interval(other, chosen)[1] == pytest.approx(difference_interval(other, plain)[1])
    assert difference_interval(other, chosen)[0] < difference_interval(other, plain)[0] - 0.02


@pytest.mark.parametrize("arguments", [{"n_epochs": 0}, {"n_epochs": 2.5}, {"dev_optimism": 1.5}])
def test_a_choice_that_cannot_be_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        diagnose(train_error=0.1, dev_error=0.2, **arguments)  # type: ignore[arg-type]


def test_a_choice_without_a_dev_error_is_refused() -> None:
    with pytest.raises(ValueError, match="n_epochs"):
        diagnose(train_error=0.1, n_epochs=3)


def test_the_stored_numbers_give_the_same_verdict() -> None:
    verdict = judged(noisy(40, 0.01), test=0.16)
    diagnosis = verdict.diagnosis
    stored = read_gaps(gaps_text(diagnosis))
    read = Verdict.from_json(json.loads(json.dumps(verdict.as_json())))

    assert read == verdict
    assert (stored.n_epochs, stored.optimism) == (diagnosis.optimism.n_epochs, round(diagnosis.optimism.expected, 4))


def test_what_an_earlier_version_stored_has_no_optimism() -> None:
    content = judged(noisy(10, 0.01)).as_json()
    del content["diagnosis"]["optimism"]

    assert Verdict.from_json(content).diagnosis.optimism.expected == 0
    assert (read_gaps("{}").n_epochs, read_gaps('{"optimism": [2, "x"]}').optimism) == (1, 0.0)


def test_a_baseline_leaves_the_optimism_of_a_run_as_it_was(store: str, send: Callable[[], None]) -> None:
    with bvtrack.Tracker(tracking_uri=store, human_error=0.05) as tracker:
        for epoch, error in enumerate(noisy(30, 0.01)):
            tracker.log_epoch(epoch, train_error=0.05, dev_error=error, n_train=5_000, n_dev=1_000)
    send()
    (run,) = MlflowClient(store).search_runs(["0"])
    bvtrack.audit("Default", tracking_uri=store, baseline=0.02)
    after = MlflowClient(store).get_run(run.info.run_id).data.tags

    assert tags.gaps_of(after).optimism == tags.gaps_of(run.data.tags).optimism > 0.005
    assert (
        "epochs whose dev errors may differ by noise alone"
        in bvtrack.make_report(run.info.run_id, tracking_uri=store).markdown()
    )


def test_a_history_of_any_length_takes_as_long() -> None:
    history = History("best")
    for epoch, error in enumerate(noisy(5_000, 0.01)):
        history.add(EpochErrors(epoch, {"train": 0.05, "dev": error}, COUNTS))
    found = judge_history(
        history, human_error=None, same_distribution=True, chance=0.9, model=ModelFacts(), n_train=None
    ).diagnosis

    assert found.optimism.n_epochs == pytest.approx(5_000, rel=0.1)
    assert len(history._stretches.parts(0)[0]) <= 512
