"""Labels as they are: a set without them, and the same ones written otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bvtrack import ShiftReport, compare_splits, profile

N = 300
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(N, 2))
CLASSES, TRUTHS = np.arange(N) % 3, np.arange(N) % 2


def _compare(train: Any, dev: Any, test: Any = None) -> ShiftReport:
    sets = [None if labels is None else (RNG.normal(size=(N, 2)), labels) for labels in (train, dev, test)]
    return compare_splits(train=sets[0], dev=sets[1], test=sets[2], leaks=False)


@pytest.mark.parametrize("labels", [CLASSES, CLASSES.astype(float), CLASSES.astype(str), np.eye(3)[CLASSES]])
@pytest.mark.parametrize(
    "of_test",
    [None, np.full(N, np.nan), [None] * N, pd.Series([pd.NA] * N)],
    ids=["none", "all NaN", "all None", "all NA"],
)
def test_a_test_set_without_labels_is_compared_by_its_features(labels: Any, of_test: Any) -> None:
    test = FEATURES + 1 if of_test is None else (FEATURES + 1, of_test)

    report = compare_splits(train=(FEATURES, labels), dev=(FEATURES, labels), test=test, leaks=False)

    assert [(one.code, one.level) for one in report.findings if "label" in one.code] == [("test_has_no_labels", "note")]
    assert "test has no labels: only its features were compared with those of train and dev" in report.findings[-1].message
    assert report.verdict == "shifted"
    assert not any(one.is_significant and one.what == "label" for one in report.comparisons)


def test_a_table_without_its_column_of_labels_is_such_a_set() -> None:
    table = pd.DataFrame({"x": RNG.normal(size=N), "label": CLASSES})

    report = compare_splits(train=table, dev=table, test=table.drop(columns="label"), leaks=False)

    assert [one.code for one in report.findings if "label" in one.code] == ["test_has_no_labels"]


def test_labels_that_only_a_later_set_has_are_not_compared_and_that_is_said() -> None:
    report = compare_splits(train=FEATURES, dev=(FEATURES, CLASSES), leaks=False)

    assert "train has no labels: only its features were compared with those of dev" in report.findings[-1].message


@pytest.mark.parametrize("label", [-1, -100, -999])
def test_one_label_that_stands_for_none_is_none(label: int) -> None:
    report = _compare(CLASSES, CLASSES, np.full(N, label))

    (finding,) = (one for one in report.findings if "label" in one.code or "class" in one.code)
    assert finding.message.startswith(f"test has no labels, only {label}: ")


def test_labels_of_which_some_are_minus_one_are_labels() -> None:
    report = _compare(CLASSES, np.where(np.arange(N) < 30, -1, CLASSES))

    assert [one.code for one in report.findings if "class" in one.code] == ["dev_has_unseen_classes"]


@pytest.mark.parametrize(
    ("train", "dev"),
    [
        (CLASSES, CLASSES.astype(str)),
        (CLASSES.astype(str), CLASSES),
        (CLASSES, CLASSES.astype(float)),
        (CLASSES.astype(str), CLASSES.astype(float)),
        (CLASSES, CLASSES.astype(object)),
        (TRUTHS, TRUTHS == 1),
        (TRUTHS == 1, TRUTHS.astype(str)),
        (CLASSES.astype(float), CLASSES.astype(str)),
        (RNG.normal(size=N), RNG.normal(size=N).astype(str)),
        (pd.array(CLASSES, dtype="Int64"), CLASSES),
        (pd.Categorical(CLASSES), CLASSES),
    ],
)
def test_labels_of_another_type_are_the_same_labels(train: Any, dev: Any) -> None:
    report = _compare(train, dev)

    assert not any(one.is_significant for one in report.comparisons)
    assert not [one for one in report.findings if "class" in one.code or "label" in one.code]


@pytest.mark.parametrize(
    ("train", "dev", "named"),
    [
        (CLASSES, CLASSES.astype(float).astype(str), "'0.0' for '0'"),
        (TRUTHS == 1, (TRUTHS == 1).astype(str), "'False' for '0'"),
        ([">50K", "<=50K"] * 150, [" >50K.", " <=50K."] * 150, "' >50K.' for '>50K'"),
        (["Cat", "Dog"] * 150, ["cat", "dog"] * 150, "'cat' for 'Cat'"),
    ],
)
def test_labels_that_are_written_otherwise_are_compared_as_the_same_and_that_is_said(train: Any, dev: Any, named: str) -> None:
    report = _compare(train, dev)

    assert not any(one.is_significant for one in report.comparisons)
    (finding,) = (one for one in report.findings if "class" in one.code or "label" in one.code)
    assert finding.message == f"dev writes labels otherwise than train, {named}: they were compared as the same"


def test_labels_that_differ_in_more_than_their_spelling_are_other_classes() -> None:
    report = _compare(["a", "A"] * 150, ["a", "b"] * 150)

    assert any("train lacks: b (150)" in one.message for one in report.findings)


def test_two_spellings_in_one_set_are_two_classes() -> None:
    report = _compare(["cat", "dog", "dog"] * 100, ["cat", "Cat", "dog"] * 100)

    assert any("train lacks: Cat (100)" in one.message for one in report.findings)


def test_a_word_among_labels_that_are_numbers_is_named() -> None:
    report = _compare(RNG.normal(size=N), ["?", *RNG.normal(size=N - 1).astype(str)])

    assert any(one.message.startswith("1 of 300 values in label of dev are no numbers") for one in report.findings)


def test_a_profile_without_labels_is_added_to_one_with_labels() -> None:
    with_labels = profile((FEATURES, CLASSES))

    both = with_labels | profile(FEATURES, like=with_labels)

    assert (both.n, both.labels) == (2 * N, None)


PRICES = RNG.normal(180_000, 40_000, N).round(-2).astype(int)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PRICES.astype(str), (PRICES + 60_000).astype(str)),
        ((PRICES / 7).round(2).astype(str), (PRICES / 7 + 9_000).round(2).astype(str)),
        (["unknown", *PRICES[1:].astype(str)], (PRICES + 60_000).astype(str)),
    ],
    ids=["whole", "with fractions", "with a word"],
)
def test_quantities_written_as_texts_are_quantities(one: Any, other: Any) -> None:
    report = _compare(one, other)

    assert report.verdict == "shifted"
    assert "label (mean moved by" in report.findings[0].message
    assert not any("unseen" in found.code for found in report.findings)


@pytest.mark.parametrize(
    "labels",
    [CLASSES.astype(float).astype(str), (RNG.permutation(N) % 30).astype(str), np.array(["3.8", "3.9", "3.10"])[CLASSES]],
)
def test_classes_written_as_texts_of_numbers_are_classes(labels: Any) -> None:
    assert profile(FEATURES, labels).labels is not None


def test_texts_that_mostly_occur_once_are_perhaps_no_classes() -> None:
    answers = [f"answer {number}" for number in RNG.permutation(2 * N)]

    (found,) = (one for one in _compare(answers[:N], answers[N:]).findings if "unseen" in one.code)

    assert found.level == "note"


@pytest.mark.parametrize("kind", [int, float, str])
@pytest.mark.parametrize("value", [0, -1, 9999])
def test_quantities_that_are_all_one_number_are_no_labels(kind: type, value: int) -> None:
    report = _compare(PRICES.astype(kind), PRICES.astype(kind), np.full(N, value).astype(kind))

    assert report.findings[-1].message.startswith("test has no labels, only one number: ")
    assert not any(one.is_significant and one.what == "label" for one in report.comparisons)


def test_accents_written_in_two_ways_are_the_same() -> None:
    labels = np.array(["café", "thé"])[TRUTHS]

    report = _compare(labels, np.char.replace(labels, "é", "e\u0301"))

    assert not any("unseen" in one.code for one in report.findings)


def test_larger_counts_than_the_first_set_has_are_perhaps_no_classes() -> None:
    counts = np.repeat([0, 1, 2, 3], [180, 80, 30, 10])

    levels = [[one.level for one in _compare(counts, dev).findings if "unseen" in one.code] for dev in _with_another(counts)]

    assert levels == [["note"], ["warning"], ["warning"]]


def _with_another(counts: Any) -> list[Any]:
    """The counts with a larger one in one row, in many, and with another one of no order."""
    return [np.r_[counts[1:], 4], np.r_[counts[60:], [4] * 60], np.r_[counts[1:], -2]]


@pytest.mark.parametrize("label", ["1", "yes!", "2024-01"])
def test_one_label_for_a_whole_set_is_one_if_it_may_be_a_class(label: str) -> None:
    assert not any("no_labels" in one.code for one in _compare(TRUTHS == 1, np.full(N, label)).findings)
