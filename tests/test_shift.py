"""Whether train, dev and test come from one distribution: real differences are found and named, chance ones are not."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bvtrack import ShiftReport, compare_splits, profile

Features = NDArray[np.float64]
Rng = np.random.Generator


def _normal(seed: int, *shape: int, mean: float = 0.0) -> Features:
    return np.random.default_rng(seed).normal(mean, 1.0, size=shape)


def _binary(ones: int, n: int = 100_000) -> NDArray[np.int64]:
    return np.repeat([1, 0], [ones, n - ones])


def _same_features(n: int) -> Features:
    return np.zeros((n, 1))


def _compare(**sets: Any) -> ShiftReport:
    """Where copies are wanted, for the sake of exact counts."""
    return compare_splits(**sets, leaks=False)


def _correlated(seed: int, n: int, correlation: float) -> Features:
    return np.random.default_rng(seed).multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], n)


NULLS: dict[str, Callable[[Rng, int], Any]] = {
    "normal": lambda rng, n: rng.normal(size=(n, 4)),
    "skew": lambda rng, n: rng.lognormal(sigma=1.5, size=(n, 3)),
    "heavy tails": lambda rng, n: rng.standard_cauchy((n, 3)),
    "ties": lambda rng, n: rng.integers(0, 4, (n, 5)),
    "sparse": lambda rng, n: rng.normal(size=(n, 6)) * (rng.random((n, 6)) < 0.03),
    "booleans": lambda rng, n: rng.random((n, 6)) < [0.01, 0.05, 0.1, 0.3, 0.5, 0.9],
    "missing values": lambda rng, n: np.where(rng.random((n, 3)) < 0.2, np.nan, rng.normal(size=(n, 3))),
    "correlated": lambda rng, n: rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, 5)),
    "bytes": lambda rng, n: rng.integers(0, 256, (n, 3)).astype(np.uint8),
    "classes": lambda rng, n: (rng.normal(size=(n, 2)), rng.choice(8, n, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.01, 0.01])),
    "continuous targets": lambda rng, n: (rng.normal(size=(n, 2)), rng.exponential(size=n)),
    "names": lambda rng, n: {"x": rng.normal(size=n), "name": rng.choice(list("abcdefgh"), n)},
}


@pytest.mark.parametrize("kind", NULLS)
@pytest.mark.parametrize(("n_train", "n_dev"), [(1600, 1500), (1500, 60)])
def test_sets_that_are_drawn_alike_are_seldom_called_different(kind: str, n_train: int, n_dev: int) -> None:
    rng = np.random.default_rng(0)

    reports = [_compare(train=NULLS[kind](rng, n_train), dev=NULLS[kind](rng, n_dev)) for _ in range(60)]

    alarms = [report for report in reports if report.verdict not in ("same", "unclear")]
    assert len(alarms) <= 0.1 * len(reports)


def test_a_set_and_independent_copies_are_the_same() -> None:
    report = compare_splits(train=_normal(0, 5000, 8), dev=_normal(1, 2000, 8), test=_normal(2, 2000, 8))

    assert (report.verdict, report.tag, report.findings, report.ok) == ("same", "no_shift_found", (), True)


def test_a_moved_mean_is_found() -> None:
    report = compare_splits(train=_normal(0, 2000, 3), dev=_normal(1, 2000, 3, mean=0.3))

    assert (report.verdict, report.tag) == ("shifted", "shifted")


def test_a_moved_mean_of_one_feature_is_named() -> None:
    train, dev = _normal(0, 2000, 5), _normal(1, 2000, 5)
    dev[:, 3] += 0.5

    (finding,) = compare_splits(train=train, dev=dev).findings

    assert finding.message.startswith("train and dev differ in feature 3 (mean moved by 0.")


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e9])
def test_a_moved_mean_is_found_far_from_zero(offset: float) -> None:
    report = compare_splits(train=offset + _normal(0, 3000, 2), dev=offset + 0.5 + _normal(1, 3000, 2))

    assert report.verdict == "shifted"


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_a_moved_mean_is_found_at_any_scale(scale: float) -> None:
    report = compare_splits(train=scale * _normal(0, 3000, 2), dev=scale * (0.5 + _normal(1, 3000, 2)))

    assert report.verdict == "shifted"


def test_many_small_moves_are_found_together() -> None:
    report = compare_splits(train=_normal(0, 3000, 60), dev=_normal(1, 3000, 60, mean=0.08))

    assert report.verdict == "shifted"
    assert report.comparisons[0].in_words().startswith("all columns together (moved by 0.")


def test_a_wider_spread_with_the_same_mean_is_found() -> None:
    report = compare_splits(train=_normal(0, 3000, 2), dev=1.5 * _normal(1, 3000, 2))

    assert report.verdict == "shifted"
    assert any(comparison.test == "spread" for comparison in report.comparisons if comparison.is_shift)


def test_another_shape_with_the_same_mean_and_spread_is_found() -> None:
    rng = np.random.default_rng(0)

    report = compare_splits(
        train=rng.normal(size=(3000, 2)), dev=rng.choice([-1, 1], (3000, 2)) + rng.normal(0, 0.1, (3000, 2))
    )

    assert report.verdict == "shifted"


def test_another_correlation_with_the_same_columns_is_found_and_named() -> None:
    report = compare_splits(train=_correlated(0, 3000, 0.0), dev=_correlated(1, 3000, 0.5))

    assert report.verdict == "shifted"
    assert "feature 0 and feature 1 (correlation changed by 0.5" in report.findings[0].message


def test_five_percent_of_other_examples_are_found() -> None:
    train, dev = _normal(0, 10_000, 4), _normal(1, 10_000, 4)
    dev[:500] = _normal(2, 500, 4, mean=4.0)

    assert compare_splits(train=train, dev=dev).verdict == "shifted"


@pytest.mark.parametrize("constant", [0.0, 0.123, -1.0])
def test_five_percent_that_were_filled_with_a_constant_are_found(constant: float) -> None:
    train, dev = _normal(0, 10_000, 4), _normal(1, 10_000, 4)
    dev[:500, 2] = constant

    report = compare_splits(train=train, dev=dev)

    assert report.verdict == "shifted"
    assert "feature 2" in report.findings[0].message


@pytest.mark.parametrize(
    ("bad", "named"), [(np.nan, "missing values differ by 5.0 points"), (np.inf, "infinite values differ")]
)
def test_more_missing_or_infinite_values_are_found(bad: float, named: str) -> None:
    train, dev = _normal(0, 10_000, 4), _normal(1, 10_000, 4)
    dev[:500, 1] = bad

    report = compare_splits(train=train, dev=dev)

    assert report.verdict == "shifted"
    assert f"feature 1 ({named}" in report.findings[0].message


def test_missing_values_that_both_sets_have_are_no_difference() -> None:
    rng = np.random.default_rng(0)
    train, dev = (np.where(rng.random((3000, 2)) < 0.5, np.nan, rng.normal(size=(3000, 2))) for _ in range(2))

    assert compare_splits(train=train, dev=dev).verdict == "same"


def test_a_column_that_dev_lacks_altogether_is_found() -> None:
    report = compare_splits(train=_normal(0, 500, 1), dev=np.full((500, 1), np.nan))

    assert report.verdict == "shifted"
    assert "missing values differ by 100.0 points" in report.findings[0].message


def test_an_almost_empty_column_hides_no_shift_in_another() -> None:
    train = np.full((2000, 2), np.nan)
    train[:, 1] = np.random.default_rng(0).normal(size=2000)
    train[0, 0] = 1.0
    dev = train.copy()
    dev[:, 1] += 1

    assert compare_splits(train=train, dev=dev).verdict == "shifted"


def test_booleans_are_features_too() -> None:
    report = compare_splits(train=_normal(0, 2000, 1) > 0, dev=_normal(1, 2000, 1) > 1)

    assert report.verdict == "shifted"


def test_other_shares_of_names_are_found_and_their_column_is_named() -> None:
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    train, dev = (
        pandas.DataFrame({"age": rng.normal(size=3000), "town": pandas.Categorical(rng.choice(list("abc"), 3000, p=shares))})
        for shares in ([0.4, 0.3, 0.3], [0.3, 0.3, 0.4])
    )

    report = compare_splits(train=train, dev=dev)

    assert report.verdict == "shifted"
    assert report.findings[0].message.startswith("train and dev differ in town (shares differ by ")


def test_columns_of_a_table_are_compared_in_any_order() -> None:
    rng = np.random.default_rng(0)
    train, dev = ({"age": rng.normal(size=3000), "size": rng.normal(5, 1, 3000)} for _ in range(2))

    assert compare_splits(train=train, dev=dict(reversed(dev.items()))).verdict == "same"


def test_brighter_images_are_found() -> None:
    train, dev = (np.random.default_rng(seed).integers(0, 200, (2000, 28, 28)).astype(np.uint8) for seed in (0, 1))

    report = compare_splits(train=train, dev=dev + np.uint8(5))

    assert report.verdict == "shifted"
    assert "feature: brightness" in report.findings[0].message


def test_longer_texts_are_found() -> None:
    rng = np.random.default_rng(0)
    train, dev = ([" ".join(rng.choice(["ab", "cd", "ef"], n)) for n in rng.poisson(mean, 2000)] for mean in (20, 25))

    report = compare_splits(train=train, dev=dev)

    assert report.verdict.startswith("shifted")
    assert "feature: words" in report.findings[0].message


def test_other_class_shares_with_the_same_features_are_found() -> None:
    rng = np.random.default_rng(0)
    train, dev = rng.choice(3, 2000, p=[0.4, 0.3, 0.3]), rng.choice(3, 2000, p=[0.3, 0.3, 0.4])

    report = compare_splits(train=(_normal(1, 2000, 2), train), dev=(_normal(2, 2000, 2), dev))

    assert report.verdict == "shifted"
    assert report.findings[0].message.startswith("train and dev differ in label (shares differ by ")


@pytest.mark.parametrize("width", [1, 3])
def test_moved_continuous_targets_are_found_and_named(width: int) -> None:
    train, dev = _normal(0, 2000, width), _normal(1, 2000, width)
    dev[:, -1] += 0.3

    report = compare_splits(train=(_normal(2, 2000, 2), train), dev=(_normal(3, 2000, 2), dev))

    assert report.verdict == "shifted"
    assert f"differ in label{' 2' if width > 1 else ''} (" in report.findings[0].message


def test_a_class_that_dev_lacks_is_found() -> None:
    train, dev = np.arange(2000) % 4, np.arange(2000) % 3

    report = _compare(train=(_same_features(2000), train), dev=(_same_features(2000), dev))

    assert report.verdict == "shifted"


def test_classes_that_train_lacks_are_named() -> None:
    train, dev = np.arange(2000) % 3, np.arange(2000) % 3
    dev[:5] = [7, 7, 8, 9, 10]

    report = _compare(train=(_same_features(2000), train), dev=(_same_features(2000), dev))

    assert [(finding.code, finding.level) for finding in report.findings] == [("dev_has_unseen_classes", "warning")]
    assert "dev holds classes that train lacks: 10 (1), 7 (2), 8 (1) and 1 more" in report.findings[0].message
    assert report.verdict == "same"


@pytest.mark.parametrize(
    ("ones", "verdict", "tag"),
    [
        (50_200, "same", "same"),
        (51_500, "same, but not i.i.d.", "not_iid"),
        (54_990, "same, but not i.i.d.", "not_iid"),
        (55_000, "shifted", "shifted"),
        (55_010, "shifted", "shifted"),
    ],
)
def test_a_significant_difference_of_classes_is_a_shift_from_five_percent_on(ones: int, verdict: str, tag: str) -> None:
    features = _same_features(100_000)

    report = _compare(train=(features, _binary(50_000)), dev=(features, _binary(ones)))

    assert (report.verdict, report.tag) == (verdict, tag)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda data: data + np.array([0.0, 0.05]), "same, but not i.i.d."),
        (lambda data: data + np.array([0.0, 0.2]), "shifted"),
        (lambda data: data * [1.0, 1.05], "same, but not i.i.d."),
        (lambda data: data * [1.0, 1.2], "shifted"),
        (lambda data: data + data[:, ::-1] * [0.0, 0.04], "same, but not i.i.d."),
        (lambda data: data + data[:, ::-1] * [0.0, 0.2], "shifted"),
    ],
    ids=["little mean", "mean", "little spread", "spread", "little correlation", "correlation"],
)
def test_of_large_sets_real_differences_that_are_little_are_told_from_shifts(change: Any, verdict: str) -> None:
    report = compare_splits(train=_normal(0, 100_000, 2), dev=change(_normal(1, 100_000, 2)))

    assert report.verdict == verdict


def test_a_little_difference_is_a_note_that_names_the_column() -> None:
    report = compare_splits(train=_normal(0, 100_000, 2), dev=_normal(1, 100_000, 2) + np.array([0.0, 0.05]))

    ((code, level, message),) = [(finding.code, finding.level, finding.message) for finding in report.findings]
    assert (code, level, report.ok) == ("dev_differs_from_train", "note", True)
    assert message.startswith("train and dev are not drawn alike, but differ too little to matter: feature 1 (")


@pytest.mark.parametrize(("n", "verdict"), [(1475, "unclear"), (1476, "same")])
def test_sets_are_the_same_only_where_they_could_not_hide_a_harmful_difference(n: int, verdict: str) -> None:
    features = _normal(0, n, 2)

    assert _compare(train=features, dev=features).verdict == verdict


def test_an_unclear_report_says_how_many_examples_would_tell() -> None:
    report = compare_splits(train=_normal(0, 5000, 2), dev=_normal(1, 100, 2))

    (finding,) = report.findings
    assert (finding.code, finding.level, report.ok) == ("unclear_distribution", "note", True)
    assert "smaller ones that matter could hide in so few examples (train 5,000, dev 100), 2,500 in each" in finding.message


def test_a_dev_set_unlike_train_is_a_warning_that_asks_for_a_train_dev_set() -> None:
    report = compare_splits(train=_normal(0, 2000, 2), dev=_normal(1, 2000, 2, mean=1.0))

    (finding,) = report.findings
    assert (finding.code, finding.level, report.ok) == ("dev_differs_from_train", "warning", False)
    assert "a train-dev set" in finding.message


def test_a_test_set_unlike_dev_is_an_error() -> None:
    train, dev, test = _normal(0, 2000, 2), _normal(1, 2000, 2), _normal(2, 2000, 2, mean=1.0)

    report = compare_splits(train=train, dev=dev, test=test)

    assert {finding.code: finding.level for finding in report.findings} == {
        "test_differs_from_train": "warning",
        "test_differs_from_dev": "error",
    }


def test_a_finding_names_labels_first_and_says_how_many_more_there_are() -> None:
    train, dev = _normal(0, 2000, 5), _normal(1, 2000, 5) + np.arange(1, 6)
    labels = np.arange(2000) % 2

    report = compare_splits(train=(train, labels), dev=(dev, labels * 0))

    assert report.findings[0].message.startswith("train and dev differ in label (shares differ by 50.0 points), feature ")
    assert " and 3 more: " in report.findings[0].message or " and 4 more: " in report.findings[0].message


def test_a_shift_between_any_pair_is_found() -> None:
    for shifted in ("train", "dev", "test"):
        sets: dict[str, Any] = {
            name: _normal(seed, 2000, 2, mean=(name == shifted)) for seed, name in enumerate(("train", "dev", "test"))
        }

        pairs = {(one.earlier, one.later) for one in compare_splits(**sets).comparisons if one.is_shift}

        assert pairs == {pair for pair in itertools.combinations(sets, 2) if shifted in pair}


@given(seed=st.integers(0, 1000), moved=st.floats(0, 1))
@settings(deadline=None, max_examples=25)
def test_corrected_p_values_are_never_below_those_of_a_column_alone(seed: int, moved: float) -> None:
    train, dev = _normal(seed, 200, 4), _normal(seed + 1, 200, 4) + moved * np.arange(4)
    alone = {
        (one.test, f"feature {index}"): one.p_value
        for index in range(4)
        for one in _compare(train=train[:, index], dev=dev[:, index]).comparisons
    }

    together = _compare(train=train, dev=dev).comparisons

    assert all(one.p_value >= alone.get((one.test, one.what), 0.0) for one in together)
    assert [one.p_value for one in together] == sorted(one.p_value for one in together)
    assert all(0 <= one.p_value <= 1 for one in together)


@given(seed=st.integers(0, 1000), n=st.integers(2, 60))
@settings(deadline=None, max_examples=25)
def test_a_set_never_differs_from_itself(seed: int, n: int) -> None:
    data = (_normal(seed, n, 2), np.random.default_rng(seed).integers(0, 3, n))

    report = _compare(train=data, dev=data)

    assert report.verdict == "unclear"
    assert all(comparison.effect == pytest.approx(0, abs=1e-9) for comparison in report.comparisons)


@pytest.mark.parametrize(
    "written",
    [
        lambda labels: np.eye(3)[labels],
        lambda labels: labels[:, np.newaxis],
        lambda labels: np.array(list("abc"))[labels],
        lambda labels: np.array(list("abc"), dtype=object)[labels],
        lambda labels: labels.astype(np.uint8),
    ],
    ids=["one-hot rows", "a column", "strings", "objects", "bytes"],
)
def test_classes_are_compared_however_they_are_written(written: Any) -> None:
    train, dev = np.arange(3000) % 3, 2 * (np.arange(3000) % 3 > 0)
    expected = _compare(train=(_same_features(3000), train), dev=(_same_features(3000), dev))

    report = _compare(train=(_same_features(3000), written(train)), dev=(_same_features(3000), written(dev)))

    assert report.comparisons == expected.comparisons
    assert report.comparisons[0].effect == pytest.approx(1 / 3)


def test_booleans_are_classes() -> None:
    labels = np.arange(3000) % 3 > 0

    report = _compare(train=(_same_features(3000), labels), dev=(_same_features(3000), ~labels))

    assert report.findings[0].message.startswith("train and dev differ in label (shares differ by 33.3 points)")


def test_rare_classes_are_counted_together() -> None:
    features, train, dev = _same_features(400), np.zeros(400, dtype=int), np.zeros(400, dtype=int)
    train[:40], dev[:40] = np.arange(1, 41), np.arange(101, 141)

    assert _compare(train=(features, train), dev=(features, dev)).verdict == "unclear"


def test_rare_classes_that_dev_lacks_are_found_together() -> None:
    features, train, dev = _same_features(400), np.zeros(400, dtype=int), np.zeros(400, dtype=int)
    train[:40] = np.arange(1, 41)

    assert _compare(train=(features, train), dev=(features, dev)).verdict == "shifted"


def test_one_class_everywhere_shows_no_difference() -> None:
    features, labels = _same_features(2000), np.zeros(2000, dtype=int)

    report = _compare(train=(features, labels), dev=(features, labels))

    assert (report.verdict, report.findings) == ("same", ())


def test_thousands_of_names_are_classes() -> None:
    names = np.array([f"class {index}" for index in range(3000)])[np.arange(12_000) % 3000]
    features = _same_features(12_000)

    assert _compare(train=(features, names), dev=(features, names)).verdict == "same"
    assert _compare(train=(features, names), dev=(features, np.sort(names)[np.arange(12_000) // 2])).verdict == "shifted"


def test_counts_and_digests_are_those_of_the_sets() -> None:
    sets: dict[str, Any] = {"train": _normal(0, 70), "dev": _normal(1, 20), "test": _normal(2, 10)}

    report = compare_splits(**sets)

    assert report.counts == {"train": 70, "dev": 20, "test": 10}
    assert report.digests == {name: profile(data).digest for name, data in sets.items()}


def test_profiles_are_compared_as_what_they_were_made_of() -> None:
    train, dev = _normal(0, 2000, 3), _normal(1, 2000, 3, mean=0.2)
    one = profile(train[:500]) | profile(train[500:], like=profile(train[:500]))

    report = compare_splits(train=one, dev=profile(dev, like=one))

    assert report == compare_splits(train=one, dev=dev)


def test_profiles_with_edges_of_their_own_are_refused() -> None:
    with pytest.raises(
        ValueError, match="expected profiles that share their edges, got dev with edges of its own; make it with"
    ):
        compare_splits(train=profile(_normal(0, 50, 2)), dev=profile(_normal(1, 50, 2)))


@pytest.mark.parametrize("empty", [np.zeros((0, 2)), [], (np.zeros((0, 2)), [])])
def test_an_empty_set_is_refused_by_name(empty: Any) -> None:
    with pytest.raises(ValueError, match=r"^dev: a split must have at least 1 example; got none"):
        compare_splits(train=np.zeros((5, 2)), dev=empty)


@pytest.mark.parametrize("width", [1, 3])
def test_sets_of_different_width_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match=rf"expected feature of dev to be of shape \(2,\) .*, got \({width},\)"):
        compare_splits(train=np.zeros((5, 2)), dev=np.zeros((5, width)))


@pytest.mark.parametrize("shape", [(4,), (6,), ()])
def test_targets_that_are_not_one_an_example_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^train: expected (one target an example|an array of examples)"):
        compare_splits(train=(np.zeros((5, 2)), np.full(shape, 0.5)), dev=(np.zeros((5, 2)), np.zeros(5)))


def test_names_and_numbers_are_not_compared() -> None:
    features = _same_features(4)

    with pytest.raises(ValueError, match=r"expected classes in label of dev as in the other split, got 0\.1 in row 1"):
        compare_splits(train=(features, list("abab")), dev=(features, [0.1, 0.2, 0.3, 0.4]))
    with pytest.raises(ValueError, match="expected numbers in feature of dev as in the other split, got 'a' in row 1"):
        compare_splits(train=np.zeros(4), dev=np.array(list("abab")))


def test_bytes_are_compared_with_floats_of_the_same_values() -> None:
    rng = np.random.default_rng(0)
    train, dev = rng.integers(0, 4, (5000, 3)).astype("uint8"), rng.integers(0, 4, (5000, 3)).astype(float)
    dev[:5, 0] = np.nan

    assert compare_splits(train=train, dev=dev, leaks=False).verdict == "same"
