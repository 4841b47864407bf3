"""What is counted of a split is the same in any order and in any parts, and leaves the split and the training as they were."""

from __future__ import annotations

import json
import random
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bvtrack import SplitProfile, pack_profile, profile, unpack_profile

N = 60
RNG = np.random.default_rng(0)
WORDS = [f"word{index}" for index in range(16)]
FLOATS = np.where(RNG.random((N, 3)) < 0.1, np.nan, RNG.normal(size=(N, 3)).round(1))
CLASSES = RNG.integers(0, 3, N)
KINDS: dict[str, tuple[Any, Any]] = {
    "floats": (FLOATS, None),
    "infinities": (np.where(FLOATS > 1, np.inf, FLOATS), None),
    "bytes": (RNG.integers(0, 256, (N, 3)).astype(np.uint8), CLASSES),
    "booleans": (RNG.random((N, 3)) < 0.3, CLASSES > 0),
    "one column": (RNG.integers(-5, 5, N), RNG.choice(list("abc"), N)),
    "images": (RNG.integers(0, 256, (N, 9, 8)).astype(np.uint8), np.eye(3)[CLASSES]),
    "tensors": (RNG.normal(size=(N, 2, 3, 7, 100)), RNG.normal(size=N)),
    "texts": (np.array([" ".join(RNG.choice(WORDS, 12)) for _ in range(N)]), RNG.normal(size=(N, 2))),
    "names": (RNG.choice(list("abc"), N), RNG.integers(0, 2, (N, 4))),
    "dates": (np.datetime64("2020-01-01", "s") + RNG.integers(0, 10**7, N).astype("m8[s]"), None),
    "nothing": (np.full((N, 2), np.nan), np.zeros(N, int)),
    "columns": ({"x": FLOATS[:, 0], "name": RNG.choice(list("ab"), N), "pixels": RNG.random((N, 8, 8))}, CLASSES),
}


def rows_of(data: Any, rows: NDArray[np.int64]) -> Any:
    return {name: values[rows] for name, values in data.items()} if isinstance(data, dict) else data[rows]


def facts(found: SplitProfile) -> list[Any]:
    """All that is counted."""
    numbers = [counts for counts in (found.numbers, found.label_numbers) if counts is not None]
    arrays = [array for one in numbers for array in (one.codes, one.digits, one.products, one.squares)]
    names = {name: dict(sorted(one.counts.items())) for name, one in found.names.items()}
    hashes = None if found.hashes is None else found.hashes.tolist()
    return [found.n, [array.tolist() for array in arrays], names, found.class_counts, hashes, found.fingerprint, found.digest]


@pytest.mark.parametrize("kind", KINDS)
@given(order=st.permutations(range(N)), cuts=st.sets(st.integers(1, N - 1), max_size=4))
@settings(deadline=None, max_examples=15)
def test_parts_in_any_order_add_up_to_the_whole(kind: str, order: list[int], cuts: set[int]) -> None:
    data, targets = KINDS[kind]
    whole = profile(data, targets)
    parts = np.split(np.array(order), sorted(cuts))

    first, *others = (profile(rows_of(data, rows), None if targets is None else targets[rows], like=whole) for rows in parts)
    for other in others:
        first |= other

    assert facts(first) == facts(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_any_size_are_counted_as_the_whole(kind: str) -> None:
    data, targets = KINDS[kind]
    whole = profile(data, targets)
    rows = np.split(np.arange(N), [1, 2, 40])

    batches = ((rows_of(data, some), None if targets is None else targets[some]) for some in rows)

    assert facts(profile(batches, like=whole)) == facts(whole)


def test_a_large_array_is_counted_as_its_batches() -> None:
    data = np.random.default_rng(1).normal(size=(150_000, 3))
    whole = profile(data)

    assert facts(profile(iter(np.array_split(data, 7)), like=whole)) == facts(whole)


def test_many_columns_are_counted_as_their_parts() -> None:
    columns = {"x": np.random.default_rng(1).normal(size=300_000), "y": np.arange(300_000)}
    whole = profile(columns)

    halves = [profile({name: values[part] for name, values in columns.items()}, like=whole) for part in np.s_[:9, 9:]]

    assert facts(halves[1] | halves[0]) == facts(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_comes_back_from_json(kind: str) -> None:
    found = profile(*KINDS[kind], name="dev", groups=np.arange(N) % 7, time=np.arange(N))

    read = SplitProfile.from_json(json.loads(json.dumps(found.to_json())))

    assert facts(read) == facts(found)
    assert (read.name, read.time, read.layout.digest) == (found.name, found.time, found.layout.digest)
    np.testing.assert_array_equal(read.groups, found.groups)


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_from_json_adds_up_with_a_new_one(kind: str) -> None:
    data, targets = KINDS[kind]
    found = profile(data, targets)
    read = SplitProfile.from_json(found.to_json())

    assert facts(read | profile(data, targets, like=read)) == facts(found | found)


@pytest.mark.parametrize("leaks", [True, False])
@given(order=st.permutations(range(N)))
@settings(deadline=None, max_examples=15)
def test_a_digest_is_the_same_in_any_order(leaks: bool, order: list[int]) -> None:
    data, targets = KINDS["columns"]

    digests = {
        profile(data, targets, leaks=leaks).digest,
        profile(rows_of(data, np.array(order)), targets[order], leaks=leaks).digest,
    }

    assert len(digests) == 1


def test_a_digest_is_the_same_in_any_order_of_more_rows_than_edges_are_laid_through() -> None:
    data = np.random.default_rng(1).normal(size=(20_000, 2))

    assert profile(data).digest == profile(data[::-1]).digest


@given(row=st.integers(0, N - 1), column=st.integers(0, 2), value=st.floats(-1e30, 1e30))
@settings(deadline=None, max_examples=25)
def test_a_digest_tells_one_value(row: int, column: int, value: float) -> None:
    other = FLOATS.copy()
    other[row, column] = value

    assert (profile(other).digest == profile(FLOATS).digest) == (value == FLOATS[row, column])


@pytest.mark.parametrize("targets", [CLASSES, FLOATS[:, 0], np.eye(3)[CLASSES], CLASSES.astype(str), FLOATS[:, :2]])
def test_a_digest_tells_one_target(targets: NDArray[Any]) -> None:
    other = targets.copy()
    other[np.flatnonzero(CLASSES == 1)[0]] = targets[np.flatnonzero(CLASSES == 2)[0]]

    assert profile(FLOATS, other).digest != profile(FLOATS, targets).digest


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_digest_does_not_tell_ways_to_write_zero_and_nan(dtype: Any) -> None:
    one, other = np.array([[0.0, np.nan], [1.0, 2.0]], dtype), np.array([[-0.0, -np.nan], [1.0, 2.0]], dtype)

    assert profile(one).digest == profile(other).digest


def test_a_digest_tells_whose_a_target_is() -> None:
    assert profile(FLOATS, CLASSES).digest != profile(FLOATS, np.roll(CLASSES, 1)).digest


@pytest.mark.parametrize("leaks", [True, False])
def test_a_digest_tells_a_repeated_example_from_two(leaks: bool) -> None:
    repeated = profile(np.array([[1.0], [1.0], [2.0]]), leaks=leaks)

    assert repeated.digest != profile(np.array([[1.0], [2.0], [2.0]]), leaks=leaks).digest


@pytest.mark.parametrize("changed", [("x", 7.0), ("name", "b")])
def test_a_digest_without_hashes_tells_counts(changed: tuple[str, Any]) -> None:
    columns = {"x": np.zeros(5), "name": np.array(list("aaaaa"))}
    other = {name: values.copy() for name, values in columns.items()}
    other[changed[0]][2] = changed[1]

    assert profile(columns, leaks=False).digest != profile(other, leaks=False).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("float32", "float64"),
        ("float64", "float32"),
        ("int64", "float64"),
        ("int8", "int64"),
        ("uint8", "int64"),
        ("int64", "uint8"),
        ("bool", "float64"),
        ("float64", "bool"),
        ("float16", "float32"),
        (">f8", "<f8"),
    ],
)
def test_the_same_values_of_another_type_are_counted_alike(one: str, other: str) -> None:
    values = np.random.default_rng(1).integers(0, 2, (100, 3))
    whole = profile(values.astype(one))

    assert facts(profile(values.astype(other), like=whole)) == facts(whole)


@pytest.mark.parametrize("changed", [0.5, 300.0, -1.0, np.nan, np.inf, 1e300])
def test_a_value_that_the_other_splits_type_cannot_hold_is_no_copy(changed: float) -> None:
    train = profile(np.arange(256, dtype=np.uint8).reshape(128, 2))
    dev = profile(np.array([[0.0, changed], [2.0, 3.0]]), like=train)

    assert train.hashes is not None
    assert dev.hashes is not None
    assert np.isin(dev.hashes, train.hashes).sum() == 1


def test_profiles_with_edges_of_their_own_do_not_add_up() -> None:
    with pytest.raises(ValueError, match=r"got day 1 and day 2 with edges of their own; make both with like="):
        profile(FLOATS, name="day 1") | profile(FLOATS + 1, name="day 2")


def test_profiles_with_and_without_hashes_do_not_add_up() -> None:
    whole = profile(FLOATS)

    with pytest.raises(ValueError, match=r"the same leaks="):
        whole | profile(FLOATS, like=whole, leaks=False)


def test_groups_and_times_of_parts_add_up() -> None:
    whole = profile(FLOATS, groups=CLASSES, time=np.arange(N))
    parts = [profile(FLOATS[part], like=whole, groups=CLASSES[part], time=np.arange(N)[part]) for part in np.s_[:20, 20:]]

    found = parts[1] | parts[0]

    assert found.time == whole.time == (0, N - 1)
    np.testing.assert_array_equal(found.groups, whole.groups)


@pytest.mark.parametrize("values", [np.arange(5), np.zeros((5, 2)), np.float64(3)])
@pytest.mark.parametrize("what", ["groups", "time"])
def test_groups_and_times_are_one_an_example(what: str, values: Any) -> None:
    with pytest.raises(ValueError, match=r"one value an example|a single float64"):
        profile(FLOATS, **{what: values})


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_a_large_array_is_not_copied(dtype: Any) -> None:
    data = np.random.default_rng(0).integers(0, 200, (200_000, 20)).astype(dtype)
    profile(data[:100], leaks=False)  # what is imported, once

    tracemalloc.start()
    profile(data, leaks=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 0.4 * data.nbytes


def test_random_numbers_are_drawn_as_if_nothing_had_been_read() -> None:
    generator = torch.Generator().manual_seed(5)
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(FLOATS), torch.from_numpy(CLASSES))
    loader = torch.utils.data.DataLoader(dataset, 8, shuffle=True, generator=generator)
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.random(), torch.rand(1), torch.rand(1, generator=generator)
    random.seed(5), np.random.seed(5), torch.manual_seed(5), generator.manual_seed(5)

    profile(loader)
    profile((FLOATS[[i]] + np.random.random() + random.random(), CLASSES[[i]]) for i in range(N))

    assert (random.random(), np.random.random(), torch.rand(1), torch.rand(1, generator=generator)) == expected


@pytest.mark.parametrize("is_given", [True, False])
def test_a_profile_or_why_there_is_none_goes_to_another_process(is_given: bool) -> None:
    content = pack_profile(lambda: profile(FLOATS if is_given else FLOATS[:0], name="dev"))

    if is_given:
        assert unpack_profile(content).digest == profile(FLOATS).digest
    else:
        with pytest.raises(ValueError, match="dev: a split must have at least 1 example"):
            unpack_profile(content)
