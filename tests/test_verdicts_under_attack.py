"""Verdicts, explanations and recipes that a sceptic asked for: odd numbers, and what must hold for all of them."""

from __future__ import annotations

import pytest

from bvtrack import Evidence, ModelFacts, OtherRun, Step, diagnose, recommend


def test_examples_that_would_tell_a_gap_are_counted_below_an_error_that_was_reached() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.04, human_error=0.0416, n_train=100, n_dev=100, is_upper_bound=True)

    assert diagnosis.tag == "undetermined"
    assert "The variance may be chance, for its interval holds 0: about 230 examples a set would tell." in diagnosis.explanation


def test_a_gap_that_lies_partly_below_the_human_error_may_be_chance_only_above_it() -> None:
    explanation = diagnose(train_error=0.024, dev_error=0.072, human_error=0.05, n_train=250, n_dev=750).explanation

    assert "As far as it lies above the human error, the variance may be chance: about 920 examples" in explanation
    assert "holds" not in explanation


def test_gaps_alike_are_named_together_however_many_they_are() -> None:
    for train_dev in (0.427, 0.428):
        assert diagnose(train_error=0.409, train_dev_error=train_dev, dev_error=0.446, human_error=0.388).problems == (
            "high_bias",
            "high_variance",
            "data_mismatch",
        )


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "NAdam", "RMSprop", "Lion", "Adagrad", "SGD"])
def test_a_rate_that_is_far_too_high_is_the_first_suspect_whatever_the_optimiser(optimizer: str) -> None:
    facts = ModelFacts(parameters=101_770, optimizer=optimizer, learning_rate=10.0)
    first = _recipe(Evidence(curve="learning", model=facts, n_train=1500, dev_curve=(0.89, 0.85, 0.83, 0.81, 0.8)), train=0.8)[
        0
    ]

    assert (first.id, "far too large" in first.why) == ("different_optimizer", True)


@pytest.mark.parametrize("n_train", [60, 300, 1500, 6000])
def test_a_network_that_fits_ever_more_while_the_dev_error_rises_is_not_called_too_small(n_train: int) -> None:
    evidence = Evidence(curve="overtrained", model=ModelFacts(parameters=6145), n_train=n_train, dev_curve=OVERTRAINED)
    steps = _recipe(evidence, train=0.386, dev=0.447)

    assert steps[0].id not in ("bigger_network", "train_longer")
    assert not any("too small" in step.why for step in steps)


def test_no_recipe_says_that_the_dev_error_falls_and_that_it_has_risen() -> None:
    noisy = (0.5, 0.4, 0.33, 0.28, 0.25, 0.22, 0.2, 0.18, 0.165, 0.15, 0.164)
    by_id = {step.id: step for step in _recipe(Evidence(curve="overtrained", dev_curve=noisy), train=0.14, dev=0.15)}

    assert "risen by 1.4 points" in by_id["stop_earlier"].why
    assert by_id["train_longer"].why.endswith("will probably not lower the dev error, which has risen since its best epoch.")
    assert by_id["train_longer"].expected_gain is None


def test_an_error_that_falls_in_jumps_is_said_to_fall_at_its_best() -> None:
    noisy = (0.5, 0.4, 0.33, 0.28, 0.25, 0.22, 0.2, 0.18, 0.165, 0.15, 0.153)
    longer = {step.id: step for step in _recipe(Evidence(curve="learning", dev_curve=noisy), train=0.14, dev=0.15)}

    assert longer["train_longer"].why.startswith("The best dev error still falls")


def test_the_network_of_the_best_run_is_told_from_this_one() -> None:
    best = OtherRun(dev_error=0.04, name="big", model=ModelFacts(parameters=59_000_000))
    evidence = Evidence(model=ModelFacts(parameters=15_000_000), n_train=7000, best_other=best)
    step = {step.id: step for step in _recipe(evidence, train=0.11, dev=0.12)}["bigger_network"]

    assert step.why.endswith(
        "8.0 points less. That one has 59,000,000 parameters, this one 15,000,000 parameters for 7,000 training examples."
    )


OVERTRAINED = (0.8, 0.6, 0.5, 0.46, 0.447, 0.45, 0.46, 0.47, 0.48, 0.494)


def test_a_gap_below_one_point_that_may_be_chance_and_hides_another_leaves_the_run_undetermined() -> None:
    hiding = diagnose(
        train_error=0.002,
        train_dev_error=0.011,
        dev_error=0.02,
        human_error=0.0,
        n_train=1000,
        n_train_dev=10_000,
        n_dev=100,
    )

    assert (hiding.tag, hiding.unclear_gaps) == ("undetermined", ("data_mismatch",))
    assert "The variance is narrower than that" in hiding.explanation


@pytest.mark.parametrize("accuracies", [(0.95, 0.9, None), (0.99, 0.89, 0.99), (0.7, 0.6, None)])
def test_accuracies_passed_as_errors_are_recognised(accuracies: tuple[float, float, float | None]) -> None:
    train, dev, human = accuracies
    right = diagnose(train_error=1 - train, dev_error=1 - dev, human_error=None if human is None else 1 - human)

    assert "1 - accuracy" in diagnose(train_error=train, dev_error=dev, human_error=human).explanation
    assert "1 - accuracy" not in right.explanation


def test_a_train_dev_set_that_is_swapped_with_the_train_set_is_recognised() -> None:
    swapped = diagnose(train_error=0.10, train_dev_error=0.01, dev_error=0.12)

    assert "The train-dev set is easier than the train set, by 9.0 points" in swapped.explanation
    assert "swapped" not in diagnose(train_error=0.01, train_dev_error=0.10, dev_error=0.12).explanation


def _recipe(evidence: Evidence, *, train: float, dev: float | None = None) -> tuple[Step, ...]:
    return recommend(diagnose(train_error=train, dev_error=train if dev is None else dev), evidence)
