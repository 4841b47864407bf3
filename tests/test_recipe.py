from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import Diagnosis, Evidence, ModelFacts, Step, diagnose, recommend

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
    "fix_training",
    "stop_here",
}
CURVES = [None, "learning", "converged", "overtrained", "not_learning", "diverged"]
HIGH_BIAS = diagnose(train_error=0.15, dev_error=0.16)
HIGH_VARIANCE = diagnose(train_error=0.01, dev_error=0.11)


def _ids(steps: tuple[Step, ...]) -> list[str]:
    return [step.id for step in steps]


def _why(step_id: str, steps: tuple[Step, ...]) -> str:
    return next(step.why for step in steps if step.id == step_id)


@pytest.mark.parametrize(
    ("diagnosis", "ids"),
    [
        (HIGH_BIAS, ["bigger_network", "train_longer", "different_optimizer", "different_model"]),
        (HIGH_VARIANCE, ["more_data", "regularize", "different_model"]),
        (diagnose(train_error=0.01, train_dev_error=0.015, dev_error=0.10), ["match_data"]),
        (diagnose(train_error=None, dev_error=0.02, test_error=0.18), ["bigger_dev_set"]),
        (diagnose(train_error=0.005, dev_error=0.01), ["stop_here"]),
        (diagnose(train_error=0.08, dev_error=0.08, human_error=0.10), ["stop_here"]),
        (diagnose(train_error=0.014, dev_error=0.0), ["match_data"]),
        (Diagnosis.without_gaps("diverged"), ["fix_training"]),
        (Diagnosis.without_gaps("not_learning"), ["fix_training"]),
        (Diagnosis.without_gaps("not_applicable"), []),
    ],
    ids=lambda value: value.tag if isinstance(value, Diagnosis) else None,
)
def test_each_diagnosis_gets_the_courses_steps_in_the_courses_order(diagnosis: Diagnosis, ids: list[str]) -> None:
    steps = recommend(diagnosis)

    assert _ids(steps) == ids


def test_the_focus_brings_its_steps_first() -> None:
    steps = recommend(diagnose(train_error=0.10, dev_error=0.30))

    assert _ids(steps)[:3] == ["more_data", "regularize", "different_model"]


def test_a_step_that_cures_two_problems_is_listed_once() -> None:
    steps = recommend(diagnose(train_error=0.15, dev_error=0.30))

    assert _ids(steps).count("different_model") == 1


def test_bias_while_still_learning_is_told_to_train_longer_first() -> None:
    steps = recommend(HIGH_BIAS, Evidence(curve="learning"))

    assert _ids(steps) == ["train_longer", "bigger_network", "different_optimizer", "different_model"]


def test_variance_while_still_learning_keeps_its_order() -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(curve="learning"))

    assert _ids(steps)[0] == "more_data"


def test_variance_of_an_overtrained_run_is_told_to_stop_earlier_too() -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(curve="overtrained"))

    assert _ids(steps) == ["more_data", "regularize", "different_model", "stop_earlier"]


def test_bias_of_an_overtrained_run_is_not_told_to_stop_earlier() -> None:
    steps = recommend(HIGH_BIAS, Evidence(curve="overtrained"))

    assert "stop_earlier" not in _ids(steps)


def test_training_longer_gives_the_curve_as_its_reason() -> None:
    steps = recommend(HIGH_BIAS, Evidence(curve="learning"))

    assert "among the latest epochs" in _why("train_longer", steps)
    assert "ended" not in _why("train_longer", steps)


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


def test_a_gap_that_may_be_chance_is_told_to_get_a_bigger_dev_set() -> None:
    (step,) = recommend(diagnose(train_error=0.0, dev_error=0.05, n_train=20, n_dev=20))

    assert step.id == "bigger_dev_set"
    assert "rest on too few examples to tell a gap from noise" in step.why


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


@given(curve=st.sampled_from(CURVES), parameters=st.none() | st.integers(0, 10**12), n_train=st.none() | st.integers(0, 10**9))
def test_every_step_says_why(curve: str | None, parameters: int | None, n_train: int | None) -> None:
    evidence = Evidence(curve=curve, model=ModelFacts(parameters=parameters), n_train=n_train)

    steps = recommend(diagnose(train_error=0.15, dev_error=0.30), evidence)

    assert all(step.title and step.why.endswith(".") for step in steps)
