from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bvtrack import compare_splits

Features = NDArray[np.float64]


def _normal(seed: int, *shape: int, mean: float = 0.0) -> Features:
    return np.random.default_rng(seed).normal(mean, 1.0, size=shape)


def _binary(ones: int, n: int = 100_000) -> NDArray[np.int64]:
    return np.repeat([1, 0], [ones, n - ones])


def _same_features(n: int) -> Features:
    return np.zeros((n, 1))


def test_identically_distributed_pairs_are_seldom_called_shifted() -> None:
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=(1600, 4)), rng.normal(size=(1500, 4))) for _ in range(200)]

    verdicts = [compare_splits(train=train, dev=dev).verdict for train, dev in pairs]

    assert verdicts.count("same") >= 0.92 * len(pairs)


def test_a_moved_mean_is_found() -> None:
    report = compare_splits(train=_normal(0, 2000, 3), dev=_normal(1, 2000, 3, mean=0.3))

    assert report.verdict == "shifted"


def test_a_moved_mean_of_one_feature_is_named() -> None:
    train, dev = _normal(0, 2000, 5), _normal(1, 2000, 5)
    dev[:, 3] += 0.5

    (finding,) = compare_splits(train=train, dev=dev).findings

    assert "train and dev differ in feature 3 (effect" in finding.message


def test_a_wider_spread_with_the_same_mean_is_found() -> None:
    report = compare_splits(train=_normal(0, 3000, 2), dev=1.5 * _normal(1, 3000, 2))

    assert report.verdict == "shifted"


def test_other_class_shares_with_the_same_features_are_found() -> None:
    rng = np.random.default_rng(0)
    train, dev = rng.choice(3, 2000, p=[0.4, 0.3, 0.3]), rng.choice(3, 2000, p=[0.3, 0.3, 0.4])

    report = compare_splits(train=(_normal(1, 2000, 2), train), dev=(_normal(2, 2000, 2), dev))

    assert report.verdict == "shifted"
    assert "differ in label (effect" in report.findings[0].message


def test_moved_continuous_targets_are_found() -> None:
    train, dev = _normal(0, 2000), _normal(1, 2000, mean=0.3)

    report = compare_splits(train=(_same_features(2000), train), dev=(_same_features(2000), dev))

    assert report.verdict == "shifted"


def test_a_class_that_dev_lacks_is_found() -> None:
    train, dev = np.arange(2000) % 4, np.arange(2000) % 3

    report = compare_splits(train=(_same_features(2000), train), dev=(_same_features(2000), dev))

    assert report.verdict == "shifted"


@pytest.mark.parametrize(
    ("ones", "verdict"),
    [(51_990, "same, but not i.i.d."), (52_000, "shifted"), (52_010, "shifted")],
)
def test_a_significant_difference_is_a_shift_from_two_percent_on(ones: int, verdict: str) -> None:
    features = _same_features(100_000)

    report = compare_splits(train=(features, _binary(50_000)), dev=(features, _binary(ones)))

    assert report.verdict == verdict


def test_a_harmless_difference_is_tagged_not_iid_and_noted() -> None:
    features = _same_features(100_000)

    report = compare_splits(train=(features, _binary(50_000)), dev=(features, _binary(51_500)))

    assert report.tag == "not_iid"
    assert [finding.level for finding in report.findings] == ["note"]


@pytest.mark.parametrize(("n", "verdict"), [(1475, "unclear"), (1476, "same")])
def test_sets_are_the_same_only_where_they_could_not_hide_a_harmful_difference(n: int, verdict: str) -> None:
    features = _normal(0, n, 2)

    report = compare_splits(train=features, dev=features)

    assert report.verdict == verdict


def test_an_unclear_report_says_how_many_examples_would_tell() -> None:
    (finding,) = compare_splits(train=_normal(0, 5000, 2), dev=_normal(1, 100, 2)).findings

    assert (finding.code, finding.level) == ("unclear_distribution", "note")
    assert "(train 5,000, dev 100): 1,500 in each would tell" in finding.message


def test_the_same_sets_have_no_findings() -> None:
    features = _normal(0, 2000, 2)

    report = compare_splits(train=features, dev=features, test=features)

    assert report.findings == ()


def test_a_dev_set_unlike_train_is_a_warning_that_asks_for_a_train_dev_set() -> None:
    (finding,) = compare_splits(train=_normal(0, 2000, 2), dev=_normal(1, 2000, 2, mean=1.0)).findings

    assert (finding.code, finding.level) == ("dev_differs_from_train", "warning")
    assert "a train-dev set" in finding.message


def test_a_test_set_unlike_dev_is_an_error() -> None:
    train, dev, test = _normal(0, 2000, 2), _normal(1, 2000, 2), _normal(2, 2000, 2, mean=1.0)

    report = compare_splits(train=train, dev=dev, test=test)

    assert {finding.code: finding.level for finding in report.findings} == {
        "test_differs_from_train": "warning",
        "test_differs_from_dev": "error",
    }


def test_a_finding_names_labels_first_then_the_widest_differences() -> None:
    train, dev = _normal(0, 2000, 5), _normal(1, 2000, 5) + np.arange(1, 6)
    labels = np.arange(2000) % 2

    (finding,) = compare_splits(train=(train, labels), dev=(dev, labels * 0)).findings

    named = [part.split(" (")[0] for part in finding.message.removeprefix("train and dev differ in ").split("), ")]
    assert named == ["label", "feature 4", "feature 3"]
    assert "and 3 more" in finding.message


def test_every_pair_of_sets_is_compared() -> None:
    features = _normal(0, 50, 1)

    report = compare_splits(train=features, dev=features, test=features)

    pairs = [(comparison.earlier, comparison.later) for comparison in report.comparisons]
    assert pairs == [("train", "dev"), ("train", "test"), ("dev", "test")]


@pytest.mark.parametrize(("width", "compared"), [(255, 255), (256, 256), (257, 256), (3000, 256)])
def test_of_wide_data_at_most_256_columns_are_compared(width: int, compared: int) -> None:
    features = np.zeros((3, width))

    report = compare_splits(train=features, dev=features)

    assert len({comparison.what for comparison in report.comparisons}) == compared


def test_images_are_compared_pixel_by_pixel() -> None:
    images = np.zeros((10, 4, 3), dtype=np.uint8)

    report = compare_splits(train=images, dev=images)

    assert len(report.comparisons) == 12


def test_counts_are_those_of_the_sets() -> None:
    report = compare_splits(train=_normal(0, 70), dev=_normal(1, 20), test=_normal(2, 10))

    assert report.counts == {"train": 70, "dev": 20, "test": 10}


def test_missing_values_are_left_out() -> None:
    features = _normal(0, 4000, 1)
    sparse = features.copy()
    sparse[::2] = np.nan

    report = compare_splits(train=features, dev=sparse)

    assert report.verdict == "same"


def test_a_column_that_is_missing_altogether_shows_no_difference() -> None:
    (comparison,) = compare_splits(train=_normal(0, 50, 1), dev=np.full((50, 1), np.nan)).comparisons

    assert (comparison.p_value, comparison.effect) == (1.0, 0.0)


def test_booleans_are_features_too() -> None:
    report = compare_splits(train=_normal(0, 2000, 1) > 0, dev=_normal(1, 2000, 1) > 1)

    assert report.verdict == "shifted"


@pytest.mark.parametrize(
    "targets",
    [np.eye(3)[np.arange(300) % 3], (np.arange(300) % 3)[:, np.newaxis], np.array(list("abc"))[np.arange(300) % 3]],
    ids=["one-hot rows", "a column", "strings"],
)
def test_classes_are_read_however_they_are_written(targets: NDArray[Any]) -> None:
    features, later = _same_features(300), targets[:150]

    (label, _) = compare_splits(train=(features, targets), dev=(features[:150], later)).comparisons

    assert (label.what, label.effect) == ("label", 0.0)


def test_rare_classes_are_counted_together() -> None:
    features, train, dev = _same_features(400), np.zeros(400, dtype=int), np.zeros(400, dtype=int)
    train[:40], dev[:40] = np.arange(1, 41), np.arange(101, 141)

    (label, _) = compare_splits(train=(features, train), dev=(features, dev)).comparisons

    assert label.p_value == 1.0
    assert label.effect == pytest.approx(0.1)


def test_rare_classes_that_dev_lacks_are_found_together() -> None:
    features, train, dev = _same_features(400), np.zeros(400, dtype=int), np.zeros(400, dtype=int)
    train[:40] = np.arange(1, 41)

    report = compare_splits(train=(features, train), dev=(features, dev))

    assert report.verdict == "shifted"


def test_other_shares_of_one_hot_classes_are_found() -> None:
    features, train, dev = _same_features(400), np.arange(400) % 3, 2 * (np.arange(400) % 3 > 0)

    (label, _) = compare_splits(train=(features, np.eye(3)[train]), dev=(features, np.eye(3)[dev])).comparisons

    assert label.effect == pytest.approx(133 / 400)


def test_one_class_everywhere_shows_no_difference() -> None:
    features, labels = _same_features(50), np.zeros(50, dtype=int)

    (label, _) = compare_splits(train=(features, labels), dev=(features, labels)).comparisons

    assert (label.p_value, label.effect) == (1.0, 0.0)


@pytest.mark.parametrize("empty", [np.zeros((0, 2)), [], np.float64(1.0), (np.zeros((0, 2)), [])])
def test_an_empty_set_is_refused_by_name(empty: Any) -> None:
    with pytest.raises(ValueError, match=r"^dev must hold at least one example; got an array of shape"):
        compare_splits(train=np.zeros((5, 2)), dev=empty)


@pytest.mark.parametrize("width", [1, 3])
def test_sets_of_different_width_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"train and dev must have the same columns; got 2 and {width} features"):
        compare_splits(train=np.zeros((5, 2)), dev=np.zeros((5, width)))


def test_targets_in_one_set_alone_are_refused() -> None:
    with pytest.raises(ValueError, match=r"train and test must have the same columns; .* with and without targets"):
        compare_splits(
            train=(np.zeros((5, 2)), np.zeros(5)),
            dev=(np.zeros((5, 2)), np.zeros(5)),
            test=np.zeros((5, 2)),
        )


@pytest.mark.parametrize("shape", [(4,), (6,), (5, 2), ()])
def test_targets_that_are_not_one_an_example_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^train must have one target an example, 5; got targets of shape \("):
        compare_splits(train=(np.zeros((5, 2)), np.full(shape, 0.5)), dev=(np.zeros((5, 2)), np.zeros(5)))


def test_features_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="the features of dev must be numbers; got dtype <U1"):
        compare_splits(train=np.zeros((2, 1)), dev=np.array([["a"], ["b"]]))


@given(seed=st.integers(0, 1000), moved=st.floats(0, 1))
@settings(deadline=None, max_examples=25)
def test_corrected_p_values_are_never_below_the_raw_ones(seed: int, moved: float) -> None:
    train, dev = _normal(seed, 200, 4), _normal(seed + 1, 200, 4) + moved * np.arange(4)
    raw = [compare_splits(train=train[:, [i]], dev=dev[:, [i]]).comparisons[0].p_value for i in range(4)]

    corrected = [comparison.p_value for comparison in compare_splits(train=train, dev=dev).comparisons]

    assert all(raw_value <= value <= 1 for raw_value, value in zip(raw, corrected, strict=True))
    assert min(corrected) == pytest.approx(min(1.0, 4 * min(raw)))


@given(seed=st.integers(0, 1000), n=st.integers(2, 60))
@settings(deadline=None, max_examples=25)
def test_a_set_never_differs_from_itself(seed: int, n: int) -> None:
    data = (_normal(seed, n, 2), np.random.default_rng(seed).integers(0, 3, n))

    report = compare_splits(train=data, dev=data)

    assert report.verdict == "unclear"
    assert all(comparison.effect == 0 for comparison in report.comparisons)


def test_an_almost_empty_column_hides_no_shift_in_another() -> None:
    train = np.full((2000, 2), np.nan)
    train[:, 1] = np.random.default_rng(0).normal(size=2000)
    train[0, 0] = 1.0
    dev = train.copy()
    dev[:, 1] += 1

    assert compare_splits(train=train, dev=dev).verdict == "shifted"


def test_thousands_of_names_are_classes() -> None:
    names = np.array([f"class {index}" for index in range(3000)])
    features = _same_features(3000)

    report = compare_splits(train=(features, names), dev=(features, names))

    assert next(found.effect for found in report.comparisons if found.what == "label") == 0


def test_names_as_pandas_holds_them_are_classes() -> None:
    features = _same_features(400)
    names = np.array(["cat", "dog"] * 200, dtype=object)

    report = compare_splits(train=(features, names), dev=(features, np.array(["cat"] * 400, dtype=object)))

    assert next(found.effect for found in report.comparisons if found.what == "label") == 0.5


def test_names_and_numbers_are_not_compared() -> None:
    features = _same_features(4)

    with pytest.raises(
        ValueError, match=r"the targets of train and dev must both be names or both numbers; got <U1 and float64"
    ):
        compare_splits(train=(features, list("abab")), dev=(features, [0.1, 0.2, 0.3, 0.4]))
