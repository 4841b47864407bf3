from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import contradictions
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import Diagnosis, diagnose, recommend

PROBLEMS = ("high_bias", "high_variance", "data_mismatch", "dev_overfit")
STATES = {"balanced", "undetermined", "easier_dev", "beyond_human"}


def _possible(error: float, n: int | None) -> float:
    """The error nearest to the given one that so many examples can have."""
    return error if n is None else round(error * n) / n


FRACTIONS = st.floats(0, 1)
RATES = st.dictionaries(
    st.sampled_from(["train", "train_dev", "dev", "test"]),
    st.tuples(FRACTIONS, st.none() | st.integers(1, 10_000_000)).map(lambda rate: (_possible(*rate), rate[1])),
    min_size=1,
)

WORKED_EXAMPLES = Path(__file__).parents[2] / "shared" / "data" / "worked_examples.csv"
ROWS = list(csv.DictReader(WORKED_EXAMPLES.read_text().splitlines())) if WORKED_EXAMPLES.exists() else []
STRICT = [row for row in ROWS if row["note"].startswith("strict")]
FOCUS = [row for row in ROWS if row not in STRICT]
needs_worked_examples = pytest.mark.skipif(not ROWS, reason=f"{WORKED_EXAMPLES} is not there")


def _diagnose_row(row: dict[str, str]) -> Diagnosis:
    names = ("human_error", "train_error", "train_dev_error", "dev_error", "test_error")
    errors: dict[str, Any] = {name: float(row[name]) if row[name] else None for name in names}
    return diagnose(**errors, same_distribution=row["same_distribution"] != "no")


def _diagnose_rates(rates: Mapping[str, tuple[float, int | None]], **options: Any) -> Diagnosis:
    errors: dict[str, Any] = {f"{name}_error": error for name, (error, _) in rates.items()}
    counts: dict[str, Any] = {f"n_{name}": count for name, (_, count) in rates.items()}
    return diagnose(**{"train_error": None, **errors}, **counts, **options)


@pytest.mark.parametrize(
    ("train_error", "dev_error", "tag"),
    [
        (0.01, 0.11, "high_variance"),
        (0.15, 0.16, "high_bias"),
        (0.15, 0.30, "high_bias+high_variance"),
        (0.005, 0.01, "balanced"),
    ],
)
def test_each_example_of_the_course_gets_the_courses_verdict(train_error: float, dev_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=train_error, dev_error=dev_error)

    assert diagnosis.tag == tag


@needs_worked_examples
@pytest.mark.parametrize("row", STRICT, ids=[row["source"] for row in STRICT])
def test_strict_worked_example_gets_exactly_its_verdict(row: dict[str, str]) -> None:
    diagnosis = _diagnose_row(row)

    assert diagnosis.tag == row["expected_diagnosis"]


@needs_worked_examples
@pytest.mark.parametrize("row", FOCUS, ids=[row["source"] for row in FOCUS])
def test_focus_worked_example_gets_its_problem_to_attack_first(row: dict[str, str]) -> None:
    diagnosis = _diagnose_row(row)

    assert diagnosis.focus == row["expected_diagnosis"]


def test_dev_error_far_above_train_error_is_high_variance() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.20)

    assert diagnosis.problems == ("high_variance",)


@pytest.mark.parametrize(("train_error", "tag"), [(0.0149, "balanced"), (0.015, "high_bias"), (0.0151, "high_bias")])
def test_bias_is_named_from_one_and_a_half_points_on(train_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=train_error, dev_error=train_error, human_error=0.0)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "tag"), [(0.0199, "balanced"), (0.02, "high_variance"), (0.0201, "high_variance")])
def test_small_variance_is_named_from_one_point_on(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("train_error", "tag"), [(0.0499, "undetermined"), (0.05, "high_bias"), (0.0501, "high_bias")])
def test_an_assumed_bias_is_named_from_five_points_on(train_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=train_error, dev_error=train_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "is_named"), [(0.2222, True), (0.2223, False), (0.5, False)])
def test_an_assumed_bias_is_named_if_it_is_nearly_half_of_the_dev_error(dev_error: float, is_named: bool) -> None:
    diagnosis = diagnose(train_error=0.1, dev_error=dev_error)

    assert ("high_bias" in diagnosis.problems) is is_named


def test_an_assumed_bias_is_never_certain() -> None:
    diagnosis = diagnose(train_error=0.3, dev_error=0.3, n_train=1_000_000, n_dev=1_000_000)

    assert (diagnosis.tag, diagnosis.certainty) == ("high_bias", "likely")


@pytest.mark.parametrize(("train_error", "tag"), [(0.0149, "balanced"), (0.015, "undetermined"), (0.0499, "undetermined")])
def test_a_small_assumed_bias_is_undetermined(train_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=train_error, dev_error=train_error)

    assert diagnosis.tag == tag


def test_a_small_assumed_bias_leaves_another_gap_to_be_named() -> None:
    diagnosis = diagnose(train_error=0.03, dev_error=0.06)

    assert diagnosis.tag == "high_variance"


def test_a_small_assumed_bias_says_what_would_settle_it() -> None:
    diagnosis = diagnose(train_error=0.03, dev_error=0.03)

    assert "Whether the train error of 3.0 % is avoidable bias is not known" in diagnosis.explanation
    assert "(human_error=)" in diagnosis.explanation


@pytest.mark.parametrize("train_error", [0.03, 0.5, 0.99])
def test_a_bias_of_errors_that_are_no_shares_is_named_against_a_given_human_error_alone(train_error: float) -> None:
    assumed = diagnose(train_error=train_error, dev_error=train_error, is_error_rate=False)
    given = diagnose(train_error=train_error, dev_error=train_error, is_error_rate=False, human_error=0.01)

    assert (assumed.tag, given.tag) == ("undetermined", "high_bias")


@pytest.mark.parametrize(("dev_error", "is_named"), [(0.3733, False), (0.3734, True), (0.4, True)])
def test_variance_beside_bias_is_named_from_a_quarter_of_the_dev_error_on(dev_error: float, is_named: bool) -> None:
    diagnosis = diagnose(train_error=0.28, dev_error=dev_error)

    assert ("high_variance" in diagnosis.problems) is is_named


@pytest.mark.parametrize(("dev_error", "tag"), [(0.0044, "balanced"), (0.0045, "high_variance"), (0.0061, "high_variance")])
def test_variance_below_a_point_is_named_where_it_is_most_of_the_dev_error(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=0.002, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "tag"), [(0.0, "balanced"), (0.00049, "balanced"), (0.0005, "high_variance")])
def test_variance_below_a_twentieth_of_a_point_is_never_named(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=0.0, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "tag"), [(0.1866, "balanced"), (0.1867, "high_variance")])
def test_of_variance_only_what_lies_above_the_human_error_counts(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(human_error=0.14, train_error=0.05, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(
    ("train_error", "dev_error", "human_error"),
    [(0.31, 0.37, 0.29), (0.32, 0.37, 0.30), (0.42, 0.45, 0.40), (0.414, 0.425, 0.40)],
)
def test_the_widest_gap_is_named_with_a_narrower_one(train_error: float, dev_error: float, human_error: float) -> None:
    diagnosis = diagnose(train_error=train_error, dev_error=dev_error, human_error=human_error)

    assert max(diagnosis.gaps, key=lambda name: diagnosis.gaps[name].value) in (diagnosis.named_gaps or diagnosis.gaps)


def test_variance_of_several_points_is_named_beside_a_large_bias() -> None:
    diagnosis = diagnose(train_error=0.18, dev_error=0.24, human_error=0.02)

    assert diagnosis.tag == "high_bias+high_variance"


@pytest.mark.parametrize(("dev_error", "tag"), [(0.3199, "balanced"), (0.32, "high_variance"), (0.3201, "high_variance")])
def test_variance_below_that_share_is_named_from_twice_the_bias_on(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(human_error=0.29, train_error=0.30, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "tag"), [(0.2199, "balanced"), (0.22, "high_variance"), (0.2201, "high_variance")])
def test_variance_without_bias_is_named_from_two_points_on(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(human_error=0.20, train_error=0.20, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "is_named"), [(0.3733, False), (0.3734, True), (0.4, True)])
def test_mismatch_is_named_from_a_quarter_of_the_dev_error_on(dev_error: float, is_named: bool) -> None:
    diagnosis = diagnose(train_error=0.28, train_dev_error=0.28, dev_error=dev_error)

    assert ("data_mismatch" in diagnosis.problems) is is_named


@pytest.mark.parametrize(("test_error", "tag"), [(0.3733, "undetermined"), (0.3734, "dev_overfit"), (0.4, "dev_overfit")])
def test_dev_overfit_is_named_from_a_quarter_of_the_test_error_on(test_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=None, dev_error=0.28, test_error=test_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "tag"), [(0.0066, "balanced"), (0.0065, "easier_dev"), (0.001, "easier_dev")])
def test_dev_error_that_is_half_of_a_small_train_error_is_an_easier_dev_set(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(train_error=0.0145, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("dev_error", "tag"), [(0.0999, "beyond_human"), (0.1, "balanced"), (0.1001, "balanced")])
def test_dev_error_below_the_given_human_error_is_beyond_human(dev_error: float, tag: str) -> None:
    diagnosis = diagnose(human_error=0.10, train_error=0.10, dev_error=dev_error)

    assert diagnosis.tag == tag


@pytest.mark.parametrize(("train_error", "human_error"), [(0.115, 0.1), (0.265, 0.25), (0.715, 0.7), (0.915, 0.9)])
def test_bias_at_its_threshold_is_named_whatever_floats_make_of_it(train_error: float, human_error: float) -> None:
    diagnosis = diagnose(human_error=human_error, train_error=train_error, dev_error=train_error)

    assert diagnosis.tag == "high_bias"


@pytest.mark.parametrize(("train_error", "dev_error"), [(0.02, 0.03), (0.01, 0.02), (0.21, 0.30), (0.07, 0.10)])
def test_variance_at_its_threshold_is_named_whatever_floats_make_of_it(train_error: float, dev_error: float) -> None:
    diagnosis = diagnose(human_error=train_error - 0.005, train_error=train_error, dev_error=dev_error)

    assert diagnosis.tag == "high_variance"


def test_train_error_below_human_error_leaves_variance_to_be_named() -> None:
    diagnosis = diagnose(human_error=0.05, train_error=0.02, dev_error=0.11)

    assert diagnosis.tag == "high_variance"


def test_a_dev_error_below_the_human_error_is_beyond_human_however_low_the_train_error_is() -> None:
    diagnosis = diagnose(human_error=0.10, train_error=0.01, dev_error=0.08)

    assert diagnosis.tag == "beyond_human"


def test_dev_error_below_train_error_is_not_variance() -> None:
    diagnosis = diagnose(train_error=0.15, dev_error=0.14)

    assert diagnosis.tag == "high_bias"


@pytest.mark.parametrize(
    ("errors", "tag"),
    [
        ({"train_error": 0.15, "dev_error": 0.05}, "high_bias+easier_dev"),
        ({"train_error": 0.11, "dev_error": 0.01, "test_error": 0.10}, "high_bias+dev_overfit+easier_dev"),
        (
            {"train_error": 0.04, "train_dev_error": 0.10, "dev_error": 0.06, "human_error": 0.01},
            "high_bias+high_variance+easier_dev",
        ),
        ({"train_error": 0.89, "dev_error": 0.80}, "high_bias"),
    ],
)
def test_an_easier_dev_set_stands_beside_problems(errors: dict[str, Any], tag: str) -> None:
    diagnosis = diagnose(**errors)

    assert diagnosis.tag == tag
    assert ("were not swapped" in diagnosis.explanation) is ("easier_dev" in tag)


def test_a_test_set_that_is_easier_than_dev_is_said_to_be() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.11, test_error=0.02)

    assert diagnosis.tag == "high_variance"
    assert "The test set is easier than the dev set, by 9.0 points" in diagnosis.explanation


def test_all_four_problems_are_joined_in_their_order() -> None:
    diagnosis = diagnose(train_error=0.2, train_dev_error=0.4, dev_error=0.6, test_error=0.9)

    assert diagnosis.tag == "high_bias+high_variance+data_mismatch+dev_overfit"


def test_variance_is_measured_to_train_dev_where_there_is_one() -> None:
    diagnosis = diagnose(train_error=0.01, train_dev_error=0.015, dev_error=0.10)

    assert diagnosis.gaps["variance"].value == pytest.approx(0.005)


def test_focus_is_the_widest_gap() -> None:
    diagnosis = diagnose(train_error=0.14, dev_error=0.30)

    assert (diagnosis.tag, diagnosis.focus) == ("high_bias+high_variance", "high_variance")


def test_nothing_named_has_no_focus() -> None:
    diagnosis = diagnose(train_error=0.005, dev_error=0.01)

    assert diagnosis.focus is None


def test_different_sources_without_train_dev_error_leave_a_gap_undetermined() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.10, same_distribution=False)

    assert (diagnosis.tag, diagnosis.certainty) == ("undetermined", "unclear")


def test_different_sources_say_which_set_would_tell() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.10, same_distribution=False)

    assert "as a train-dev set" in diagnosis.explanation


def test_different_sources_with_train_dev_error_tell_mismatch_from_variance() -> None:
    diagnosis = diagnose(train_error=0.01, train_dev_error=0.015, dev_error=0.10, same_distribution=False)

    assert diagnosis.tag == "data_mismatch"


def test_different_sources_still_show_bias() -> None:
    diagnosis = diagnose(train_error=0.15, dev_error=0.30, same_distribution=False)

    assert diagnosis.tag == "high_bias"


def test_small_train_error_without_dev_error_is_undetermined() -> None:
    diagnosis = diagnose(train_error=0.01)

    assert (diagnosis.tag, diagnosis.certainty) == ("undetermined", "unclear")


def test_dev_error_alone_is_undetermined() -> None:
    diagnosis = diagnose(train_error=None, dev_error=0.30)

    assert diagnosis.tag == "undetermined"


def test_no_counts_make_a_problem_likely() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.11)

    assert diagnosis.certainty == "likely"


def test_many_examples_make_a_problem_certain() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.11, n_train=10_000, n_dev=10_000)

    assert (diagnosis.tag, diagnosis.certainty) == ("high_variance", "certain")


def test_an_interval_that_crosses_the_threshold_makes_a_problem_likely() -> None:
    diagnosis = diagnose(train_error=0.0, dev_error=0.012, n_train=1000, n_dev=1000)

    assert (diagnosis.tag, diagnosis.certainty) == ("high_variance", "likely")


def test_one_likely_problem_makes_the_whole_tag_likely() -> None:
    diagnosis = diagnose(train_error=0.10, dev_error=0.145, n_train=10_000, n_dev=10_000, human_error=0.05)

    assert (diagnosis.tag, diagnosis.certainty) == ("high_bias+high_variance", "likely")


def test_a_count_for_one_set_alone_gives_the_gap_no_interval() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.11, n_dev=10_000)

    assert diagnosis.gaps["variance"].low is None


def test_a_wide_gap_whose_interval_holds_zero_is_undetermined() -> None:
    diagnosis = diagnose(train_error=0.0, dev_error=0.05, n_train=20, n_dev=20)

    assert (diagnosis.tag, diagnosis.certainty) == ("undetermined", "unclear")


def test_a_gap_that_may_be_chance_says_how_many_examples_would_tell() -> None:
    diagnosis = diagnose(train_error=0.0, dev_error=0.05, n_train=20, n_dev=20)

    assert "about 91 examples a set would tell" in diagnosis.explanation


@pytest.mark.parametrize(("n", "certainty"), [(100, "likely"), (100_000, "certain")])
def test_balanced_is_certain_where_every_interval_stays_narrow(n: int, certainty: str) -> None:
    diagnosis = diagnose(train_error=0.005, dev_error=0.007, n_train=n, n_dev=n)

    assert (diagnosis.tag, diagnosis.certainty) == ("balanced", certainty)


@pytest.mark.parametrize(("n", "certainty"), [(None, "likely"), (100, "likely"), (10_000, "certain")])
def test_beyond_human_is_certain_where_the_dev_interval_stays_below(n: int | None, certainty: str) -> None:
    diagnosis = diagnose(human_error=0.10, train_error=0.08, dev_error=0.08, n_dev=n)

    assert (diagnosis.tag, diagnosis.certainty) == ("beyond_human", certainty)


@pytest.mark.parametrize(("n", "certainty"), [(2_000, "likely"), (1_000_000, "certain")])
def test_easier_dev_is_certain_where_its_interval_stays_wide(n: int, certainty: str) -> None:
    diagnosis = diagnose(train_error=0.014, dev_error=0.002, n_train=n, n_dev=n)

    assert (diagnosis.tag, diagnosis.certainty) == ("easier_dev", certainty)


def test_an_easier_dev_set_that_may_be_chance_is_balanced() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.0, n_train=100, n_dev=100)

    assert diagnosis.tag == "balanced"


@pytest.mark.parametrize(("human_error", "baseline"), [(None, "zero"), (0.0, "given"), (0.05, "given")])
def test_baseline_says_where_the_human_error_is_from(human_error: float | None, baseline: str) -> None:
    diagnosis = diagnose(train_error=0.10, human_error=human_error)

    assert diagnosis.baseline == baseline


def test_an_assumed_human_error_is_said() -> None:
    diagnosis = diagnose(train_error=0.10)

    assert "human error 0.0 % (assumed: none was given)" in diagnosis.explanation


def test_a_given_human_error_of_zero_is_not_called_assumed() -> None:
    diagnosis = diagnose(train_error=0.10, human_error=0.0)

    assert "human error 0.0 %." in diagnosis.explanation


def test_the_explanation_gives_a_gap_with_its_interval() -> None:
    diagnosis = diagnose(train_error=0.01, dev_error=0.11, n_train=1000, n_dev=1000)

    assert "Variance is 10.0 points (95 % interval 8.0 to 12.1)." in diagnosis.explanation


@pytest.mark.parametrize("argument", ["train_error", "train_dev_error", "dev_error", "test_error", "human_error"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -0.001, 1.001])
def test_an_error_that_is_no_fraction_is_refused_by_name(argument: str, value: float) -> None:
    arguments: dict[str, Any] = {"train_error": 0.1} | {argument: value}

    with pytest.raises(ValueError, match=rf"^{argument} must be a fraction in \[0, 1\]; got {value!r}"):
        diagnose(**arguments)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_ends_of_the_fraction_are_accepted(value: float) -> None:
    diagnosis = diagnose(train_error=value, dev_error=value)

    assert diagnosis.errors == {"train": value, "dev": value}


@pytest.mark.parametrize("name", ["train", "train_dev", "dev", "test"])
@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_a_count_that_counts_nothing_is_refused_by_name(name: str, count: float) -> None:
    arguments: dict[str, Any] = {"train_error": 0.1} | {f"{name}_error": 0.1, f"n_{name}": count}

    with pytest.raises(ValueError, match=f"^n_{name} must be a whole number of examples, at least 1; got {count}"):
        diagnose(**arguments)


@pytest.mark.parametrize("name", ["train_dev", "dev", "test"])
def test_a_count_without_its_error_is_refused(name: str) -> None:
    arguments: dict[str, Any] = {"train_error": 0.1, f"n_{name}": 100}

    with pytest.raises(ValueError, match=f"n_{name}=100 was given without {name}_error"):
        diagnose(**arguments)


def test_no_error_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least one error"):
        diagnose(train_error=None)


@pytest.mark.parametrize("state", ["diverged", "not_learning", "not_applicable"])
def test_a_state_without_gaps_is_certain(state: str) -> None:
    diagnosis = Diagnosis.without_gaps(state)

    assert (diagnosis.tag, diagnosis.certainty, diagnosis.gaps) == (state, "certain", {})


def test_undetermined_without_gaps_is_unclear() -> None:
    diagnosis = Diagnosis.without_gaps("undetermined")

    assert diagnosis.certainty == "unclear"


def test_a_state_that_needs_gaps_is_refused_without_them() -> None:
    with pytest.raises(ValueError, match=r"a state without gaps is one of .*; got 'balanced'"):
        Diagnosis.without_gaps("balanced")


@given(rates=RATES, human_error=st.none() | FRACTIONS, same_distribution=st.booleans())
@settings(deadline=None)
def test_every_valid_input_gets_a_tag_of_the_contract(
    rates: dict[str, tuple[float, int | None]], human_error: float | None, same_distribution: bool
) -> None:
    diagnosis = _diagnose_rates(rates, human_error=human_error, same_distribution=same_distribution)

    assert diagnosis.tag in STATES or diagnosis.tag.removesuffix("+easier_dev").split("+") == list(diagnosis.problems)
    assert list(diagnosis.problems) == [name for name in PROBLEMS if name in diagnosis.problems]


@given(rates=RATES)
@settings(deadline=None)
def test_focus_is_one_of_the_problems_or_nothing(rates: dict[str, tuple[float, int | None]]) -> None:
    diagnosis = _diagnose_rates(rates)

    assert diagnosis.focus in (diagnosis.problems or (None,))


@given(rates=RATES, human_error=st.none() | FRACTIONS)
def test_nothing_is_certain_without_counts(rates: dict[str, tuple[float, int | None]], human_error: float | None) -> None:
    uncounted = {name: (error, None) for name, (error, _) in rates.items()}

    diagnosis = _diagnose_rates(uncounted, human_error=human_error)

    assert diagnosis.certainty in {"likely", "unclear"}


@given(rates=RATES)
@settings(deadline=None)
def test_unclear_and_undetermined_are_the_same_answer(rates: dict[str, tuple[float, int | None]]) -> None:
    diagnosis = _diagnose_rates(rates)

    assert (diagnosis.certainty == "unclear") is (diagnosis.tag == "undetermined")


@given(train_error=FRACTIONS, dev_error=FRACTIONS, worse=FRACTIONS)
def test_a_higher_dev_error_never_hides_variance(train_error: float, dev_error: float, worse: float) -> None:
    lower, higher = sorted([dev_error, worse])
    before = diagnose(train_error=train_error, dev_error=lower)

    after = diagnose(train_error=train_error, dev_error=higher)

    assert "high_variance" in after.problems or "high_variance" not in before.problems


def test_a_run_that_diverged_keeps_the_human_error_it_was_given() -> None:
    diagnosis = Diagnosis.without_gaps("diverged", {"train": 0.1}, human_error=0.05)

    assert (diagnosis.human_error, diagnosis.baseline) == (0.05, "given")


@pytest.mark.parametrize("count", [math.inf, math.nan, True])
def test_a_count_that_is_no_whole_number_is_refused(count: float) -> None:
    with pytest.raises(ValueError, match="n_train must be a whole number of examples"):
        diagnose(train_error=0.1, n_train=count)  # type: ignore[arg-type]  # wrong on purpose


def test_intervals_stand_in_for_counts_where_an_error_is_no_rate() -> None:
    intervals = {"train": (0.0, 0.02), "dev": (0.1, 0.13)}
    found = diagnose(train_error=0.01, dev_error=0.11, intervals=intervals)

    gap = found.gaps["variance"]
    assert gap.low == pytest.approx(0.1 - math.hypot(0.01, 0.01))
    assert gap.high == pytest.approx(0.1 + math.hypot(0.02, 0.01))
    assert (found.tag, found.certainty) == ("high_variance", "certain")


def test_how_many_times_as_many_examples_would_tell_is_said_of_an_interval() -> None:
    found = diagnose(train_error=0.0, dev_error=0.10, intervals={"train": (0.0, 0.0), "dev": (-0.05, 0.25)})

    assert found.tag == "undetermined"
    assert "3 times as many examples a set would tell" in found.explanation


@pytest.mark.parametrize(
    ("intervals", "message"),
    [
        ({"test": (0.0, 0.1)}, "intervals\\['test'\\] was given without test_error"),
        ({"dev": (0.2, 0.3)}, "intervals\\['dev'\\] must hold dev_error, 0.1; got 0.2 to 0.3"),
    ],
)
def test_an_interval_that_cannot_be_is_refused(intervals: dict[str, tuple[float, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        diagnose(train_error=0.0, dev_error=0.1, intervals=intervals)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ({"train_error": 0.1}, "There is no dev error, so variance cannot be measured"),
        ({"train_error": 0.1, "dev_error": 0.2, "same_distribution": False}, "variance and data mismatch cannot be told apart"),
        ({"train_error": 0.01, "train_dev_error": 0.2}, "There is no dev error, so data mismatch cannot be measured"),
        ({"train_error": None, "dev_error": 0.02, "test_error": 0.18}, "neither bias nor variance can be measured"),
    ],
)
def test_a_named_problem_does_not_hide_what_could_not_be_measured(arguments: dict[str, Any], missing: str) -> None:
    diagnosis = diagnose(**arguments)

    assert diagnosis.problems
    assert missing in diagnosis.explanation


@pytest.mark.parametrize("value", ["5%", "0.05", [0.05], object()])
def test_an_error_that_is_no_number_is_refused_in_a_sentence(value: Any) -> None:
    with pytest.raises(ValueError, match=r"human_error must be a fraction in \[0, 1\]; got"):
        diagnose(train_error=0.1, human_error=value)


def test_a_count_that_is_no_number_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="n_dev must be a whole number of examples, at least 1; got '100'"):
        diagnose(train_error=0.1, dev_error=0.1, n_dev="100")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(("error", "n"), [(0.15, 3), (0.5, 1), (0.0201, 20)])
def test_a_count_that_contradicts_its_error_is_refused(error: float, n: int) -> None:
    with pytest.raises(ValueError, match=f"dev_error must be a share of n_dev={n} examples; got {error}"):
        diagnose(train_error=0.01, dev_error=error, n_dev=n)


@pytest.mark.parametrize(("error", "n"), [(0.33, 3), (0.11, 130), (1.0, 1), (0.02, 20)])
def test_an_error_that_is_nearly_a_whole_number_of_examples_is_a_share(error: float, n: int) -> None:
    assert diagnose(train_error=0.01, dev_error=error, n_dev=n).counts == {"dev": n}


def test_a_gap_that_lies_below_the_human_error_is_said_to() -> None:
    diagnosis = diagnose(human_error=0.10, train_error=0.02, dev_error=0.11)

    assert diagnosis.tag == "balanced"
    assert "Of the variance only 1.0 points lie above the human error" in diagnosis.explanation


@pytest.mark.parametrize(("wrong", "tag"), [(1, "balanced"), (3, "balanced"), (4, "undetermined")])
def test_of_few_examples_a_gap_below_one_point_is_no_reason_for_doubt(wrong: int, tag: str) -> None:
    diagnosis = diagnose(train_error=0.0, dev_error=wrong / 360, n_train=360, n_dev=360)

    assert diagnosis.tag == tag


@pytest.mark.parametrize("train_error", [0.31, 0.30, 0.2999, 0.299, 0.285])
def test_a_train_error_near_the_human_one_leaves_variance_to_be_named(train_error: float) -> None:
    diagnosis = diagnose(human_error=0.30, train_error=train_error, dev_error=0.38, n_train=50_000, n_dev=50_000)

    assert diagnosis.tag == "high_variance"


def test_a_gap_that_may_be_chance_asks_for_a_bigger_dev_set() -> None:
    diagnosis = diagnose(train_error=0.0, dev_error=0.02, n_train=100, n_dev=100)

    assert "may be chance" in diagnosis.explanation
    assert "bigger_dev_set" in [step.id for step in recommend(diagnosis)][:2]


def test_a_gap_that_may_be_chance_leaves_no_narrower_one_named_alone() -> None:
    diagnosis = diagnose(train_error=0.06, dev_error=0.12, human_error=0.02, n_train=1000, n_dev=50)

    assert (diagnosis.tag, diagnosis.unclear_gaps) == ("undetermined", ("variance",))
    assert "The avoidable bias is narrower than that" in diagnosis.explanation


def test_a_gap_that_may_be_chance_stands_behind_a_wider_one_that_is_none() -> None:
    diagnosis = diagnose(train_error=0.30, dev_error=0.42, human_error=0.02, n_train=1000, n_dev=50)

    assert (diagnosis.tag, diagnosis.unclear_gaps, diagnosis.certainty) == ("high_bias", ("variance",), "likely")


@pytest.mark.parametrize(("n", "tag"), [(50, "undetermined"), (100, "high_bias"), (1000, "high_bias")])
def test_one_wrong_example_in_fifty_is_no_bias(n: int, tag: str) -> None:
    diagnosis = diagnose(train_error=0.02, dev_error=0.02, human_error=0.0, n_train=n, n_dev=n)

    assert diagnosis.tag == tag


@given(st.integers(0, 2**32 - 1))
def test_no_verdict_contradicts_itself(seed: int) -> None:
    diagnosis = contradictions.random_diagnosis(np.random.default_rng(seed))

    assert not list(contradictions.contradictions(diagnosis))


@pytest.mark.parametrize("n", [None, 1_000, 10_000])
@pytest.mark.parametrize("seed", range(20))
def test_no_problem_takes_the_place_of_another_at_a_step_of_a_tenth_of_a_point(seed: int, n: int | None) -> None:
    path = contradictions.random_path(np.random.default_rng(seed))

    assert contradictions.swaps_along(path, n) == 0


@pytest.mark.parametrize("train_error", [0.039, 0.04])
def test_an_assumed_bias_is_not_named_for_the_sake_of_a_gap_that_may_be_chance(train_error: float) -> None:
    diagnosis = diagnose(train_error=train_error, dev_error=0.059, n_train=1_000, n_dev=1_000)

    assert "high_bias" not in diagnosis.problems


@pytest.mark.parametrize(
    ("train_errors", "dev_error", "human_error"), [((0.0455, 0.0445), 0.06, 0.0305), ((0.05, 0.049), 0.0665, None)]
)
def test_where_the_borders_of_two_problems_meet_both_are_named(
    train_errors: tuple[float, float], dev_error: float, human_error: float | None
) -> None:
    tags = [diagnose(train_error=train, dev_error=dev_error, human_error=human_error).tag for train in train_errors]

    assert "high_bias+high_variance" in tags


def test_a_dev_overfit_that_may_be_chance_hides_no_variance() -> None:
    errors = {"train_error": 0.04, "dev_error": 0.076, "n_train": 1_500, "n_dev": 500}

    without, beside = diagnose(**errors), diagnose(**errors, test_error=0.16, n_test=25)  # type: ignore[arg-type]

    assert beside.unclear_gaps == ("dev_overfit",)
    assert (beside.problems, beside.certainty) == (without.problems, "likely")


@given(train=st.integers(0, 100), dev=st.integers(0, 100), test=st.integers(0, 100), human=st.sampled_from([None, 0.0, 0.05]))
def test_the_test_error_decides_nothing_but_dev_overfit(train: int, dev: int, test: int, human: float | None) -> None:
    errors: dict[str, Any] = {
        "train_error": train / 100,
        "dev_error": dev / 100,
        "human_error": human,
        "n_train": 100,
        "n_dev": 100,
    }

    without, beside = diagnose(**errors), diagnose(**errors, test_error=test / 100, n_test=100)

    assert tuple(name for name in beside.problems if name != "dev_overfit") == without.problems
