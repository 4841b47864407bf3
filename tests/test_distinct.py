"""What is done for each distinct label, group or word once comes out as if it had been done for each example."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bvtrack import profile
from bvtrack.splits.profiling.columns import Names
from bvtrack.splits.profiling.groups_and_times import group_hashes
from bvtrack.splits.profiling.row_hash import hashes_of_texts, row_hashes
from bvtrack.splits.reading import distinct as module
from bvtrack.splits.reading.arrays import as_array, is_missing, objects_of
from bvtrack.splits.reading.distinct import distinct

VALUES: list[Any] = [1, True, 1.0, "1", "a", "", "é", "x" * 500, b"1", b"x" * 400, None, float("nan"), np.nan, 0.0, -0.0, 0]
VALUES += [False, 2**80, -(2**70), 2**63, Decimal("1.0"), Decimal("1.00"), date(2020, 1, 1), (1, 2), [1, 2], [], {"a": 1}, 1j]
VALUES += [pd.NA, pd.NaT, np.float32(1), np.int64(1), np.datetime64("NaT"), "nan", "\ud800", "a\0", frozenset({1})]
DTYPES = ["i1", "u1", "i8", "u8", "f2", "f4", "f8", "?", "U3", "S3", "M8[D]", "m8[s]", "c16"]
N = 3000
CODES = np.random.default_rng(0).integers(0, 7, N)


def name_of(value: Any) -> str:
    """What a class or a category of this value is called."""
    return "" if is_missing(value) else value if isinstance(value, str) else repr(value)


def bits(value: Any) -> Any:
    """What tells values apart that are equal, or that do not equal themselves."""
    return type(value), repr(value), "" if is_missing(value) else str(value)


@given(st.lists(st.sampled_from(VALUES), max_size=60))
def test_objects_are_told_apart_by_type_and_sign(values: list[Any]) -> None:
    array = objects_of(values)
    found = distinct(array)

    assert [*map(bits, found.of_each(found.values).tolist())] == [*map(bits, values)]
    assert found.counts.sum() == len(values)
    assert [bits(array[row]) for row in found.first] == [*map(bits, found.values.tolist())]


@given(st.sampled_from(DTYPES), st.binary(max_size=400), st.integers(1, 3))
def test_values_of_a_fixed_size_are_told_apart_by_their_bytes(dtype: str, content: bytes, width: int) -> None:
    size = np.dtype(dtype).itemsize * width
    raw = np.frombuffer(content[: len(content) // size * size], "u1")
    if dtype in ("?", "U3"):  # not all bytes are values of these
        raw = raw % 2 if dtype == "?" else (raw.view("u4") % 0x7F).view("u1")
    array = raw.view(dtype).reshape(-1, width)
    for values in (array, array[:, 0]):
        found = distinct(values)

        assert found.of_each(found.values).tobytes() == values.tobytes()
        assert len({value.tobytes() for value in found.values}) == len(found.values)
        assert [*found.first] == sorted(found.first)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 200_000), st.integers(1, 10**9), st.sampled_from(["i8", "f8", "U12", "O"]))
def test_each_value_is_there_once_however_many_there_are(n: int, most: int, dtype: str) -> None:
    values = np.random.default_rng(n).integers(0, most, n).astype(dtype if dtype != "O" else "U12").astype(dtype)
    found = distinct(values)
    expected, first, counts = np.unique(values, return_index=True, return_counts=True)
    order = np.argsort(first)

    assert found.values.tolist() == expected[order].tolist()
    assert found.first.tolist() == first[order].tolist()
    assert found.counts.tolist() == counts[order].tolist()


@pytest.mark.parametrize("of_one_hash", ["all", "some"])
def test_values_of_one_hash_are_told_apart(of_one_hash: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = np.uint64(0 if of_one_hash == "all" else 3)
    monkeypatch.setattr(module, "_hashes", lambda words, factors: (words[:, 0].astype("u8") & keep) << np.uint64(60))
    values = np.array([f"{index:05}" for index in CODES])
    found = distinct(values)

    assert len(found.values) == 7
    assert (found.of_each(found.values) == values).all()


@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=60))
def test_names_and_hashes_are_those_of_each_value(values: list[Any]) -> None:
    array = objects_of(values)

    names = Counter(name_of(value).encode(errors="backslashreplace").decode() for value in values)
    assert dict(Names.of(distinct(array)).counts) == dict(names)
    assert hashes_of_texts(array).tolist() == [hashes_of_texts(objects_of([value]))[0] for value in values]


@given(st.lists(st.sampled_from([value for value in VALUES if not isinstance(value, (list, dict))]), min_size=1, max_size=60))
def test_groups_are_those_of_each_value(values: list[Any]) -> None:
    rows: dict[str, int] = {}
    for row, value in enumerate(values):
        if not is_missing(value):
            rows.setdefault(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value), row)
    hashes, first = group_hashes(objects_of(values))
    expected = row_hashes({"group": objects_of([*rows])}) if rows else np.empty(0, np.uint64)

    assert hashes.tolist() == sorted(expected.tolist())
    assert dict(zip(hashes.tolist(), first.tolist(), strict=True)) == dict(zip(expected.tolist(), rows.values(), strict=True))


FEW = np.array(["dog", "cat", "", "é", "1", "nan", "x" * 300])[CODES]
MISSING = [None if code == 2 else str(name) for code, name in zip(CODES, FEW, strict=True)]
COUNTS = dict(sorted(Counter(map(name_of, MISSING)).items()))
ENCODED: dict[str, Any] = {
    "objects": objects_of(MISSING),
    "objects of their own": objects_of([None if name is None else "".join(name) + "" for name in MISSING]),
    "a list": MISSING,
    "a column": pd.Series(MISSING, dtype=object),
    "a column of texts": pd.Series(MISSING, dtype="string"),
    "a categorical column": pd.Series(MISSING).astype("category"),
    "categories": pd.Categorical(MISSING),
    "an index": pd.Index(MISSING),
    "Arrow": pa.array(MISSING),
    "large texts of Arrow": pa.array(MISSING, pa.large_string()),
    "a dictionary of Arrow": pa.array(MISSING).dictionary_encode(),
    "chunks of Arrow": pa.chunked_array([pa.array(MISSING[:9]), pa.array(MISSING[9:])]),
    "chunks of dictionaries": pa.chunked_array([pa.array(MISSING[:9]), pa.array(MISSING[9:])]).dictionary_encode(),
    "an empty chunk": pa.chunked_array([pa.array([], pa.string()), pa.array(MISSING)]),
    "bytes": np.char.encode(np.where(CODES == 2, "", FEW), "utf-8"),
}


@pytest.mark.parametrize("kind", ENCODED)
def test_names_are_the_same_however_they_are_held(kind: str) -> None:
    found = profile(np.arange(N, dtype=float), ENCODED[kind])

    assert dict(found.class_counts) == COUNTS
    assert found.fingerprint == profile(np.arange(N, dtype=float), objects_of(MISSING)).fingerprint or kind == "bytes"


@pytest.mark.parametrize("texts", [[["a", "b"], ["c"]], [{"a": "x"}, {"a": "y"}]])
def test_lists_and_records_of_texts_of_arrow_are_read_as_such(texts: Any) -> None:
    found = as_array(pa.array(texts))
    assert [list(value) for value in found.tolist()] == [list(value) for value in texts]


NUMBERS: dict[str, Any] = {
    "integers": CODES,
    "bytes": CODES.astype("u1"),
    "floats": CODES.astype(float),
    "single floats": CODES.astype("f4"),
    "one-hot": np.eye(7)[CODES],
    "one-hot booleans": np.eye(7, dtype=bool)[CODES],
    "a tensor": torch.tensor(CODES),
    "one column": CODES[:, None],
    "a list": CODES.tolist(),
    "objects": CODES.astype(object),
    "Arrow": pa.array(CODES),
    "a categorical column": pd.Series(CODES).astype("category"),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_classes_are_the_same_however_they_are_held(kind: str) -> None:
    like = profile(np.arange(N, dtype=float), CODES if "one-hot" not in kind else NUMBERS[kind])
    found = profile(np.arange(N, dtype=float), NUMBERS[kind], like=like)

    assert found.class_counts == {str(code): int(np.count_nonzero(code == CODES)) for code in range(7)}
    assert found.fingerprint == profile(np.arange(N, dtype=float), CODES).fingerprint


def test_missing_numbers_and_zeros_of_both_signs_are_classes_as_before() -> None:
    like = profile(np.arange(N, dtype=float), CODES)
    values: NDArray[Any] = np.array([0.0, -0.0, np.nan, 3.0, np.inf])
    found = profile(np.arange(5.0), values, like=like)

    assert found.class_counts == {"": 2, "0": 2, "3": 1}


def test_rows_of_a_list_that_is_there_twice_are_rows_of_each() -> None:
    row = [1.0, 2.0]

    assert as_array(objects_of([row, row, [3.0, 4.0]])).tolist() == [[1, 2], [1, 2], [3, 4]]
