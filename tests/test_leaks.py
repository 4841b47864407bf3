"""Examples that two splits share: copies, near copies, the same groups, and times that overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bvtrack import ShiftReport, compare_splits, profile
from bvtrack.splits.finding import Finding

RNG = np.random.default_rng(0)
WORDS = np.array([f"word{index}" for index in range(500)])


def smooth_images(n: int, seed: int) -> NDArray[np.uint8]:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(n, 28, 28)), (0, 3, 3))
    images: NDArray[np.uint8] = (128 + 30 * noise / noise.std(axis=(1, 2), keepdims=True)).clip(0, 255).astype(np.uint8)
    return images


def texts(n: int, seed: int) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    return np.array([" ".join(rng.choice(WORDS, 30)) for _ in range(n)], dtype=object)


def leak(report: ShiftReport, code: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.code == code]
    return found


def codes(report: ShiftReport) -> set[str]:
    return {finding.code for finding in report.findings}


SPLITS: dict[str, tuple[Any, Any]] = {
    "one number": (RNG.normal(size=300), RNG.normal(size=200)),
    "rows": (RNG.normal(size=(300, 3)), RNG.normal(size=(200, 3))),
    "rows with missing values": (RNG.normal(size=(300, 2)), RNG.normal(size=(200, 2))),
    "integers": (RNG.integers(0, 10**6, (300, 4)), RNG.integers(0, 10**6, (200, 4))),
    "bytes": (RNG.integers(0, 256, (300, 9)).astype(np.uint8), RNG.integers(0, 256, (200, 9)).astype(np.uint8)),
    "images": (smooth_images(300, 0), smooth_images(200, 1)),
    "texts": (texts(300, 0), texts(200, 1)),
    "names": (np.array([f"n{index}" for index in range(300)]), np.array([f"m{index}" for index in range(200)])),
    "dates": (np.datetime64("2020-01-01", "s") + np.arange(300), np.datetime64("2021-01-01", "s") + np.arange(200)),
}
for half_missing in SPLITS["rows with missing values"]:
    half_missing[:, 1] = np.nan


@pytest.mark.parametrize("kind", SPLITS)
def test_splits_without_copies_share_none(kind: str) -> None:
    train, dev = SPLITS[kind]

    assert not any("repeats" in code for code in codes(compare_splits(train=train, dev=dev)))


@pytest.mark.parametrize("kind", SPLITS)
@pytest.mark.parametrize("n", [1, 7, 200])
def test_every_copy_is_counted(kind: str, n: int) -> None:
    train, dev = SPLITS[kind][0], SPLITS[kind][1].copy()
    dev[-n:] = train[50 : 50 + n][::-1]

    report = compare_splits(train=train, dev=dev)

    found = leak(report, "dev_repeats_train")
    assert (found.level, report.verdict[-7:], report.tag[-5:]) == ("warning" if n == 1 else "error", " + leak", "+leak")
    assert found.message.startswith(f"{n} of 200 dev examples")


@pytest.mark.parametrize(
    ("pair", "code"),
    [(("train", "dev"), "dev_repeats_train"), (("train", "test"), "test_repeats_train"), (("dev", "test"), "test_repeats_dev")],
)
def test_copies_are_found_in_every_pair(pair: tuple[str, str], code: str) -> None:
    sets: dict[str, Any] = {
        name: np.random.default_rng(seed).normal(size=(2000, 2)) for seed, name in enumerate(("train", "dev", "test"))
    }
    sets[pair[1]][:3] = sets[pair[0]][-3:]

    report = compare_splits(**sets)

    assert codes(report) == {code}
    assert report.verdict == "same + leak"


def test_copies_with_other_targets_are_copies() -> None:
    train, dev = (np.random.default_rng(seed).normal(size=(2000, 2)) for seed in (0, 1))
    dev[0] = train[0]

    report = compare_splits(train=(train, np.zeros(2000, int)), dev=(dev, np.ones(2000, int)))

    assert leak(report, "dev_repeats_train").message.startswith("1 of 2,000 dev examples (0.05 %)")


def test_copies_of_another_type_are_copies() -> None:
    train = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32)

    report = compare_splits(train=train, dev=train.astype(np.float64))

    assert leak(report, "dev_repeats_train").message.startswith("2,000 of 2,000")


def test_short_rows_that_repeat_by_chance_are_a_note() -> None:
    train, dev = (np.random.default_rng(seed).integers(0, 10, (2000, 2)) for seed in (0, 1))

    report = compare_splits(train=train, dev=dev)

    assert leak(report, "dev_repeats_train").level == "note"
    assert (report.verdict, report.tag, report.ok) == ("same", "no_shift_found", True)


def test_nothing_is_hashed_where_no_leaks_are_asked_for() -> None:
    train = np.random.default_rng(0).normal(size=(2000, 2))

    report = compare_splits(train=train, dev=train, leaks=False)

    assert (report.verdict, report.findings) == ("same", ())


@pytest.mark.parametrize(
    ("train", "dev", "shared"),
    [
        (np.arange(2000) // 10, 150 + np.arange(2000) // 10, 50),
        ([f"patient {index // 10}" for index in range(2000)], [f"patient {150 + index // 10}" for index in range(2000)], 50),
        ((np.arange(2000) // 10).astype(np.int32), np.where(np.arange(2000) < 9, np.nan, 199.0 + np.arange(2000)), 0),
        ((np.arange(2000) // 10).astype(np.int32), np.where(np.arange(2000) < 9, np.nan, 190.0 + np.arange(2000)), 1),
        ([None, "a"] * 1000, [None, "b"] * 1000, 0),
    ],
)
def test_groups_in_two_splits_are_an_error(train: Any, dev: Any, shared: int) -> None:
    one = profile(np.random.default_rng(0).normal(size=(2000, 2)), groups=train)
    other = profile(np.random.default_rng(1).normal(size=(2000, 2)), groups=dev, like=one)

    report = compare_splits(train=one, dev=other)

    assert report.verdict == ("same + leak" if shared else "same")
    assert [finding.message.split(" of ")[0] for finding in report.findings] == [str(shared)] * bool(shared)
    assert [finding.level for finding in report.findings] == ["error"] * bool(shared)


@pytest.mark.parametrize(
    ("begins", "overlaps"),
    [("2020-03-01", True), ("2020-03-31T23:59", True), ("2020-04-02", False), ("2021-01-01", False), ("NaT", False)],
)
def test_times_that_overlap_are_a_warning_and_no_leak(begins: str, overlaps: bool) -> None:
    train, dev = (np.random.default_rng(seed).normal(size=(2000, 2)) for seed in (0, 1))
    one = profile(train, time=np.linspace(0, 90 * 86_400, 2000).astype("m8[s]") + np.datetime64("2020-01-02"))
    other = profile(dev, like=one, time=np.full(2000, begins, "M8[ns]"))

    report = compare_splits(train=one, dev=other)

    assert [(finding.code, finding.level) for finding in report.findings] == [
        ("dev_overlaps_train_in_time", "warning")
    ] * overlaps
    assert (report.verdict, report.tag) == ("same", "no_shift_found")


def test_times_are_read_as_texts_and_dates_alike() -> None:
    data = np.zeros(2)
    expected = profile(data, time=np.array(["2020-01-01T00:00:00", "2020-01-02T12:00:00"], "M8[ms]")).time

    assert profile(data, time=["2020-01-02T12:00:00", "2020-01-01"]).time == expected
    assert profile(data, time=["2020-01-02T14:00:00+02:00", "2020-01-01T00:00:00Z"]).time == expected


def test_times_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="expected times as numbers, dates or texts of ISO 8601, got 'soon'"):
        profile(np.zeros(2), time=["soon", "2020-01-01"])


def test_near_copies_of_images_are_found() -> None:
    train, dev = smooth_images(200, 0), smooth_images(40, 1)
    dev[:12] = (train[:12] * 0.8 + 30).astype(np.uint8)

    report = compare_splits(train=train, dev=dev)

    found = leak(report, "dev_nearly_repeats_train")
    assert (found.level, report.tag[-5:]) == ("error", "+leak")
    assert found.message.startswith("12 of 40 dev examples (30.0 %) are near copies of train examples by their feature")


def test_images_of_their_own_are_no_near_copies() -> None:
    assert codes(compare_splits(train=smooth_images(200, 0), dev=smooth_images(40, 1))) == {"unclear_distribution"}


def test_one_near_copy_in_a_small_set_may_merely_look_alike() -> None:
    train, dev = smooth_images(200, 0), smooth_images(40, 1)
    dev[:1] = (train[:1] * 0.8 + 30).astype(np.uint8)

    assert leak(compare_splits(train=train, dev=dev), "dev_nearly_repeats_train").level == "note"


def test_near_copies_of_texts_are_found() -> None:
    train, dev = texts(200, 0), texts(40, 1)
    dev[:9] = [f"{text} indeed" for text in train[:9]]

    report = compare_splits(train=train, dev=dev)

    assert leak(report, "dev_nearly_repeats_train").message.startswith("9 of 40 dev examples")


def test_near_copies_are_found_though_profiles_were_made_of_batches() -> None:
    train, dev = smooth_images(200, 0), smooth_images(40, 1)
    dev[:12] = (train[:12] * 0.8 + 30).astype(np.uint8)
    whole = profile(iter(np.array_split(train, 9)))

    report = compare_splits(train=whole, dev=profile(dev[:5], like=whole) | profile(dev[5:], like=whole))

    assert leak(report, "dev_nearly_repeats_train").message.startswith("12 of 40")


def test_profiles_without_hashes_are_told_apart_from_sets_without_copies() -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 3))
    train = profile(rows, leaks=False)

    (finding,) = compare_splits(train=train, dev=profile(rows, like=train)).findings

    assert (finding.code, finding.level) == ("copies_not_looked_for", "note")
    assert "the rows of train were not hashed" in finding.message
