"""Whole-number targets: prices, ages and counts are quantities, codes are classes, the rest is compared as both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bvtrack import ShiftReport, compare_splits, profile
from bvtrack.splits.profiling.target_kinds import kind_of_whole

Rng = np.random.Generator
Whole = NDArray[np.int64]
N = 1000


def _drawn(rng: Rng, k: int, weights: Any, n: int) -> Whole:
    return rng.choice(k, n, p=np.asarray(weights, float) / np.sum(weights))


def _ages(rng: Rng, n: int) -> Whole:
    return np.clip(rng.gamma(2.2, 16, n).round(), 0, 90).astype(int)


def _heaped_ages(rng: Rng, n: int) -> Whole:
    """One in four rounds to five years."""
    ages = _ages(rng, n)
    return np.where(rng.random(n) < 0.25, 5 * (ages / 5).round().astype(int), ages)


def _names(rng: Rng, k: int, n: int) -> Whole:
    """Numbers of speakers: few of many."""
    return rng.choice(rng.choice(9000, k, replace=False), n)


QUANTITIES: dict[str, Callable[[Rng, int], Whole]] = {
    "ages": _ages,
    "ages of which some are rounded": _heaped_ages,
    "ages of adults": lambda rng, n: np.clip(18 + rng.gamma(2, 11, n).round(), 18, 90).astype(int),
    "prices": lambda rng, n: rng.lognormal(12, 0.4, n).round().astype(int),
    "prices in hundreds": lambda rng, n: 100 * rng.lognormal(7.5, 0.4, n).round().astype(int),
    "prices in thousands": lambda rng, n: 1000 * rng.lognormal(5, 0.4, n).round().astype(int),
    "prices that end in 9": lambda rng, n: 10 * rng.lognormal(3, 1, n).round().astype(int) + 9,
    "counts around 30": lambda rng, n: rng.poisson(30, n),
    "sales that are often 0": lambda rng, n: np.where(rng.random(n) < 0.6, 0, rng.lognormal(6, 1, n)).astype(int),
    "years": lambda rng, n: 2020 - np.minimum(rng.gamma(2, 6, n), 80).astype(int),
    "scores of 100": lambda rng, n: np.clip(rng.normal(66, 15, n).round(), 0, 100).astype(int),
    "disease progression": lambda rng, n: np.clip(rng.gamma(3.9, 39, n), 25, 346).astype(int),
    "temperatures": lambda rng, n: rng.normal(8, 10, n).round().astype(int),
    "seconds since 1970": lambda rng, n: rng.integers(1_500_000_000, 1_600_000_000, n),
}
CLASSES: dict[str, Callable[[Rng, int], Whole]] = {
    "two": lambda rng, n: rng.integers(0, 2, n),
    "digits": lambda rng, n: rng.integers(0, 10, n),
    "ratings to 5": lambda rng, n: _drawn(rng, 5, [1, 2, 4, 7, 6], n) + 1,
    "letters": lambda rng, n: rng.integers(0, 26, n),
    "100, equally many": lambda rng, n: rng.permutation(np.arange(n) % 100),
    "102 flowers": lambda rng, n: _drawn(rng, 102, rng.dirichlet(6 * np.ones(102)), n) + 1,
    "100, long-tailed": lambda rng, n: rng.permutation(100)[_drawn(rng, 100, 100 ** -np.linspace(0, 1, 100), n)],
    "speakers": lambda rng, n: _names(rng, 60, n),
    "23 attacks": lambda rng, n: rng.permutation(23)[_drawn(rng, 23, 2.0 ** -np.arange(23), n)],
}
EITHER: dict[str, Callable[[Rng, int], Whole]] = {
    "small counts": lambda rng, n: rng.poisson(3, n),
    "ratings to 10": lambda rng, n: np.clip(rng.normal(6.5, 1.8, n).round(), 1, 10).astype(int),
    "waiting times, or classes by frequency": lambda rng, n: rng.geometric(0.05, n) - 1,
    "years, equally many": lambda rng, n: rng.integers(1950, 2021, n),
    "words": lambda rng, n: np.random.default_rng(7).permutation(30_000)[_drawn(rng, 30_000, 1 / np.arange(1, 30_001), n)],
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, known in (("numbers", QUANTITIES), ("classes", CLASSES), ("either", EITHER)) for name in known],
)
def test_whole_numbers_are_told_apart_by_how_often_each_occurs(kind: str, name: str) -> None:
    draw = (QUANTITIES | CLASSES | EITHER)[name]

    found = [kind_of_whole(draw(np.random.default_rng(seed), N)) for seed in range(20)]

    assert found.count(kind) >= 0.85 * len(found)  # type: ignore[arg-type]  # one of Whole's


@pytest.mark.parametrize("name", [*QUANTITIES, *EITHER])
@pytest.mark.parametrize("n", [300, 2000])
def test_quantities_are_never_called_classes_that_train_lacks(name: str, n: int) -> None:
    draw, rng = (QUANTITIES | EITHER)[name], np.random.default_rng(0)

    report = _compare(draw(rng, n), draw(rng, n // 2))

    assert not [finding for finding in report.findings if "unseen_classes" in finding.code]


@pytest.mark.parametrize("name", [*QUANTITIES, "small counts", "ratings to 10"])
@pytest.mark.parametrize("n", [300, 2000])
def test_quantities_that_are_a_standard_deviation_higher_are_shifted(name: str, n: int) -> None:
    draw, rng = (QUANTITIES | EITHER)[name], np.random.default_rng(0)
    train, dev = draw(rng, n), draw(rng, n // 2)

    report = _compare(train, dev + round(train.std()))

    assert report.verdict == "shifted"


def test_evenly_spread_ages_are_taken_for_codes_and_still_seen_to_move() -> None:
    rng = np.random.default_rng(0)
    train, dev = rng.integers(0, 91, 400), rng.integers(26, 91, 150)

    assert profile(np.zeros((400, 1)), train).layout.targets == "classes"
    assert _compare(train, dev).verdict == "shifted"


@pytest.mark.parametrize("k", [100, 1000])
def test_a_class_that_train_lacks_is_named_among_many(k: int) -> None:
    rng = np.random.default_rng(0)
    train, dev = rng.permutation(np.repeat(np.arange(k), 5000 // k)), rng.integers(0, k, 1000)
    train[train == 42] = 7

    findings = {finding.code: finding for finding in _compare(train, np.r_[dev, [42] * 30]).findings}

    assert findings["dev_has_unseen_classes"].level == "warning"
    assert "42 (" in findings["dev_has_unseen_classes"].message


def test_labels_that_may_be_either_and_are_new_to_train_are_a_note() -> None:
    rng = np.random.default_rng(0)

    findings = {found.code: found for found in _compare(rng.poisson(3, 1000), np.r_[rng.poisson(3, 400), [77] * 20]).findings}

    assert findings["dev_has_unseen_classes"].level == "note"
    assert "77 (20)" in findings["dev_has_unseen_classes"].message
    assert "if they are classes and no quantities" in findings["dev_has_unseen_classes"].message


@pytest.mark.parametrize("kind", ["int64", "uint8", "int32"])
def test_the_type_of_whole_numbers_does_not_matter(kind: str) -> None:
    ages = _ages(np.random.default_rng(0), 1000).astype(kind)

    assert profile(np.zeros((1000, 1)), ages[:, None]).layout.targets == "numbers"


def test_quantities_add_up_and_come_back_from_json() -> None:
    ages, features = _ages(np.random.default_rng(0), 1000), np.zeros((1000, 1))
    whole = profile(features, ages)

    halves = [profile(features[some], ages[some], like=whole) for some in (slice(600), slice(600, None))]

    assert (halves[1] | halves[0]).digest == whole.digest == type(whole).from_json(whole.to_json()).digest


def _compare(train: Whole, dev: Whole) -> ShiftReport:
    return compare_splits(train=(np.zeros((len(train), 1)), train), dev=(np.zeros((len(dev), 1)), dev), leaks=False)
