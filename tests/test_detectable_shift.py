"""How large a difference between sets would have been seen, where none was found."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bvtrack import ShiftReport, compare_splits
from bvtrack.splits.comparing.distribution_tag import distribution_in_words

N_DRAWS = 100
N_TRAIN, N_DEV = 1200, 400
SHARES = np.array([0.3, 0.2, 0.2, 0.2, 0.1])
UP = np.array([1, 1, 0, 0, 0]) / 0.5
"""The first two classes hold half of the examples, by which a move of shares is hardest to see."""


def drawn(seed: int, n: int, *, moved: float = 0.0, shares: NDArray[Any] = SHARES) -> tuple[NDArray[Any], NDArray[Any]]:
    """Five columns, of which the second has moved by so many standard deviations, and classes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 5)) + moved * np.eye(5)[1], rng.choice(5, n, p=shares)


def moved_shares(size: float) -> NDArray[Any]:
    """The shares of the classes at this total variation distance."""
    changed: NDArray[Any] = SHARES * (1 + size * (UP - (2 - UP)))
    return changed


def found(report: ShiftReport, test: str) -> bool:
    return any(one.is_significant and one.test == test for one in report.comparisons)


def smallest(report: ShiftReport, test: str) -> float:
    return max(one.size for one in report.detectable if one.test == test)


def power(test: str, **changed: Any) -> float:
    reports = (
        compare_splits(train=drawn(2 * seed, N_TRAIN), dev=drawn(2 * seed + 1, N_DEV, **changed), leaks=False)
        for seed in range(N_DRAWS)
    )
    return sum(found(report, test) for report in reports) / N_DRAWS


@pytest.fixture(scope="module")
def report() -> ShiftReport:
    return compare_splits(train=drawn(0, N_TRAIN), dev=drawn(1, N_DEV), leaks=False)


def test_a_mean_that_moves_by_what_would_have_been_seen_is_found_in_four_cases_of_five(report: ShiftReport) -> None:
    size = smallest(report, "mean")

    assert 0.70 < power("mean", moved=size) < 0.90
    assert power("mean", moved=size / 2) < 0.25


def test_classes_that_move_by_what_would_have_been_seen_are_found_in_four_cases_of_five(report: ShiftReport) -> None:
    size = smallest(report, "classes")

    assert 0.70 < power("classes", shares=moved_shares(size)) < 0.90
    assert power("classes", shares=moved_shares(size / 2)) < 0.25


def test_no_difference_is_never_called_the_same_where_one_that_matters_would_have_been_missed(report: ShiftReport) -> None:
    large = compare_splits(train=drawn(0, 20_000), dev=drawn(1, 20_000), leaks=False)

    assert (report.tag, large.tag) == ("no_shift_found", "same")
    assert not any(one.is_harmless for one in report.detectable)
    assert all(one.is_harmless for one in large.detectable)


def test_the_finding_says_what_would_have_been_seen(report: ShiftReport) -> None:
    (finding,) = (one for one in report.findings if one.code == "unclear_distribution")

    assert finding.message.startswith(
        "no difference was found between train and dev; one of 0.24 standard deviations in a column or of 11 points in the "
        "classes' shares would have been seen (80 % power)"
    )


def test_the_targets_of_a_regression_have_a_difference_of_their_own() -> None:
    sets = (np.random.default_rng(seed).normal(size=(400, 3)) for seed in (2, 3))
    train, dev = ((values[:, :2], values[:, 2]) for values in sets)

    assert "standard deviations in the targets" in compare_splits(train=train, dev=dev).findings[0].message


@pytest.mark.parametrize(
    ("features", "targets"),
    [
        (np.zeros((30, 2)), None),
        (np.random.default_rng(0).normal(size=(3, 2)), [0, 1, 1]),
        ([f"a text of its own, number {index}" for index in range(40)], None),
    ],
    ids=["constants", "three rows", "texts"],
)
def test_what_no_test_looks_at_is_not_said_to_have_been_seen(features: Any, targets: Any) -> None:
    report = compare_splits(train=(features, targets), dev=(features, targets))

    assert report.tag.startswith("no_shift_found")
    assert "would have been seen" not in report.findings[0].message


def test_what_is_written_reads_as_it_was_and_so_does_what_an_older_version_wrote(report: ShiftReport) -> None:
    written = asdict(report)
    old = {name: value for name, value in written.items() if name != "detectable"}

    assert distribution_in_words(old) == ("no difference was found", "")
    assert "would have been seen" in distribution_in_words(written).seen  # type: ignore[union-attr]  # it is there
