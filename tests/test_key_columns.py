"""A column that differs in each row or set hides copies: they are found without it, and the column is named."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import SplitProfile, compare_splits, profile
from bvtrack.splits.finding import Finding

N_TRAIN, N_DEV, N_COPIES = 400, 200, 80
N = N_TRAIN + N_DEV
RNG = np.random.default_rng(0)


def _rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 50, n), "c": rng.choice(["x", "y"], n)})


TRAIN, DEV = _rows(N_TRAIN, 0), _rows(N_DEV, 1)
LEAKED = pd.concat([TRAIN[:N_COPIES], DEV[N_COPIES:]], ignore_index=True)
KEYS: dict[str, dict[str, Any]] = {
    "row numbers": {"row_id": np.arange(N)},
    "shuffled row numbers": {"Unnamed: 0.1": RNG.permutation(N)},
    "row numbers as floats": {"PassengerId": np.arange(N) + 1.0},
    "row numbers that begin anew": {"index": np.r_[np.arange(N_TRAIN), np.arange(N_DEV)[::-1]]},
    "row numbers that may be missing": {"id": pd.array([None, *range(1, N)], dtype="Int64")},
    "numbers of no known name": {"k": RNG.integers(0, 2**60, N)},
    "numbers with gaps": {"k": np.r_[np.arange(N // 2), 10**6 + np.arange(N - N // 2)]},
    "identifiers": {"uid": [str(uuid.UUID(int=int(value))) for value in RNG.integers(0, 2**60, N)]},
    "names of files": {"image": [f"images/{number}.png" for number in range(N)]},
    "dates": {"when": pd.date_range("2024-01-01", periods=N, freq="h")},
    "dates with a time zone": {"when": pd.date_range("2024-01-01", periods=N, freq="h", tz="UTC")},
    "dates as texts": {"when": [str(day) for day in pd.date_range("2024-01-01", periods=N, freq="h")]},
    "seconds": {"timestamp": 1.7e9 + RNG.exponential(3, N).cumsum()},
    "seconds that several rows share": {"time": np.sort(RNG.integers(0, 3 * N, N))},
    "three of them": {
        "id": np.arange(N),
        "file": [f"{number}.png" for number in range(N)],
        "created": pd.date_range("2024-01-01", periods=N, freq="min"),
    },
    "the name of the set": {"split": ["train"] * N_TRAIN + ["dev"] * N_DEV},
    "the source": {"origin": ["a.csv"] * N_TRAIN + ["b.csv"] * N_DEV},
    "the fold": {"fold": np.r_[np.arange(N_TRAIN) % 4, [4] * N_DEV]},
}


def _copies(train: Any, dev: Any) -> list[Finding]:
    return [finding for finding in compare_splits(train=train, dev=dev).findings if "repeats" in finding.code]


def _with(columns: dict[str, Any], dev: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return (
        TRAIN.assign(**{name: values[:N_TRAIN] for name, values in columns.items()}),
        dev.assign(**{name: values[N_TRAIN:] for name, values in columns.items()}),
    )


@pytest.mark.parametrize("kind", KEYS)
def test_copies_are_found_without_the_columns_that_hide_them(kind: str) -> None:
    (finding,) = _copies(*_with(KEYS[kind], LEAKED))

    assert (finding.code, finding.level) == ("dev_repeats_train", "error")
    assert finding.message.startswith(
        f"80 of 200 dev examples (40.0 %) are copies of train examples in all columns but {', '.join(KEYS[kind])} (one"
    )


@pytest.mark.parametrize("kind", KEYS)
def test_other_rows_are_no_copies_without_their_keys(kind: str) -> None:
    assert not _copies(*_with(KEYS[kind], DEV))


@pytest.mark.parametrize("as_array", [lambda table: table.to_numpy(), lambda table: table.to_numpy().astype("float32")])
def test_a_column_of_an_array_hides_copies_too(as_array: Callable[[pd.DataFrame], Any]) -> None:
    train, dev = (table[["id", "a", "b"]] for table in _with({"id": np.arange(N)}, LEAKED))

    (finding,) = _copies(as_array(train), as_array(dev))

    assert finding.message.startswith(
        "80 of 200 dev examples (40.0 %) are copies of train examples in all columns but feature 0"
    )


def test_a_column_that_is_empty_hides_nothing() -> None:
    train, dev = _with({"row_id": np.arange(N), "empty": [""] * N}, LEAKED)

    assert "in all columns but row_id (" in _copies(train, dev)[0].message


def test_copies_in_all_columns_are_said_to_be_such() -> None:
    train, dev = _with({"row_id": np.arange(N)}, DEV)

    (finding,) = _copies(train, pd.concat([train[:50], dev[50:]]))

    assert finding.message.startswith("50 of 200 dev examples (25.0 %) are copies of train examples: ")


TEXTS = [" ".join(RNG.choice([f"word{number}" for number in range(3000)], 6)) for _ in range(N)]
MOLECULES = ["".join(RNG.choice(list("CNOcno()=1"), 20)) for _ in range(N)]
HASHES = [f"{number:x}" for number in RNG.integers(2**59, 2**60, N)]


@pytest.mark.parametrize("name", ["text", "smiles"])
@pytest.mark.parametrize("keys", [list(range(N)), HASHES], ids=["numbers", "hashes"])
def test_a_text_beside_its_key_is_the_example(name: str, keys: list[Any]) -> None:
    contents = TEXTS if name == "text" else MOLECULES
    train: dict[str, Any] = {"key": keys[:N_TRAIN], name: contents[:N_TRAIN], "lang": RNG.choice(["en", "de"], N_TRAIN)}
    dev = {"key": keys[N_TRAIN:], name: contents[:N_COPIES] + contents[N_TRAIN + N_COPIES :], "lang": train["lang"][:N_DEV]}

    (finding,) = _copies(pd.DataFrame(train), pd.DataFrame(dev))

    assert finding.message.startswith("80 of 200 dev examples (40.0 %) are copies of train examples in all columns but key")


@pytest.mark.parametrize("keys", [list(range(N)), HASHES], ids=["numbers", "hashes"])
def test_a_price_beside_a_key_is_part_of_the_example(keys: list[Any]) -> None:
    """Though it is a whole number that differs in each row."""
    prices = RNG.lognormal(14, 0.5, N).astype(int)
    table = pd.DataFrame({"key": keys, "price": prices, "rooms": RNG.integers(1, 6, N)})
    train, dev = table[:N_TRAIN], table[N_TRAIN:].reset_index(drop=True)
    leaked = pd.concat([train[:N_COPIES].assign(key=dev.key[:N_COPIES]), dev[N_COPIES:]])

    (finding,) = _copies(train, leaked)

    assert finding.message.startswith("80 of 200 dev examples (40.0 %) are copies of train examples in all columns but key (")
    assert not _copies(train, dev)


@pytest.mark.parametrize("columns", [["text"], ["text", "lang"], ["file", "lang"], ["text", "file", "lang"]])
def test_texts_of_their_own_are_no_copies_though_little_else_is_known_of_them(columns: list[str]) -> None:
    known = pd.DataFrame(
        {"text": TEXTS, "file": [f"{number:05}.txt" for number in range(N)], "lang": RNG.choice(["en", "de"], N)}
    )[columns]

    assert not _copies(known[:N_TRAIN], known[N_TRAIN:])


@pytest.mark.parametrize("width", [1, 2, 4, 6, 8])
def test_short_rows_are_no_error_without_their_numbers(width: int) -> None:
    rng = np.random.default_rng(width)
    train, dev = (
        pd.DataFrame(rng.integers(0, 4, (n, width))).add_prefix("f").assign(id=np.arange(n) + 10 * n) for n in (1000, 300)
    )

    assert all(finding.level == "note" for finding in _copies(train, dev))


@given(order=st.permutations(range(5)), cuts=st.sets(st.integers(1, N_TRAIN - 1), min_size=4, max_size=4))
@settings(deadline=None, max_examples=15)
def test_hashes_without_keys_add_up_in_any_order(order: list[int], cuts: set[int]) -> None:
    table = _with(KEYS["three of them"], DEV)[0]
    whole = profile(table)
    bounds = [0, *sorted(cuts), N_TRAIN]

    parts = [profile(table[bounds[index] : bounds[index + 1]], like=whole) for index in order]
    merged = parts[0] | parts[1] | parts[2] | parts[3] | parts[4]

    assert whole.hashes_without
    assert [found.tolist() for found in merged.hashes_without] == [found.tolist() for found in whole.hashes_without]
    assert SplitProfile.from_json(merged.to_json()).layout.left_out == whole.layout.left_out


def test_nothing_more_is_hashed_where_there_are_no_keys() -> None:
    assert profile(TRAIN[["a", "b", "c"]]).hashes_without == ()
    assert profile(np.random.default_rng(0).normal(size=(500, 30))).hashes_without == ()
