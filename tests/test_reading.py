"""Whatever holds a split is read alike, and what holds none is refused in one sentence."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from bvtrack import SplitProfile, compare_splits, profile
from bvtrack.splits.reading import readers
from bvtrack.splits.reading.readers import Reader

N = 100
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
Y = RNG.integers(0, 3, N)
NAMES = np.array(list("abc"))[RNG.integers(0, 3, N)]
DATES = np.datetime64("2020-01-01", "s") + RNG.integers(0, 10**8, N).astype("m8[s]")
TEXTS = [" ".join(RNG.choice(list("abcdefghijklmnop"), 14)) for _ in range(N)]
PLAIN = profile(X, Y)
COLUMNS = {"x": X[:, 0], "n": Y, "name": NAMES, "date": DATES, "is_new": Y > 1}
TABLE = profile(COLUMNS)


class Examples(torch.utils.data.Dataset[Any]):
    """Of Python's numbers, one by one."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return X[index], int(Y[index])


class Stream(IterableDataset[Any]):
    """The same without an index, though with a length."""

    def __len__(self) -> int:
        return N

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        return iter([(X[index], int(Y[index])) for index in range(N)])


def batches() -> Iterator[tuple[Any, Any]]:
    return ((X[start : start + 30], Y[start : start + 30]) for start in range(0, N, 30))


def dicts(*, size: int) -> Iterator[dict[str, Any]]:
    return ({"feature": X[start : start + size], "label": Y[start : start + size]} for start in range(0, N, size))


def tensors() -> TensorDataset:
    return TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))


def assert_alike(found: SplitProfile, expected: SplitProfile) -> None:
    assert found.digest == expected.digest
    assert (found.n, found.class_counts) == (expected.n, expected.class_counts)
    assert (found.numbers.codes == expected.numbers.codes).all()
    assert (found.numbers.products == expected.numbers.products).all()
    assert {name: dict(names.counts) for name, names in found.names.items()} == {
        name: dict(names.counts) for name, names in expected.names.items()
    }


@pytest.mark.parametrize(
    "data",
    [
        (X, Y),
        (X, Y, np.ones(N)),
        (np.asfortranarray(X), Y[:, None]),
        (X.astype(">f8"), Y.astype(np.uint8)),
        (X.tolist(), Y.tolist()),
        (list(X), list(Y)),
        list(zip(X, Y, strict=True)),
        {"feature": X, "label": Y},
        {"feature": X, "y": Y.astype(object)},
        (sparse.csr_matrix(X), Y),
        (sparse.coo_array(X), Y),
        (torch.from_numpy(X), torch.from_numpy(Y)),
        (torch.tensor(X, requires_grad=True), torch.from_numpy(Y).int()),
        (torch.from_numpy(X).to_sparse(), Y),
        tensors(),
        DataLoader(tensors(), 7),
        DataLoader(tensors(), 7, shuffle=True),
        DataLoader(Examples(), 7, shuffle=True),
        DataLoader(Examples(), batch_size=None),
        DataLoader(Stream(), 7),
        Examples(),
        Stream(),
        torch.utils.data.Subset(Examples(), range(N)),
        batches(),
        dicts(size=30),
        ([start, target] for start, target in batches()),
        ({"feature": x, "label": int(y)} for x, y in zip(X, Y, strict=True)),
        zip(X, Y, strict=True),
        (np.ma.masked_array(X, X > 9), Y),
    ],
    ids=lambda data: type(data).__name__,
)
def test_features_and_targets_are_read_alike(data: Any) -> None:
    assert_alike(profile(data, like=PLAIN), PLAIN)


class Shards:
    """A kind of data that nobody has heard of yet."""

    def shards(self) -> Iterator[tuple[Any, Any]]:
        return batches()


def test_an_entry_in_the_table_is_all_that_a_new_kind_of_data_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(lambda data: isinstance(data, Shards), lambda data, targets: data.shards())
    with pytest.raises(ValueError, match="expected arrays, a table, a dataset or a loader, got Shards"):
        profile(Shards())
    monkeypatch.setattr(readers, "READERS", (reader, *readers.READERS))

    found = profile(Shards(), like=PLAIN)

    assert_alike(found, PLAIN)
    with pytest.raises(ValueError, match="expected the targets of a Shards in its batches, got them beside it"):
        profile(Shards(), Y)


def test_batches_that_are_mappings_come_out_of_loaders() -> None:
    examples: Any = [{"feature": x, "label": int(y)} for x, y in zip(X, Y, strict=True)]

    assert_alike(profile(DataLoader(examples, 9, shuffle=True), like=PLAIN), PLAIN)


def test_features_alone_are_read_alike() -> None:
    plain = profile(X)
    others = [X.tolist(), TensorDataset(torch.from_numpy(X)), iter([X[:9], X[9:]]), iter([(X,)]), sparse.csc_matrix(X)]

    for other in others:
        assert_alike(profile(other), plain)


def test_targets_beside_the_data_are_read_alike() -> None:
    assert_alike(profile(X, Y), PLAIN)
    assert_alike(profile(list(X), Y), PLAIN)


def test_tables_of_pandas_are_read_as_columns() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(COLUMNS)

    for other in (table, table[table.columns[::-1]], table.convert_dtypes(), table.astype({"name": "category"})):
        assert_alike(profile(other, like=TABLE), TABLE)


def test_tables_of_arrow_are_read_as_columns() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(COLUMNS)

    for other in (table, table.to_batches()[0], table.to_reader(max_chunksize=30), iter(table.to_batches(max_chunksize=9))):
        assert_alike(profile(other, like=TABLE), TABLE)


def test_tables_of_polars_are_read_as_columns() -> None:
    polars = pytest.importorskip("polars")
    table = polars.DataFrame(COLUMNS)

    for other in (table, table.lazy()):
        assert_alike(profile(other, like=TABLE), TABLE)


RECORDS = np.array([(x, y) for x, y in zip(X[:, 0], Y, strict=True)], [("x", "f8"), ("target", "i8")])


@pytest.mark.parametrize("name", ["label", "y"])
@pytest.mark.parametrize("kind", ["pandas", "arrow", "batches of arrow", "batches of pandas"])
def test_the_target_of_a_table_is_found_by_its_name_as_that_of_a_mapping_is(kind: str, name: str) -> None:
    columns = {"x": X[:, 0], name: Y}
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    frame, table = pandas.DataFrame(columns), arrow.table(columns)
    data = {
        "pandas": frame,
        "arrow": table,
        "batches of arrow": iter(table.to_batches(max_chunksize=9)),
        "batches of pandas": (frame[start : start + 9] for start in range(0, N, 9)),
    }[kind]

    assert_alike(profile(data), profile(columns))
    assert [part.name for part in profile(columns).layout.parts] == ["x"]


def test_the_target_of_records_is_found_by_its_name() -> None:
    assert_alike(profile(RECORDS), profile({"x": X[:, 0], "target": Y}))


def test_a_table_with_targets_beside_it_or_of_one_column_is_all_features() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"x": X[:, 0], "label": Y})

    assert [part.name for part in profile(table, Y).layout.parts] == ["x", "label"]
    assert profile(table[["label"]]).labels is None


def test_datasets_of_hugging_face_are_read_as_columns() -> None:
    datasets = pytest.importorskip("datasets")
    plain = profile({"x": X[:, 0], "name": NAMES, "embedding": X}, Y)
    dataset = datasets.Dataset.from_dict({"x": X[:, 0], "name": NAMES, "embedding": X, "label": Y})

    assert_alike(profile(dataset, like=plain), plain)


def test_streams_of_hugging_face_are_read_in_the_32_bits_that_they_give() -> None:
    datasets = pytest.importorskip("datasets")
    plain = profile({"embedding": X.astype(np.float32)}, Y)
    stream = datasets.Dataset.from_dict({"embedding": X.astype(np.float32), "label": Y}).to_iterable_dataset()

    assert_alike(profile(stream, like=plain), plain)


def test_datasets_of_tensorflow_are_read_by_batches_and_by_examples() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    dataset = tensorflow.data.Dataset.from_tensor_slices((X, Y))

    for other in (dataset, dataset.batch(9), dataset.shuffle(N).batch(9)):
        assert_alike(profile(other, like=PLAIN), PLAIN)


def test_datasets_of_keras_are_read_by_batches() -> None:
    class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no type hints
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return X[25 * index : 25 * index + 25], Y[25 * index : 25 * index + 25]

    assert_alike(profile(Batches(), like=PLAIN), PLAIN)


def test_records_are_read_as_columns() -> None:
    records = np.array(list(zip(X[:, 0], NAMES, strict=True)), dtype=[("x", "f8"), ("name", "U1")])

    assert_alike(profile(records), profile({"x": X[:, 0], "name": NAMES}))


def test_a_sparse_matrix_of_many_columns_is_read_in_buckets() -> None:
    matrix = sparse.random(3000, 20_000, 0.001, format="csr", random_state=np.random.default_rng(0))
    part = profile(matrix)

    report = compare_splits(train=part, dev=profile(matrix[::2], like=part))

    assert part.n == 3000
    assert len(part.numbers.codes) == 1024
    assert report.verdict.endswith("leak")


@pytest.mark.parametrize(
    ("shape", "columns"),
    [
        ((28, 28), 66),
        ((9, 12, 3), 3 * 66),
        ((3, 12, 9), 3 * 66),
        ((1, 28, 28), 66),
        ((7, 28), 7 * 28),
        ((4, 4, 3), 48),
        ((2, 3, 4, 5), 120),
        ((2, 3, 30, 40), 34),
        ((5000,), 34),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_images_and_tensors_have_columns_with_names(shape: tuple[int, ...], columns: int, dtype: str) -> None:
    found = profile(RNG.integers(0, 256, (20, *shape)).astype(dtype))

    assert len(found.layout.column_names) == len(set(found.layout.column_names)) == columns
    assert len(found.numbers.codes) == columns


def test_channels_first_and_last_are_the_same_fields() -> None:
    images = RNG.integers(0, 256, (20, 16, 12, 3)).astype(np.uint8)

    first, last = profile(images.transpose(0, 3, 1, 2)), profile(images)

    assert first.layout.column_names == last.layout.column_names
    assert (first.numbers.codes == last.numbers.codes).all()


def test_texts_are_read_by_their_words_and_names_by_name() -> None:
    found = profile({"text": TEXTS, "name": NAMES})

    assert [part.kind for part in found.layout.parts] == ["text", "words"]
    assert found.names["name"].counts == {name: NAMES.tolist().count(name) for name in "abc"}
    assert "text: characters" in found.layout.column_names


@pytest.mark.parametrize(
    ("targets", "kind"),
    [
        (Y, "classes"),
        (Y > 1, "classes"),
        (NAMES, "classes"),
        (Y[:, None], "classes"),
        (np.array([None, "a"] * 50), "classes"),
        (np.eye(3)[Y], "one_hot"),
        (sparse.csr_matrix(np.eye(3)[Y]), "one_hot"),
        (X[:, 0], "numbers"),
        (X[:, :2], "numbers"),
        (RNG.integers(0, 2, (N, 5)), "numbers"),
        (RNG.random((N, 3, 3)), "numbers"),
        (np.arange(N) + 1j, "numbers"),
        (DATES, "numbers"),
        ([10**30 + index for index in range(N)], "numbers"),
    ],
)
def test_targets_are_classes_or_numbers(targets: Any, kind: str) -> None:
    assert profile(X, targets).layout.targets == kind


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float64, object, np.uint64])
def test_classes_are_the_same_of_any_type(dtype: Any) -> None:
    whole = profile(X, Y > 1)

    assert_alike(profile(X, (Y > 1).astype(dtype), like=whole), whole)


def test_one_hot_rows_are_classes() -> None:
    one_hot = profile(X, np.eye(3)[Y])

    assert_alike(one_hot, PLAIN)
    assert_alike(profile(X, Y, like=one_hot), PLAIN)


def test_rows_of_several_classes_are_classes_of_their_own() -> None:
    one_hot = profile(X, np.eye(3)[Y])

    found = profile(X[:3], np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1]]), like=one_hot)

    assert found.class_counts == {"0+1": 1, "2": 1, "none": 1}


def test_missing_classes_do_not_make_classes_numbers() -> None:
    found = profile(X, np.where(Y == 2, np.nan, Y), like=PLAIN)

    assert found.class_counts == {"": (Y == 2).sum(), "0": (Y == 0).sum(), "1": (Y == 1).sum()}


@pytest.mark.parametrize(
    "missing",
    [None, float("nan"), np.nan, np.datetime64("NaT"), pytest.param("NA", id="pandas.NA")],
)
def test_whatever_is_missing_is_missing(missing: Any) -> None:
    value = pytest.importorskip("pandas").NA if missing == "NA" else missing
    expected = profile({"a": np.array(["x", None, "y"] * 9, dtype=object)})

    assert_alike(profile({"a": np.array(["x", value, "y"] * 9, dtype=object)}), expected)


@pytest.mark.parametrize(
    "values",
    [
        [1, None, 3],
        [1.0, float("nan"), 3.0],
        [decimal.Decimal(1), None, decimal.Decimal(3)],
        np.ma.masked_array([1, 2, 3], [False, True, False]),
        np.array([1, None, 3], dtype=object),
    ],
)
def test_numbers_with_missing_values_are_numbers(values: Any) -> None:
    assert_alike(profile({"a": values}), profile({"a": np.array([1, np.nan, 3])}))


@pytest.mark.parametrize("unit", ["D", "h", "s", "ms", "us", "ns"])
def test_dates_are_the_same_in_any_unit(unit: str) -> None:
    dates = np.datetime64("2020-01-01", "D") + np.arange(50).astype("m8[D]")
    dates[3] = np.datetime64("NaT")
    whole = profile(dates)

    assert_alike(profile(dates.astype(f"M8[{unit}]"), like=whole), whole)


def test_dates_with_time_zones_are_dates() -> None:
    pandas = pytest.importorskip("pandas")
    column = pandas.DataFrame({"date": pandas.Series(DATES).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")})
    whole = profile({"date": DATES})

    assert_alike(profile(column, like=whole), whole)


ODD: dict[str, Any] = {
    "one row": X[:1],
    "one row with a target": (X[:1], Y[:1]),
    "one image": RNG.random((1, 28, 28)),
    "only missing": np.full((N, 3), np.nan),
    "only None": {"a": [None] * N},
    "constant": np.ones((N, 3)),
    "constant images": np.zeros((N, 28, 28)),
    "infinities": np.where(X > 0, np.inf, -np.inf),
    "some infinities": np.where(X > 1, np.inf, X),
    "images with NaN": np.where(RNG.random((N, 9, 9)) < 0.01, np.nan, 1.0),
    "images with infinities": np.where(RNG.random((N, 9, 9)) < 0.01, np.inf, 1.0),
    "huge images": np.full((N, 9, 9), 1e300),
    "tensors with infinities": np.full((9, 2, 3, 900), np.inf),
    "mixed types": {"a": np.array([1, "a", None, 2.5, (1, 2), {3}] * 9, dtype=object)},
    "a mixed list": [1, "a", None],
    "lone surrogates": np.array(["\ud800a", "b\udfff"] * 40, dtype=object),
    "texts of lone surrogates": [f"\ud800 word {index} \udfff" for index in range(N)],
    "a name of lone surrogates": {"\ud800": X[:, 0]},
    "texts with None": np.array([*TEXTS, None, float("nan")], dtype=object),
    "huge integers": [10**400, -(10**400), 3] * 9,
    "integers at the end of their range": np.array([2**64 - 1, 0] * 20, np.uint64),
    "integers at the other end": np.full((N, 2), -(2**63)),
    "booleans": X > 0,
    "dates": np.where(Y == 1, np.datetime64("NaT"), DATES),
    "only NaT": np.full(N, "NaT", "M8[s]"),
    "years": np.array(["2020", "NaT"], "M8[Y]"),
    "durations": DATES - DATES[0],
    "durations without a unit": np.array([1, 2], "m8"),
    "complex numbers": X + 1j,
    "complex images": RNG.random((N, 9, 9)) + 1j,
    "bytes": np.array([b"a", b"\xff"] * 9),
    "half precision": X.astype(np.float16),
    "long doubles": X.astype(np.longdouble),
    "denormal numbers": X * 1e-320,
    "many names": np.array([f"name {index}" for index in range(3000)]),
    "dates of Python": {"a": [datetime.date(2020, 1, 1), None] * 9},
    "a range": range(10),
    "a view": np.broadcast_to(X[:1], (N, 4)),
    "a column of rows": {"a": [X[0], X[1]]},
    "unequal images": (RNG.random((N, 9, 9)), np.arange(N) % 3),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("leaks", [True, False])
def test_odd_values_are_counted(kind: str, leaks: bool) -> None:
    found = profile(ODD[kind], leaks=leaks)

    report = compare_splits(train=found, dev=profile(ODD[kind], like=found, leaks=leaks), leaks=leaks)

    assert report.verdict in ("same", "unclear", "same + leak", "unclear + leak")
    assert SplitProfile.from_json(found.to_json()).digest == found.digest
    assert all(finding.message.encode() for finding in report.findings)


NO_EXAMPLE = "must have at least 1 example"
REFUSED: dict[str, tuple[Any, str]] = {
    "an empty array": (np.empty((0, 3)), NO_EXAMPLE),
    "an empty pair": ((np.empty((0, 3)), []), NO_EXAMPLE),
    "an empty list": ([], NO_EXAMPLE),
    "an exhausted generator": (iter(()), NO_EXAMPLE),
    "no columns": ({}, "at least 1 column"),
    "zero-width features": (np.empty((5, 0)), r"at least 1 value an example in feature, got an array of shape \(5, 0\)"),
    "zero-width images": (np.empty((5, 28, 0)), "at least 1 value an example"),
    "zero-width sparse": (sparse.csr_matrix((5, 0)), "at least 1 value an example"),
    "zero-width targets": ((X, np.empty((N, 0))), "at least 1 target an example"),
    "ragged examples": ([np.zeros((2, 4)), np.zeros((2, 2))], r"one shape, got \(2, 2\), \(2, 4\); resize them first"),
    "ragged batches": (iter([X, X[:, :2]]), "batches of feature to be of one type and shape"),
    "batches of other columns": (iter([{"a": X}, {"b": X}]), "batches with the same columns, got a and then b"),
    "batches of other types": (iter([X[:, 0], DATES]), "of one type and shape"),
    "targets in some batches": (iter([(X, Y), X]), "targets in all batches or in none"),
    "examples of other names": ([{"a": 1}, {"b": 1}], "examples with the same names"),
    "columns of other lengths": ({"a": X, "b": Y[:9]}, r"columns of one length, got a 100, b 9"),
    "few targets": ((X, Y[:9]), r"one target an example, got 9 for 100"),
    "few targets of a sparse matrix": ((sparse.csr_matrix(X), Y[:9]), r"one target an example, got 9 for 100"),
    "many targets of a sparse matrix": ((sparse.csr_matrix(X), np.r_[Y, Y]), r"one target an example, got 200 for 100"),
    "one target": ((X, 3), "got a single int"),
    "names in columns as targets": ((X, np.array([["a", "b"]] * N)), "one class or name an example"),
    "texts in three dimensions": (np.array([[["a"]]]), r"texts \[n\] or \[n, k\]"),
    "a number": (5, "got int"),
    "a number of NumPy": (np.float64(1), "got a single float64"),
    "nothing": (None, "got NoneType"),
    "a text": ("train.csv", "got str"),
    "an object": (object(), "got object"),
    "raw bytes": (np.zeros(5, "V8"), "got raw bytes"),
    "a mapping in a mapping": ({"a": {"b": X}}, "got a single dict"),
    "names that look alike": ({1: X, "1": X}, "columns of different names, got 1 twice"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_split_is_refused_by_name(kind: str) -> None:
    data, message = REFUSED[kind]

    with pytest.raises(ValueError, match=f"(?s)^dev: .*{message}") as caught:
        profile(data, name="dev")

    assert type(caught.value) is ValueError
    assert "\n" not in str(caught.value)


def test_targets_beside_a_loader_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the targets of a DataLoader in its batches, got them beside it"):
        profile(DataLoader(tensors(), 7), Y)


def test_a_dataset_without_end_is_refused() -> None:
    class Endless(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no type hints
        num_batches = None

        def __getitem__(self, index: int) -> Any:
            return X

    with pytest.raises(ValueError, match="a Endless with a number of batches, got one without end"):
        profile(Endless())


UNLIKE: list[tuple[Any, Any, str]] = [
    (X, X[:, :2], r"expected feature of dev to be of shape \(4,\)"),
    ({"a": X}, {"b": X}, "expected the columns of the other split in dev; missing: a; not expected: b"),
    (X[:, 0], NAMES, "expected numbers in feature of dev as in the other split, got '[abc]' in row 1; write both alike, or"),
    (DATES, X[:, 0], "expected dates in feature of dev as in the other split, got numbers"),
    (X[:, 0], DATES, "expected numbers in feature of dev as in the other split, got dates"),
    (DATES, DATES - DATES[0], "expected dates in feature of dev as in the other split, got durations"),
    ((X, Y), (X, X[:, 0]), r"expected classes in label of dev as in the other split, got [-.\d]+ in row 1; write both alike"),
    ((X, NAMES), (X, X[:, 0]), "expected classes in label of dev as in the other split, got "),
    ((X, Y), (X, DATES), "expected classes in label of dev as in the other split, got dates"),
    ((X, X[:, 0]), (X, NAMES), "expected numbers in label of dev as in the other split, got '[abc]' in row 1"),
    ((X, Y), (X, np.eye(3)[Y]), "expected one class an example as in the other split"),
    ((X, X[:, :3]), (X, X[:, :2]), "expected 3 targets an example as in the other split, got 2"),
]


@pytest.mark.parametrize(("train", "dev", "message"), UNLIKE)
def test_splits_that_cannot_be_compared_are_refused(train: Any, dev: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_splits(train=train, dev=dev)


ALIKE: list[tuple[Any, Any]] = [
    (NAMES, [None] * N),
    (DATES, np.full(N, np.nan)),
    (Y, np.where(Y == 1, np.nan, Y)),
    (Y > 1, np.where(Y == 1, np.nan, Y > 1)),
    (X.astype(np.float32), X * 1e300),
    (X + 1j, X),
    (X, X + 1j),
    (NAMES, NAMES.astype("S1")),
    ((X, Y), (X, Y + 2)),
    ((X, X[:, 0]), (X, Y)),
]


@pytest.mark.parametrize(("train", "dev"), ALIKE)
def test_splits_whose_values_have_other_types_are_compared(train: Any, dev: Any) -> None:
    assert compare_splits(train=train, dev=dev).verdict


def test_a_generator_of_a_users_own_says_its_own_error() -> None:
    def broken() -> Iterator[NDArray[Any]]:
        yield X
        raise KeyError("image 7")

    with pytest.raises(KeyError, match="image 7"):
        profile(broken())
