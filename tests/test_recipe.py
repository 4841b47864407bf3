from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import Diagnosis, Evidence, ModelFacts, OtherRun, Step, diagnose, recommend
from bvtrack.diagnosis.expected_gains import Prospects
from bvtrack.diagnosis.step_rule import StepRule
from bvtrack.diagnosis.step_rules import STEP_RULES

STEP_IDS = {
    "bigger_network",
    "train_longer",
    "different_optimizer",
    "different_model",
    "more_data",
    "regularize",
    "stop_earlier",
    "match_data",
    "bigger_dev_set",
    "mend_split",
    "fix_training",
    "stop_here",
    "reduce_regularization",
}
CURVES = [None, "learning", "converged", "overtrained", "not_learning", "diverged"]
HIGH_BIAS = diagnose(train_error=0.15, dev_error=0.16)
HIGH_VARIANCE = diagnose(train_error=0.01, dev_error=0.11)


def _ids(steps: tuple[Step, ...]) -> list[str]:
    return [step.id for step in steps]


def _why(step_id: str, steps: tuple[Step, ...]) -> str:
    return next(step.why for step in steps if step.id == step_id)


BIAS_STEPS = ["bigger_network", "train_longer", "different_optimizer", "different_model"]
VARIANCE_STEPS = ["more_data", "regularize", "different_model"]
ALL_STEPS = ["bigger_network", "train_longer", "different_optimizer", "more_data", "regularize", "different_model"]


@pytest.mark.parametrize(
    ("diagnosis", "ids", "left"),
    [
        (HIGH_BIAS, BIAS_STEPS, ["more_data", "regularize"]),
        (HIGH_VARIANCE, VARIANCE_STEPS, ["bigger_network", "train_longer", "different_optimizer"]),
        (diagnose(train_error=0.15, dev_error=0.25), [*BIAS_STEPS, "more_data", "regularize"], []),
        (diagnose(train_error=0.15, dev_error=0.40), [*VARIANCE_STEPS, *BIAS_STEPS[:3]], []),
        (diagnose(train_error=0.01, train_dev_error=0.015, dev_error=0.10), ["match_data"], ALL_STEPS),
        (diagnose(train_error=None, dev_error=0.02, test_error=0.18), ["bigger_dev_set"], []),
        (diagnose(train_error=0.005, dev_error=0.01), ["stop_here"], ALL_STEPS),
        (diagnose(train_error=0.08, dev_error=0.08, human_error=0.10), ["stop_here"], ALL_STEPS),
        (diagnose(train_error=0.014, dev_error=0.0), ["match_data"], ALL_STEPS),
        (Diagnosis.without_gaps("diverged"), ["fix_training", "different_optimizer"], None),
        (Diagnosis.without_gaps("not_learning"), ["fix_training", "different_optimizer"], None),
        (Diagnosis.without_gaps("not_applicable"), [], []),
    ],
    ids=lambda value: value.tag if isinstance(value, Diagnosis) else None,
)
def test_the_steps_for_the_focus_come_first_then_those_for_other_problems_then_what_is_left(
    diagnosis: Diagnosis, ids: list[str], left: list[str] | None
) -> None:
    steps = recommend(diagnosis)

    assert _ids(steps)[: len(ids)] == ids
    assert left is None or _ids(steps)[len(ids) :] == left


def test_where_steps_are_left_the_first_of_them_says_that_they_come_last() -> None:
    of_bias, of_balance = recommend(HIGH_BIAS), recommend(diagnose(train_error=0.005, dev_error=0.01))

    assert [step.id for step in of_bias if step.why.startswith("If these do not help: ")] == ["more_data"]
    assert [step.id for step in of_balance if step.why.startswith("If it has to get better still: ")] == ["bigger_network"]


def test_the_table_holds_the_steps_of_the_contract_and_no_others() -> None:
    assert set(STEP_RULES) == STEP_IDS


def test_an_entry_in_the_table_is_all_that_a_new_step_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = StepRule(
        id="average_weights",
        title="Average the weights",
        why="The end of a training is noisy.",
        problems=("high_variance",),
        curves=("learning",),
        gain=lambda prospects: 0.06,
        reason=lambda why, prospects: f"{why} It makes {prospects.dev_error:.2f}.",
    )
    monkeypatch.setitem(STEP_RULES, rule.id, rule)
    expected = Step("average_weights", "Average the weights", "The end of a training is noisy. It makes 0.11.", 0.06)

    by_problem = recommend(HIGH_VARIANCE)
    by_curve = recommend(diagnose(train_error=0.005, dev_error=0.01), Evidence("learning"))

    assert by_problem[3] == expected
    assert _ids(by_problem)[:3] == VARIANCE_STEPS
    assert _ids(by_curve)[:2] == ["stop_here", "average_weights"]


def test_without_evidence_a_wide_gap_beside_little_bias_brings_the_steps_for_variance_first() -> None:
    steps = recommend(diagnose(train_error=0.04, dev_error=0.30))

    assert _ids(steps)[0] == "more_data"


def test_as_much_bias_as_variance_is_attacked_by_its_bias() -> None:
    steps = recommend(diagnose(train_error=0.15, dev_error=0.30))

    assert _ids(steps)[0] == "bigger_network"


def test_a_step_that_cures_two_problems_is_listed_once() -> None:
    steps = recommend(diagnose(train_error=0.15, dev_error=0.30))

    assert _ids(steps).count("different_model") == 1


FALLING = [0.60, 0.45, 0.35, 0.28, 0.23, 0.19, 0.16]
SETTLED = [0.60, 0.30, 0.17, 0.16, 0.16, 0.16, 0.16]
SMALL_STEPS = ModelFacts(optimizer="SGD", learning_rate=0.01, momentum=0.0)


@pytest.mark.parametrize(
    ("dev_curve", "model", "first"),
    [
        (SETTLED, ModelFacts(), "bigger_network"),
        (SETTLED, SMALL_STEPS, "different_optimizer"),
        (FALLING, SMALL_STEPS, "train_longer"),
    ],
)
def test_bias_is_attacked_by_what_curve_and_learning_rate_speak_for(
    dev_curve: list[float | None], model: ModelFacts, first: str
) -> None:
    steps = recommend(HIGH_BIAS, Evidence(dev_curve=dev_curve, model=model))

    assert _ids(steps)[0] == first


@pytest.mark.parametrize(
    ("model", "is_small"),
    [
        (ModelFacts(optimizer="Adam", learning_rate=3e-4), True),
        (ModelFacts(optimizer="AdamW", learning_rate=1e-3), False),
        (ModelFacts(optimizer="adam", learning_rate=1e-3), False),
        (ModelFacts(optimizer="SGD", learning_rate=0.03), True),
        (ModelFacts(optimizer="SGD", learning_rate=0.01, momentum=0.9), False),
        (ModelFacts(optimizer="SGD", learning_rate=0.1, momentum=1.0), False),
        (ModelFacts(optimizer="Muon", learning_rate=1e-9), False),
        (ModelFacts(optimizer="SGD"), False),
        (ModelFacts(), False),
    ],
)
def test_steps_are_small_below_the_usual_rate_of_the_optimiser(model: ModelFacts, is_small: bool) -> None:
    assert model.has_small_steps is is_small


def test_variance_while_still_learning_keeps_its_order() -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(curve="learning", dev_curve=FALLING, n_train=60_000))

    assert _ids(steps)[0] == "more_data"


@pytest.mark.parametrize("diagnosis", [HIGH_BIAS, HIGH_VARIANCE, diagnose(train_error=0.005, dev_error=0.01)])
def test_an_overtrained_run_is_told_to_stop_earlier_too(diagnosis: Diagnosis) -> None:
    steps = recommend(diagnosis, Evidence(curve="overtrained", dev_curve=[0.3, 0.11, 0.12, 0.13]))

    assert "risen by 2.0 points since its best epoch" in _why("stop_earlier", steps)


def test_of_a_verdict_on_the_last_epoch_stopping_earlier_saves_the_rise() -> None:
    (step, *_) = recommend(diagnose(train_error=0.01, dev_error=0.30), Evidence("overtrained", dev_curve=[0.3, 0.11, 0.2, 0.3]))

    assert (step.id, round(step.expected_gain or 0, 6)) == ("stop_earlier", 0.19)


def test_training_longer_tells_what_it_should_bring() -> None:
    why = _why("train_longer", recommend(HIGH_BIAS, Evidence(dev_curve=FALLING)))

    assert why.startswith("The dev error still falls: four times the epochs should bring it to about ")


def test_a_train_error_that_cannot_be_avoided_is_nothing_left_to_learn() -> None:
    biased = (diagnose(train_error=0.15, dev_error=0.16, human_error=human) for human in (0.0, 0.15))

    avoidable, unavoidable = (Prospects(diagnosis, Evidence(dev_curve=FALLING)).much_longer for diagnosis in biased)

    assert avoidable is not None
    assert unavoidable is not None
    assert (avoidable.improves or 0) > 0.8 > (unavoidable.improves or 0)
    assert avoidable.value < unavoidable.value


def test_training_longer_says_when_it_will_probably_not_help() -> None:
    why = _why("train_longer", recommend(HIGH_BIAS, Evidence(dev_curve=SETTLED)))

    assert why.startswith("It will probably not help: ")


def test_more_data_tells_what_twice_four_and_eight_times_should_bring() -> None:
    (step, *_) = recommend(HIGH_VARIANCE)

    assert step.why.startswith(
        "At the same number of epochs, twice, four and eight times the data should bring the dev error to "
    )
    assert "about 9.0 %, 7.3 % and 6.0 % (four times: 2.0 % to 8.8 %)" in step.why
    assert step.why.endswith("at the same number of updates, four times to about 7.7 % (2.5 % to 9.0 %).")
    assert step.expected_gain == pytest.approx(0.0367, abs=1e-4)


def test_where_nothing_was_learnt_by_heart_more_data_help_by_their_updates_alone() -> None:
    why = _why("more_data", recommend(diagnose(train_error=0.30, dev_error=0.30)))

    assert why.endswith("; at the same number of updates, they hardly help.")


def test_no_data_are_expected_to_bring_the_error_below_the_human_one() -> None:
    free, bounded = (recommend(diagnose(train_error=0.05, dev_error=0.30, human_error=human)) for human in (0.0, 0.20))
    gains = [next(step.expected_gain for step in steps if step.id == "more_data") for steps in (free, bounded)]

    assert (gains[0] or 0) > (gains[1] or 0)


def test_more_data_close_the_variance_and_not_the_mismatch() -> None:
    diagnosis = diagnose(train_error=0.01, train_dev_error=0.05, dev_error=0.30)
    gain = next(step.expected_gain for step in recommend(diagnosis) if step.id == "more_data")

    assert (gain or 0) < 0.04


BETTER = OtherRun(0.08, "wide-2", ModelFacts(parameters=100_000))


def test_a_better_run_of_the_experiment_is_named() -> None:
    why = _why("different_model", recommend(HIGH_VARIANCE, Evidence(best_other=BETTER)))

    assert why.startswith("The experiment's best other run on this dev set, wide-2, makes 8.0 %, 3.0 points less. ")


def test_a_better_run_that_is_much_bigger_speaks_for_a_bigger_network() -> None:
    evidence = Evidence(best_other=BETTER, model=ModelFacts(parameters=10_000), dev_curve=SETTLED)

    (step, *_) = recommend(HIGH_BIAS, evidence)

    assert step.id == "bigger_network"
    assert step.expected_gain == pytest.approx(0.35 * 0.08)
    assert "wide-2, makes 8.0 %" in step.why


@pytest.mark.parametrize(("dev_error", "is_better"), [(0.0935, True), (0.0936, False), (0.2, False), (float("nan"), False)])
def test_another_run_is_better_from_fifteen_percent_less_error_on(dev_error: float, is_better: bool) -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(best_other=OtherRun(dev_error)))

    assert _why("different_model", steps).startswith("The experiment's best other run") is is_better


@pytest.mark.parametrize(("name", "shown"), [("a\n b", "a b"), ("x" * 50, "x" * 40 + "…"), ("", "set makes")])
def test_a_runs_name_is_one_short_line(name: str, shown: str) -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(best_other=OtherRun(0.01, name)))

    assert shown in _why("different_model", steps)


def test_a_bigger_network_says_how_big_the_present_one_is() -> None:
    steps = recommend(HIGH_BIAS, Evidence(model=ModelFacts(parameters=12_345)))

    assert "With 12,345 parameters the network may be" in _why("bigger_network", steps)


def test_more_data_says_how_much_there_is() -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(n_train=60_000))

    assert "trains on 60,000 examples" in _why("more_data", steps)


@pytest.mark.parametrize(
    ("model", "is_said"),
    [
        (ModelFacts(weight_decay=0.0, dropout=0.0), True),
        (ModelFacts(weight_decay=0.0, dropout=0.5), False),
        (ModelFacts(weight_decay=0.01, dropout=0.0), False),
        (ModelFacts(weight_decay=0.0, dropout=0.0, augmentation=True), False),
        (ModelFacts(weight_decay=0.0), False),
        (ModelFacts(), False),
    ],
)
def test_missing_regularisation_is_said_only_where_it_is_known(model: ModelFacts, is_said: bool) -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(model=model))

    assert ("no dropout and no weight decay" in _why("regularize", steps)) is is_said


def test_a_run_without_dev_error_is_told_to_hold_out_a_dev_set() -> None:
    (step,) = recommend(diagnose(train_error=0.01))

    assert (step.id, step.title) == ("bigger_dev_set", "Hold out a dev set")


def test_regularisation_that_is_there_is_named() -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(model=ModelFacts(weight_decay=0.001, dropout=0.3)))

    assert _why("regularize", steps).startswith("It has dropout 0.3 and weight decay 0.001; more of it")


def test_a_gap_that_may_be_chance_is_told_to_get_a_bigger_dev_set_behind_the_first_step_that_it_asks_for() -> None:
    steps = recommend(diagnose(train_error=0.0, dev_error=0.05, n_train=20, n_dev=20))

    assert _ids(steps)[:4] == ["more_data", "bigger_dev_set", "regularize", "different_model"]
    assert "rest on too few examples to tell a gap from noise" in steps[1].why


def test_different_sources_without_train_dev_set_are_told_to_match_the_data() -> None:
    (step,) = recommend(diagnose(train_error=0.01, dev_error=0.10, same_distribution=False))

    assert step.id == "match_data"
    assert "a train-dev set would tell" in step.why


def test_nothing_is_advised_where_only_a_dev_error_is_known() -> None:
    steps = recommend(diagnose(train_error=None, dev_error=0.10))

    assert steps == ()


@given(
    errors=st.dictionaries(st.sampled_from(["train", "train_dev", "dev", "test"]), st.floats(0, 1), min_size=1),
    curve=st.sampled_from(CURVES),
)
@settings(deadline=None)
def test_steps_are_of_the_contract_and_never_repeat(errors: dict[str, float], curve: str | None) -> None:
    arguments: dict[str, Any] = {"train_error": None} | {f"{name}_error": error for name, error in errors.items()}

    ids = _ids(recommend(diagnose(**arguments), Evidence(curve=curve)))

    assert set(ids) <= STEP_IDS
    assert len(ids) == len(set(ids))


@given(
    curve=st.sampled_from(CURVES),
    dev_curve=st.lists(st.none() | st.floats(0, 1), max_size=30),
    parameters=st.none() | st.integers(0, 10**12),
    n_train=st.none() | st.integers(0, 10**9),
    optimizer=st.none() | st.sampled_from(["SGD", "Adam", "Lion"]),
    rate=st.none() | st.floats(0, 10),
    other=st.none() | st.floats(0, 1),
)
def test_every_step_says_why_and_promises_no_more_than_the_error(
    curve: str | None,
    dev_curve: list[float | None],
    parameters: int | None,
    n_train: int | None,
    optimizer: str | None,
    rate: float | None,
    other: float | None,
) -> None:
    evidence = Evidence(
        curve=curve,
        model=ModelFacts(parameters=parameters, optimizer=optimizer, learning_rate=rate),
        n_train=n_train,
        dev_curve=dev_curve,
        best_other=None if other is None else OtherRun(other),
    )

    steps = recommend(diagnose(train_error=0.15, dev_error=0.30), evidence)

    assert all(step.title and step.why.endswith(".") for step in steps)
    assert all(step.expected_gain is None or 0 <= step.expected_gain <= 1 for step in steps)


BOTH = diagnose(train_error=0.15, dev_error=0.30)


@pytest.mark.parametrize(
    ("diagnosis", "other", "place", "step_id"),
    [
        (HIGH_VARIANCE, OtherRun(0.05, model=ModelFacts(parameters=10**6)), 3, "bigger_network"),
        (diagnose(train_error=0.01, dev_error=0.015), OtherRun(0.005), 0, "different_model"),
        (diagnose(train_error=0.03, dev_error=0.03), OtherRun(0.005), 0, "different_model"),
    ],
)
def test_a_clearly_better_run_leads_to_a_step_behind_those_for_the_problems(
    diagnosis: Diagnosis, other: OtherRun, place: int, step_id: str
) -> None:
    step = recommend(diagnosis, Evidence(model=ModelFacts(parameters=10_000), best_other=other))[place]

    assert step.id == step_id
    assert step.why.startswith("The experiment's best other run")


def test_a_run_that_is_no_number_is_no_better_one() -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(best_other=OtherRun(float("nan"))))

    assert "nan" not in " ".join(step.why for step in steps)


FINE_TUNED = ModelFacts(parameters=110_000_000, optimizer="AdamW", learning_rate=2e-5)


def test_a_large_network_that_is_fine_tuned_is_told_of_neither_its_size_nor_its_small_steps() -> None:
    steps = recommend(HIGH_BIAS, Evidence(model=FINE_TUNED, n_train=5_000, dev_curve=[0.2, 0.17, 0.165, 0.165]))

    assert not FINE_TUNED.has_small_steps
    assert "its size is hardly what holds it back" in _why("bigger_network", steps)
    assert _why("train_longer", steps) == "More epochs may bring the train error down further."


def test_the_set_with_the_fewest_examples_is_the_one_to_measure_on_more() -> None:
    diagnosis = diagnose(train_error=0.05, dev_error=0.05, human_error=0.03, n_train=100, n_dev=100_000)

    step = recommend(diagnosis)[1]

    assert (step.id, step.title) == ("bigger_dev_set", "Measure the train error on more examples")


def test_nobody_is_told_to_measure_the_train_error_on_more_than_the_whole_training_set() -> None:
    diagnosis = diagnose(train_error=0.024, dev_error=0.072, human_error=0.05, n_train=250, n_dev=750)

    assert recommend(diagnosis, Evidence(n_train=6_000))[1].title == "Measure the train error on more examples"
    assert _ids(recommend(diagnosis, Evidence(n_train=250)))[:2] == ["more_data", "regularize"]


def test_a_run_that_does_not_learn_is_to_train_first_whatever_the_others_do() -> None:
    not_learning = Diagnosis.without_gaps("not_learning", {"train": 0.9, "dev": 0.9})
    steps = recommend(not_learning, Evidence(curve="not_learning", best_other=OtherRun(0.01)))

    assert _ids(steps)[:3] == ["fix_training", "different_optimizer", "different_model"]
