from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import SplitReport, check_split

COUNTS = st.integers(1, 10_000_000)


def _codes(report: SplitReport) -> list[str]:
    return [finding.code for finding in report.findings]


@pytest.mark.parametrize(
    ("train", "dev", "test"),
    [(60, 20, 20), (70, 15, 15), (55, 25, 20), (600_000, 200_000, 200_000), (990_001, 5_000, 5_000)],
)
def test_a_split_by_the_guidelines_is_ok(train: int, dev: int, test: int) -> None:
    report = check_split(train=train, dev=dev, test=test)

    assert report.ok
    assert report.tag == "ok"


@pytest.mark.parametrize(("train", "codes"), [(59, ["too_few_examples"]), (60, []), (61, [])])
def test_fewer_than_a_hundred_examples_are_too_few(train: int, codes: list[str]) -> None:
    report = check_split(train=train, dev=20, test=20)

    assert _codes(report) == codes


def test_too_few_examples_are_a_warning() -> None:
    report = check_split(train=30, dev=10, test=10)

    assert not report.ok


@pytest.mark.parametrize(("dev", "codes"), [(149, ["dev_too_small"]), (150, []), (151, [])])
def test_a_dev_set_below_fifteen_percent_is_too_small(dev: int, codes: list[str]) -> None:
    report = check_split(train=850 - dev, dev=dev, test=150)

    assert _codes(report) == codes


@pytest.mark.parametrize(("test", "codes"), [(249, []), (250, []), (251, ["test_too_large"])])
def test_a_test_set_above_a_quarter_is_too_large(test: int, codes: list[str]) -> None:
    report = check_split(train=800 - test, dev=200, test=test)

    assert _codes(report) == codes


@pytest.mark.parametrize(("dev", "codes"), [(300, ["no_test_set"]), (301, ["dev_too_large", "no_test_set"])])
def test_without_test_set_dev_may_take_five_points_more(dev: int, codes: list[str]) -> None:
    report = check_split(train=1000 - dev, dev=dev)

    assert _codes(report) == codes


def test_a_missing_test_set_is_only_a_note() -> None:
    report = check_split(train=800, dev=200)

    assert report.ok


def test_a_missing_test_set_makes_it_a_train_dev_split() -> None:
    (finding,) = check_split(train=800, dev=200).findings

    assert "this a train/dev split" in finding.message


@pytest.mark.parametrize(("dev", "level"), [(384, "warning"), (385, "note")])
def test_a_small_share_is_a_warning_only_where_it_is_too_coarse_to_judge_by(dev: int, level: str) -> None:
    (finding,) = check_split(train=80_000 - dev, dev=dev, test=20_000).findings

    assert (finding.code, finding.level) == ("dev_too_small", level)


def test_a_large_share_is_only_a_note() -> None:
    report = check_split(train=400, dev=400, test=200)

    assert report.ok
    assert (report.tag, _codes(report)) == ("ok", ["dev_too_large"])


@pytest.mark.parametrize(
    ("total", "codes"),
    [
        (999_999, ["dev_too_small", "test_too_small"]),
        (1_000_000, ["dev_too_small", "test_too_small"]),
        (1_000_001, []),
    ],
)
def test_half_a_percent_is_enough_above_a_million_examples(total: int, codes: list[str]) -> None:
    report = check_split(train=total - 10_000, dev=5_000, test=5_000)

    assert _codes(report) == codes


@pytest.mark.parametrize(("dev", "codes"), [(19_999, []), (20_000, []), (20_001, ["dev_too_large"])])
def test_more_than_one_percent_is_too_much_above_a_million_examples(dev: int, codes: list[str]) -> None:
    report = check_split(train=1_990_000 - dev, dev=dev, test=10_000)

    assert _codes(report) == codes


@pytest.mark.parametrize(("dev", "codes"), [(384, ["dev_too_small"]), (385, [])])
def test_a_dev_set_too_coarse_to_judge_by_is_too_small_above_a_million_examples(dev: int, codes: list[str]) -> None:
    report = check_split(train=2_000_000, dev=dev, test=10_000)

    assert _codes(report) == codes


def test_several_warnings_are_joined_in_the_tag() -> None:
    report = check_split(train=900, dev=100, test=100)

    assert report.tag == "dev_too_small+test_too_small"


def test_a_train_dev_set_counts_with_the_training_data() -> None:
    report = check_split(train=55, train_dev=5, dev=20, test=20)

    assert report.tag == "ok"


@pytest.mark.parametrize(("n", "half_width"), [(100, 0.0588), (1_000, 0.0186), (10_000, 0.0059)])
def test_resolution_is_how_well_a_held_out_set_knows_a_ten_percent_error(n: int, half_width: float) -> None:
    report = check_split(train=3 * n, dev=n, test=2 * n)

    assert report.resolution["dev"] == pytest.approx(half_width, abs=5e-5)


def test_resolution_speaks_of_the_held_out_sets_that_are_there() -> None:
    report = check_split(train=600, train_dev=50, dev=200)

    assert report.resolution.keys() == {"dev"}


def test_a_finding_says_count_share_guideline_and_resolution() -> None:
    (finding,) = check_split(train=84_000, dev=1_000, test=15_000).findings

    assert "1,000 of 100,000 examples (1.0 %; the guideline is 20.0 %)" in finding.message
    assert "measures a 10.0 % error to ±1.9 points" in finding.message


@pytest.mark.parametrize("name", ["train", "dev", "test", "train_dev"])
@pytest.mark.parametrize("count", [0, -5, 1.5, True])
def test_a_count_that_counts_nothing_is_refused_by_name(name: str, count: float) -> None:
    counts: dict[str, Any] = {"train": 60, "dev": 20} | {name: count}

    with pytest.raises(ValueError, match=rf"^{name} must be a whole number of examples, at least 1; got {count}"):
        check_split(**counts)


@given(fifth=st.integers(20, 200_000))
def test_sixty_twenty_twenty_is_always_ok_up_to_a_million(fifth: int) -> None:
    report = check_split(train=3 * fifth, dev=fifth, test=fifth)

    assert report.findings == ()


@given(train=COUNTS, dev=COUNTS, test=st.none() | COUNTS, train_dev=st.none() | COUNTS)
def test_no_set_is_both_too_small_and_too_large(train: int, dev: int, test: int | None, train_dev: int | None) -> None:
    codes = _codes(check_split(train=train, dev=dev, test=test, train_dev=train_dev))

    assert not {"dev_too_small", "dev_too_large"} <= set(codes)
    assert not {"test_too_small", "test_too_large"} <= set(codes)


@given(dev=COUNTS)
def test_four_times_the_examples_halve_the_resolution(dev: int) -> None:
    coarse = check_split(train=100, dev=dev).resolution["dev"]

    fine = check_split(train=100, dev=4 * dev).resolution["dev"]

    assert math.isclose(fine, coarse / 2)


def test_a_count_that_is_no_number_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="train must be a whole number of examples, at least 1; got '100'"):
        check_split(train="100", dev=20)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(("train", "dev", "gap"), [(6_000, 2_000, 0.0186), (60, 20, 0.1518), (980_000, 10_000, 0.0083)])
def test_the_smallest_gap_that_a_split_can_tell_follows_from_its_sizes(train: int, dev: int, gap: float) -> None:
    assert check_split(train=train, dev=dev).smallest_gap == pytest.approx(gap, abs=1e-4)


@pytest.mark.parametrize(
    "sizes",
    [
        {"train": 9_800_000, "dev": 100_000, "test": 100_000},
        {"train": 9_500_000, "dev": 250_000, "test": 250_000},
    ],
)
def test_the_courses_other_answers_for_ten_million_are_at_most_a_note(sizes: dict[str, int]) -> None:
    assert {finding.level for finding in check_split(**sizes).findings} <= {"note"}
