"""Columns as they are written: words among numbers, lists of different lengths, and the same values in other types."""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import compare_splits, profile
from bvtrack.splits.finding import Finding

N = 120
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(50, 9, N).round(2)
CODES_OF_NUMPY = re.compile(r"[<>|=][a-zA-Z]\d*\b|\b(u?int|float|complex)\d+\b|\bobject\b")


def _table(values: Any) -> pd.DataFrame:
    return pd.DataFrame({"charges": values, "x": RNG.normal(size=len(values))})


def _findings(train: Any, dev: Any, code: str = "") -> list[Finding]:
    return [finding for finding in compare_splits(train=train, dev=dev).findings if code in finding.code]


@pytest.mark.parametrize("word", [" ", "", "?", "NA", "N/A", "null", "-", "unknown", "12,5"])
@pytest.mark.parametrize("is_train", [True, False])
@pytest.mark.parametrize("as_texts", [True, False])
def test_a_word_among_numbers_is_read_as_missing_and_named(word: str, is_train: bool, as_texts: bool) -> None:
    written = [*NUMBERS[:-1].astype(str if as_texts else object), word]
    sets = [_table(written), _table(NUMBERS)]
    train, dev = sets if is_train else sets[::-1]

    (finding,) = _findings(train, dev, "among")

    split = "train" if is_train else "dev"
    assert (finding.code, finding.level) == (f"{split}_has_words_among_numbers", "note")
    assert finding.message == (
        f"1 of 120 values in charges of {split} are no numbers and were read as missing: {word!r} (first in row 120); "
        "write numbers there, or leave the column out (--without charges)"
    )


def test_numbers_that_are_all_written_as_texts_are_compared_as_numbers() -> None:
    train = _table([" ", *NUMBERS[1:].astype(str)])

    report = compare_splits(train=train, dev=_table((NUMBERS + 9).astype(str)))

    assert report.verdict == "shifted"
    assert "charges (mean moved by" in report.findings[0].message


def test_digits_that_are_codes_stay_names() -> None:
    few, zip_codes = [*"123"] * 40, [f"{number:05}" for number in range(N)]

    assert [part.kind for part in profile(_table(few).assign(zip=zip_codes)).layout.parts] == ["words", "number", "words"]


def test_a_column_of_words_where_the_other_split_has_numbers_is_refused_by_its_first_one() -> None:
    with pytest.raises(
        ValueError, match=r"^expected numbers in charges of dev as in the other split, got 'red' in row 3; write"
    ):
        compare_splits(train=_table(NUMBERS), dev=_table([1.5, None, *["red", "blue"] * 40]))


def test_the_row_of_a_word_is_counted_over_batches_and_unknown_of_parts() -> None:
    batches = [{"x": NUMBERS}, {"x": [*NUMBERS.astype(object)[:-1], "?"]}]
    whole = profile(iter(batches))

    parts = profile(batches[1], like=whole) | profile(batches[0], like=whole)

    assert whole.remarks.words["x"].row == 2 * N
    assert (parts.remarks.words["x"].row, parts.remarks.words["x"].n) == (None, 1)
    assert type(whole).from_json(whole.to_json()).remarks == whole.remarks


@pytest.mark.parametrize("is_train", [True, False])
def test_a_word_in_an_array_is_named_with_its_column(is_train: bool) -> None:
    numbers = RNG.normal(size=(N, 3))
    words = numbers.astype(object)
    words[4, 1] = "?"
    train, dev = (words, numbers) if is_train else (numbers, words)

    (finding,) = _findings(train, dev, "among")

    assert "1 of 120 values in feature 1 of" in finding.message
    assert "'?' (first in row 5)" in finding.message


DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(int(day)) for day in RNG.integers(0, 90, N)]
ALIKE: dict[str, tuple[Any, Any]] = {
    "integers that may be missing": (pd.array([1, None] * 60, dtype="Int64"), [1.0, np.nan] * 60),
    "truths and their names": (pd.array([True, None] * 60, dtype="boolean"), ["True", None] * 60),
    "truths and numbers": ([True, False] * 60, [1, 0] * 60),
    "decimals": ([decimal.Decimal(str(value)) for value in NUMBERS], NUMBERS),
    "numbers as texts": (NUMBERS, NUMBERS.astype(str)),
    "texts as numbers": (NUMBERS.astype(str), NUMBERS),
    "codes as numbers": ([*"123"] * 40, [1, 2, 3] * 40),
    "codes as floats": ([*"12a"] * 40, ["1", "2", "a"] * 40),
    "bytes and texts": ([b"a", b"b"] * 60, ["a", "b"] * 60),
    "bytes of NumPy": (np.array([b"a", b"b"] * 60), ["a", "b"] * 60),
    "categories in another order": (pd.Categorical([*"ab"] * 60), pd.Categorical([*"ab"] * 60, categories=[*"ba"])),
    "categories of numbers": (pd.Categorical([1, 2] * 60), [1, 2] * 60),
    "days and dates": (DAYS, pd.to_datetime(DAYS)),
    "dates as texts": (pd.to_datetime(DAYS), [day.isoformat() for day in DAYS]),
    "texts as dates": ([day.isoformat() for day in DAYS], pd.to_datetime(DAYS)),
    "dates in another zone": (pd.to_datetime(DAYS, utc=True), pd.to_datetime(DAYS)),
    "numbers and texts mixed": ([1, "a"] * 60, ["1", "a"] * 60),
    "lists and arrays": ([[1], [1, 2]] * 60, [np.array([1.0]), np.array([1.0, 2.0])] * 60),
    "lists of one length": ([[1, 2]] * 120, [np.array([1.0, 2.0])] * 120),
    "strings of Arrow": (pd.array(["a", "b"] * 60, dtype="string[pyarrow]"), ["a", "b"] * 60),
}


@pytest.mark.parametrize("kind", ALIKE)
def test_the_same_values_in_other_types_are_the_same(kind: str) -> None:
    train, dev = ({"value": values} for values in ALIKE[kind])

    report = compare_splits(train=pd.DataFrame(train), dev=pd.DataFrame(dev))

    assert not any(one.is_significant for one in report.comparisons)
    (copies,) = (finding for finding in report.findings if finding.code == "dev_repeats_train")
    assert copies.message.startswith("120 of 120 dev examples (100.0 %)")


def _lists(n: int, longest: int, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 9, rng.integers(0, longest)).tolist() for _ in range(n)]


LISTS: dict[str, list[Any]] = {
    "of numbers": _lists(N, 6),
    "of arrays": [np.array(values) for values in _lists(N, 6)],
    "of texts": [[f"tag {item}" for item in values] for values in _lists(N, 6)],
    "some missing": [None, *_lists(N - 1, 6)],
    "nested": [[values, [1]] for values in _lists(N, 6)],
    "mixed": [["a", 1, None, [2.5]], []] * 60,
    "images of two sizes": [np.zeros((4, 4)), np.zeros((3, 4))] * 60,
    "texts of one length, some missing": [["a", "b"], None] * 60,
    "numbers of one length, some missing": [[1.0, 2.0], None] * 60,
    "all empty": [[]] * N,
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("as_table", [pd.DataFrame, dict])
def test_columns_of_lists_are_compared_and_their_copies_found(kind: str, as_table: Any) -> None:
    train, dev = (as_table({"l": values, "x": RNG.normal(size=N)}) for values in (LISTS[kind], LISTS[kind][::-1]))

    report = compare_splits(train=train, dev=train)

    assert report.verdict == "unclear + leak"
    assert compare_splits(train=train, dev=dev).verdict == "unclear"


@pytest.mark.parametrize("of", ["Arrow", "examples", "a list", "batches"])
def test_lists_of_different_lengths_are_read_from_every_source(of: str) -> None:
    values = LISTS["of numbers"]

    def batches() -> Iterator[Any]:
        yield {"l": [[1, 2]] * 60}
        yield {"l": values}

    data: Any = {
        "Arrow": pa.table({"l": values}),
        "examples": [(np.array(one), 1) for one in values],
        "a list": values,
        "batches": batches(),
    }[of]

    (part,) = profile(data).layout.parts

    assert part.kind == "lists"


def test_longer_lists_and_other_items_are_shifts() -> None:
    train, longer = pd.DataFrame({"l": _lists(600, 6)}), pd.DataFrame({"l": _lists(600, 9, 1)})
    others = pd.DataFrame({"l": [[item + 3 for item in values] for values in _lists(600, 6, 1)]})

    assert "l: length (" in _findings(train, longer, "differs")[0].message
    assert "l: mean (" in _findings(train, others, "differs")[0].message


def test_lists_of_different_lengths_where_train_has_one_length_are_refused_with_a_way_out() -> None:
    train, dev = pd.DataFrame({"l": [[1, 2]] * N}), pd.DataFrame({"l": LISTS["of numbers"]})

    with pytest.raises(ValueError, match=r"expected l of dev to be of shape \(2,\) .*got lists of different lengths; pad them"):
        compare_splits(train=train, dev=dev)


VALUES = [
    NUMBERS,
    NUMBERS.astype("float32"),
    np.arange(N),
    (NUMBERS > 50),
    NUMBERS.astype(str),
    NUMBERS.astype(str).astype("S"),
    [*NUMBERS.astype(object)[:-1], "?"],
    ["red", "blue"] * 60,
    [1, "red"] * 60,
    pd.to_datetime(DAYS),
    DAYS,
    pd.to_timedelta(NUMBERS, "s"),
    NUMBERS + 1j,
    [None] * N,
    LISTS["of numbers"],
    [[1, 2]] * N,
    np.zeros((N, 2)),
    np.zeros((N, 8, 8)),
    np.array([["a", "b"]] * N),
    np.zeros(N, "V4"),
    [{"a": 1}] * N,
    np.zeros(N, [("a", "f8"), ("b", "i4")]),
]


@given(pair=st.tuples(*[st.integers(0, len(VALUES) - 1)] * 2), role=st.sampled_from(["column", "target", "batch", "whole"]))
@settings(deadline=None, max_examples=250)
def test_no_sentence_holds_codes_of_numpy(pair: tuple[int, int], role: str) -> None:
    one, other = (VALUES[index] for index in pair)
    train, dev = {
        "column": ({"v": one}, {"v": other}),
        "target": ((np.zeros(N), one), (np.zeros(N), other)),
        "batch": (iter([{"v": one}, {"v": other}]), {"v": one}),
        "whole": (one, other),
    }[role]

    try:
        said = " ".join(finding.message for finding in compare_splits(train=train, dev=dev).findings)
    except ValueError as error:
        said = str(error)

    assert not CODES_OF_NUMPY.search(said)
