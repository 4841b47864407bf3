from __future__ import annotations

import json
import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import ModelFacts, OtherRun, diagnose
from bvtrack.diagnosis.run_verdict import At, EpochErrors, Verdict, chosen_epoch, diagnose_epoch, judge, with_test_error
from bvtrack.schema.gaps import gaps_text
from bvtrack.schema.tags import verdict_tags

SETS = ["train", "train_dev", "dev", "test"]


def _history(train: list[float], dev: list[float]) -> list[EpochErrors]:
    epochs = enumerate(zip(train, dev, strict=True))
    return [EpochErrors(epoch, {"train": train_error, "dev": dev_error}) for epoch, (train_error, dev_error) in epochs]


def _judge(
    history: list[EpochErrors],
    *,
    at: At = "best",
    human_error: float | None = None,
    same_distribution: bool = True,
    chance: float | None = None,
    model: ModelFacts | None = None,
    n_train: int | None = None,
    best_other: OtherRun | None = None,
) -> Verdict:
    return judge(
        history,
        at=at,
        human_error=human_error,
        same_distribution=same_distribution,
        chance=chance,
        model=model or ModelFacts(),
        n_train=n_train,
        best_other=best_other,
    )


@pytest.mark.parametrize(("at", "epoch"), [("best", 1), ("last", 3)])
def test_the_verdict_speaks_of_the_best_or_the_last_epoch(at: At, epoch: int) -> None:
    verdict = _judge(_history([0.3, 0.2, 0.1, 0.05], [0.4, 0.22, 0.25, 0.30]), at=at)

    assert verdict.epoch == epoch


def test_the_diagnosis_is_of_the_chosen_epochs_errors() -> None:
    verdict = _judge(_history([0.3, 0.2, 0.1, 0.05], [0.4, 0.22, 0.25, 0.30]))

    assert verdict.diagnosis.errors == {"train": 0.2, "dev": 0.22}


def test_the_earliest_of_equally_good_epochs_is_chosen() -> None:
    chosen = chosen_epoch(_history([0.3, 0.2, 0.1], [0.4, 0.2, 0.2]), "best")

    assert chosen.epoch == 1


def test_without_dev_errors_the_last_epoch_is_chosen() -> None:
    history = [EpochErrors(0, {"train": 0.1}), EpochErrors(1, {"train": 0.2})]

    assert chosen_epoch(history, "best").epoch == 1


def test_an_epoch_whose_dev_error_is_no_number_is_never_the_best() -> None:
    chosen = chosen_epoch(_history([0.3, 0.2, 0.1], [math.nan, 0.4, 0.3]), "best")

    assert chosen.epoch == 2


def test_an_epoch_without_dev_error_is_never_the_best() -> None:
    history = [EpochErrors(0, {"train": 0.1}), *_history([0.3], [0.4]), EpochErrors(2, {"train": 0.1})]

    assert chosen_epoch(history, "best").errors == {"train": 0.3, "dev": 0.4}


def test_a_run_without_any_error_is_undetermined() -> None:
    verdict = _judge([EpochErrors(0, {}), EpochErrors(1, {})])

    assert (verdict.epoch, verdict.diagnosis.tag, verdict.curve, verdict.steps) == (1, "undetermined", None, ())


def test_a_run_whose_last_error_is_no_number_has_diverged() -> None:
    verdict = _judge(_history([0.3, math.nan], [0.4, math.nan]))

    assert (verdict.diagnosis.tag, verdict.curve) == ("diverged", "diverged")


def test_a_run_at_chance_is_not_learning_rather_than_biased() -> None:
    verdict = _judge(_history([0.9, 0.9], [0.9, 0.9]), chance=0.9)

    assert verdict.diagnosis.tag == "not_learning"
    assert verdict.steps[0].id == "fix_training"


def test_the_curve_is_evidence_for_the_steps() -> None:
    falling = [0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    slow = ModelFacts(optimizer="Adam", learning_rate=1e-5)

    verdict = _judge(_history(falling, falling), model=slow)

    assert (verdict.curve, verdict.steps[0].id) == ("learning", "train_longer")
    assert "four times the epochs should bring it to" in verdict.steps[0].why


def test_the_model_and_the_training_size_are_evidence_for_the_steps() -> None:
    verdict = _judge(_history([0.15], [0.30]), model=ModelFacts(parameters=42), n_train=600)

    reasons = " ".join(step.why for step in verdict.steps)
    assert "With 42 parameters" in reasons
    assert "600 examples" in reasons


def test_the_given_human_error_is_the_baseline() -> None:
    verdict = _judge(_history([0.15], [0.16]), human_error=0.14)

    assert verdict.diagnosis.tag == "balanced"


def test_different_sources_are_passed_on() -> None:
    verdict = _judge(_history([0.01], [0.10]), same_distribution=False)

    assert verdict.diagnosis.tag == "undetermined"


def test_an_epochs_errors_that_are_no_numbers_are_left_out_with_their_counts() -> None:
    entry = EpochErrors(0, {"train": 0.01, "dev": math.nan}, {"train": 100, "dev": 50})

    diagnosis = diagnose_epoch(entry, human_error=None, same_distribution=True)

    assert (diagnosis.errors, diagnosis.counts) == ({"train": 0.01}, {"train": 100})


def test_an_epochs_counts_make_intervals() -> None:
    entry = EpochErrors(0, {"train": 0.01, "dev": 0.11}, {"train": 10_000, "dev": 10_000})

    diagnosis = diagnose_epoch(entry, human_error=None, same_distribution=True)

    assert diagnosis.certainty == "certain"


def test_the_tags_are_those_of_the_contract() -> None:
    tags = verdict_tags(_judge(_history([0.01], [0.11])))

    assert tags == {
        "bvtrack.diagnosis": "high_variance",
        "bvtrack.certainty": "likely",
        "bvtrack.curve": "learning",
        "bvtrack.next_step": "more_data",
        "bvtrack.gaps": tags["bvtrack.gaps"],
        "bvtrack.epoch": "0",
    }


def test_tags_that_do_not_apply_are_none() -> None:
    tags = verdict_tags(_judge([EpochErrors(0, {})]))

    assert [name for name, value in tags.items() if value is None] == [
        "bvtrack.next_step",
        "bvtrack.curve",
        "bvtrack.gaps",
    ]


def test_the_gaps_tag_holds_gaps_errors_counts_and_the_human_error() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.11, human_error=0.005, n_train=10_000, n_dev=2_000)

    content = json.loads(gaps_text(diagnosis))

    assert content == {
        "gaps": {"avoidable_bias": [0.005, 0.0032, 0.0071], "variance": [0.1, 0.0869, 0.1146]},
        "errors": {"train": 0.01, "dev": 0.11},
        "n": {"train": 10_000, "dev": 2_000},
        "human": 0.005,
    }


def test_a_gap_without_counts_has_no_ends_in_the_gaps_tag() -> None:
    content = json.loads(gaps_text(diagnose(train_error=0.01, dev_error=0.11)))

    assert content["gaps"]["variance"] == [0.1, None, None]


def test_a_verdict_is_written_as_json() -> None:
    verdict = _judge(_history([0.15], [0.30]))

    content = json.loads(json.dumps(verdict.as_json()))

    assert (content["epoch"], content["diagnosis"]["tag"]) == (0, "high_bias+high_variance")
    assert [step["id"] for step in content["steps"]] == [step.id for step in verdict.steps]


@pytest.mark.parametrize(("n", "counts"), [(100, {"test": 100}), (None, {})])
def test_a_later_test_error_joins_the_epoch_it_was_measured_on(n: int | None, counts: dict[str, int]) -> None:
    (entry,) = _history([0.2], [0.3])

    measured = with_test_error(entry, EpochErrors(0, {"test": 0.5}, {} if n is None else {"test": n}))

    assert measured == EpochErrors(0, {"train": 0.2, "dev": 0.3, "test": 0.5}, counts)
    assert [entry] == _history([0.2], [0.3])


def test_the_test_error_never_chooses_the_epoch() -> None:
    first, second = _history([0.2, 0.1], [0.3, 0.4])

    assert chosen_epoch([first, with_test_error(second, EpochErrors(1, {"test": 0.0}))], "best").epoch == 0


@given(
    rates=st.dictionaries(st.sampled_from(SETS), st.tuples(st.floats(0, 1), st.none() | st.integers(25, 10**12)), min_size=1),
    human_error=st.none() | st.floats(0, 1),
)
@settings(deadline=None)
def test_the_gaps_tag_never_exceeds_500_characters(
    rates: dict[str, tuple[float, int | None]], human_error: float | None
) -> None:
    arguments: dict[str, Any] = {"train_error": None} | {f"{name}_error": error for name, (error, _) in rates.items()}
    arguments |= {f"n_{name}": n for name, (_, n) in rates.items()}

    line = gaps_text(diagnose(**arguments, human_error=human_error))

    assert len(line) <= 500
    assert json.loads(line)["errors"].keys() == rates.keys()


@given(
    dev=st.lists(st.floats(0, 1), min_size=1),
    at=st.sampled_from(["best", "last"]),
)
@settings(deadline=None)
def test_the_chosen_epoch_has_no_higher_dev_error_than_any_at_best(dev: list[float], at: At) -> None:
    chosen = chosen_epoch(_history(dev, dev), at)

    assert chosen.errors["dev"] == (min(dev) if at == "best" else dev[-1])


@pytest.mark.parametrize("history", [[EpochErrors(0, {"test": 0.2})], [EpochErrors(0, {"train": 0.1}), EpochErrors(1, {})]])
def test_a_history_without_an_error_to_judge_is_undetermined(history: list[EpochErrors]) -> None:
    verdict = judge(
        history,
        at="last",
        human_error=None,
        same_distribution=True,
        chance=None,
        model=ModelFacts(),
        n_train=None,
    )

    assert verdict.diagnosis.tag == "undetermined"


@pytest.mark.parametrize(("epochs", "certainty"), [(2, "likely"), (5, "likely"), (6, "certain")])
def test_a_model_at_chance_is_certain_not_to_learn_only_after_a_warm_up(epochs: int, certainty: str) -> None:
    verdict = _judge(_history([0.9] * epochs, [0.9] * epochs), chance=0.9)

    assert (verdict.diagnosis.tag, verdict.diagnosis.certainty) == ("not_learning", certainty)


def test_a_diverged_run_is_certain_from_the_first_epoch() -> None:
    assert _judge(_history([math.nan], [math.nan])).diagnosis.certainty == "certain"


def test_the_tag_of_the_best_epoch_hardly_flips_on_the_noise_of_a_dev_set() -> None:
    generator = random.Random(0)
    wrong = [sum(generator.random() < 0.133 for _ in range(1_000)) for _ in range(40)]
    history = [EpochErrors(epoch, {"train": 0.10, "dev": n / 1_000}, COUNTS) for epoch, n in enumerate(wrong)]

    of_each = [diagnose(train_error=0.10, dev_error=n / 1_000, n_train=1_000, n_dev=1_000).tag for n in wrong]
    tags = [_judge(history[: epoch + 1]).diagnosis.tag for epoch in range(40)]

    assert _changes(of_each) > 10
    assert _changes(tags) <= 1


COUNTS = {"train": 1_000, "dev": 1_000}


def _changes(tags: list[str]) -> int:
    return sum(before != after for before, after in pairwise(tags))


DIFFERENCES = {"width": ("256", "64"), "lr": (None, "0.1")}


def test_a_run_that_none_does_better_than_says_so() -> None:
    verdict = _judge(_history([0.01], [0.11]), best_other=OtherRun(0.12, "wide-2"))

    assert verdict.diagnosis.explanation.endswith("wide-2, makes 12.0 %: none does better than this one.")


def test_of_many_differences_the_first_are_named() -> None:
    many = {f"p{index}": ("1", "2") for index in range(10)}

    verdict = _judge(_history([0.01], [0.11]), best_other=OtherRun(0.05, differences=many))

    assert verdict.diagnosis.explanation.endswith("p3 (1 there, 2 here) and 6 more.")


def test_the_experiments_best_run_is_named_in_the_explanation_and_changes_no_tag() -> None:
    history = _history([0.01], [0.11])
    alone, beside = _judge(history), _judge(history, best_other=OtherRun(0.05, "wide-2", differences=DIFFERENCES))

    assert beside.diagnosis.explanation == (
        f"{alone.diagnosis.explanation} The experiment's best other run on this dev set, wide-2, makes 5.0 %. "
        "It differs in width (256 there, 64 here) and lr (none there, 0.1 here)."
    )
    assert beside.diagnosis.tag == alone.diagnosis.tag
    assert next(step.expected_gain for step in beside.steps if step.id == "different_model") == pytest.approx(0.021)


def test_a_count_that_cannot_be_the_errors_is_left_out() -> None:
    history = [EpochErrors(0, {"train": 0.01, "dev": 0.15}, {"train": 100, "dev": 3})]

    assert _judge(history).diagnosis.counts == {"train": 100}


def test_a_rise_of_few_dev_examples_is_no_overtraining() -> None:
    few, many = (
        _judge([EpochErrors(epoch, {"train": 0.1, "dev": dev}, {"dev": n}) for epoch, dev in enumerate([0.4, 0.3, 0.34, 0.34])])
        for n in (50, 50_000)
    )

    assert (few.curve, many.curve) == ("converged", "overtrained")


def of_losses(*losses: float) -> list[EpochErrors]:
    """Epochs whose errors are made of a cross-entropy, the same on train and dev."""
    return [
        EpochErrors(epoch, dict.fromkeys(("train", "dev"), 1 - math.exp(-loss)), unscaled=dict.fromkeys(("train", "dev"), loss))
        for epoch, loss in enumerate(losses)
    ]


@pytest.mark.parametrize(
    ("losses", "tag", "curve"),
    [
        ((0.69, 3.0, 20.0, 900.0), "diverged", "diverged"),
        ((2.0, 0.5, 0.69, 0.7, 0.8), "high_bias", "unstable"),
        ((1.8, 1.81, 1.8, 1.81, 1.8, 1.8), "not_learning", "not_learning"),
    ],
)
def test_a_curve_is_judged_by_the_losses_that_the_errors_are_made_of(losses: tuple[float, ...], tag: str, curve: str) -> None:
    verdict = judge(
        of_losses(*losses), at="best", human_error=None, same_distribution=True, chance=None, model=ModelFacts(), n_train=None
    )

    assert (verdict.diagnosis.tag, verdict.curve) == (tag, curve)
    assert verdict.diagnosis.certainty == "likely" or tag == "high_bias"


@pytest.mark.parametrize(
    ("losses", "tag"), [((0.69, 0.3, 900.0), "diverged"), ((0.2, 0.25, 0.3), "high_bias"), ((0.2,) * 6, "high_bias")]
)
def test_a_known_chance_level_refutes_a_failure_but_no_blow_up(losses: tuple[float, ...], tag: str) -> None:
    verdict = judge(
        of_losses(*losses), at="best", human_error=None, same_distribution=True, chance=0.5, model=ModelFacts(), n_train=None
    )

    assert verdict.diagnosis.tag == tag
