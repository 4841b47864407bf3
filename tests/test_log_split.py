"""`Tracker.log_split` reads a sample of what it is given, whatever that is: so many examples, bytes and seconds."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]  # it has no types
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from written_journals import all_records

from bvtrack import Tracker
from bvtrack.adapters import SplitSample, SplitSource, choose_examples
from bvtrack.journal.folder import unsent_journals
from bvtrack.splits.reading.file_rows import file_rows
from bvtrack.splits.reading.mapped import is_mapped
from bvtrack.splits.reading.random_subset import MOST_SHUFFLED
from bvtrack.splits.sampling.allowance import MOST_FILE_BYTES, MOST_READ

N = 30_000
RNG = np.random.default_rng(0)
X = np.sort(RNG.normal(size=(N, 3)), axis=0)
Y = RNG.integers(0, 4, N)
HOW_MUCH = """
import resource, sys
import numpy as np
import bvtrack
x = np.load(sys.argv[1], mmap_mode="r")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
tracker = bvtrack.Tracker(tracking_uri="sqlite:///mlflow.db", journal_dir=sys.argv[2], enabled=False)
tracker.log_split(train=np.zeros((100, 3)), dev=np.ones((50, 3)))
before = peak()
tracker.log_split(train=x, dev=x[:10_000], test=x[::-1])
print(peak() - before)
"""


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, there is time to read."""
    monkeypatch.setattr("bvtrack.splits.sampling.allowance.READ_SECONDS", 60)


def sample_of(data: Any) -> SplitSample:
    return SplitSource.of(data).sample()


class Counting:
    """An array of no known library that notes which rows it is asked for, and takes its time for each."""

    def __init__(self, values: Any, seconds: float = 0.0) -> None:
        self._values = values
        self._seconds = seconds
        self.shape, self.dtype = values.shape, values.dtype
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, rows: Any) -> Any:
        found = self._values[rows]
        time.sleep(self._seconds * np.size(rows))
        self.asked += np.arange(len(self))[rows].reshape(-1).tolist()
        return found

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        self.asked += range(len(self))
        return np.asarray(self._values)


class Slow(Dataset[Any]):
    """Takes its time for each example, of which it notes the indices."""

    def __init__(self, seconds: float, n: int = N, width: int = 3) -> None:
        self.seconds = seconds
        self.n = n
        self.width = width
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        time.sleep(self.seconds)
        self.asked.append(index)
        return torch.full((self.width,), float(index)), index % 3


class Stream(IterableDataset[Any]):
    """Without an index, though with a length."""

    def __init__(self, n: int, seconds: float = 0.0) -> None:
        self.n = n
        self.seconds = seconds

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Any]:
        for index in range(self.n):
            time.sleep(self.seconds)
            yield torch.tensor([float(index)]), index % 3


class Emptied(Stream):
    """Its examples are gone once they have been read."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.rows = list(range(n))

    def __iter__(self) -> Iterator[Any]:
        while self.rows:
            yield torch.tensor([float(self.rows.pop())]), 0


def in_file(folder: Path, values: NDArray[Any], mode: Any = "r") -> NDArray[Any]:
    np.save(folder / "rows.npy", values)
    mapped: NDArray[Any] = np.load(folder / "rows.npy", mmap_mode=mode)
    return mapped


def in_hdf5(folder: Path) -> tuple[Any, Any]:
    file = h5py.File(folder / "rows.h5", "w")
    return file.create_dataset("x", data=X), file.create_dataset("y", data=Y)


KINDS: dict[str, Callable[[Path], Any]] = {
    "arrays": lambda _: (X, Y),
    "an array without targets": lambda _: X,
    "a memory map": lambda folder: (in_file(folder, X), Y),
    "a table": lambda _: pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "label": Y}),
    "a table and a column": lambda _: (pd.DataFrame(X), pd.Series(Y)),
    "a table of Arrow": lambda _: pa.Table.from_pandas(pd.DataFrame({"a": X[:, 0], "text": Y.astype(str), "label": Y})),
    "columns of Arrow": lambda _: (pa.table({"a": X[:, 0]}), pa.chunked_array([pa.array(Y[:9]), pa.array(Y[9:])])),
    "tensors": lambda _: (torch.from_numpy(X), torch.from_numpy(Y)),
    "tensors of TensorFlow": lambda _: tuple(map(pytest.importorskip("tensorflow").constant, (X, Y))),
    "a sparse tensor": lambda _: (torch.from_numpy(X).to_sparse(), Y),
    "a sparse matrix": lambda _: (sparse.csr_array(X), Y),
    "a sparse matrix by columns": lambda _: (sparse.csc_array(X), Y),
    "a wide sparse matrix": lambda _: (sparse.random_array((N, 10**6), density=1e-6, format="csr", rng=RNG), Y),
    "HDF5": in_hdf5,
    "a mapping": lambda _: {"a": X, "b": X[:, 0].astype(object), "label": Y},
    "several inputs": lambda _: ([X, X[:, :2]], Y),
    "a tuple of inputs": lambda _: ((X, X[:, :2]), Y),
    "lists": lambda _: (list(X), Y.tolist()),
    "texts": lambda _: (np.array([f"a text, number {index}" for index in range(N)], object), Y),
    "a column of numbers and texts": lambda _: ({"a": np.array([*range(N - 5), *"abcde"], object)}, Y),
    "records": lambda _: (np.array(list(map(tuple, X.tolist())), "f8,f4,f8"), Y),
    "an array of a library that we do not know": lambda _: (Counting(X), Counting(Y)),
    "a dataset": lambda _: Slow(0),
    "a dataset of tensors": lambda _: TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
    "a loader": lambda _: DataLoader(Slow(0), 16, shuffle=True),
    "what another read": lambda _: SplitSample(N, X, Y),
}


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("kind", KINDS)
def test_of_every_kind_some_examples_are_read_and_their_number_is_known(kind: str, tmp_path: Path) -> None:
    sample = sample_of(KINDS[kind](tmp_path))
    profile = sample.profile("train", None)

    assert profile is not None
    assert (sample.n, sample.n_read) == (N, profile.n)
    assert 1000 <= sample.n_read <= MOST_READ


@pytest.mark.skipif(find_spec("jax") is None, reason="needs JAX")
def test_tensors_of_jax_are_sampled_as_arrays_are() -> None:
    code = (
        "import jax.numpy as jnp; from bvtrack.adapters import SplitSource; "
        f"found = SplitSource.of((jnp.zeros(({N}, 3)), jnp.zeros({N}, int))).sample(); print(found.n, found.n_read)"
    )  # in a process of its own: one that has imported JAX is warned of each fork
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.split() == [str(N), str(MOST_READ)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_read_for_long(kind: str, tmp_path: Path) -> None:
    data = KINDS[kind](tmp_path)
    sample_of((X[:20_000], Y[:20_000]))  # imports
    start = time.process_time()
    sample_of(data)

    assert time.process_time() - start < 2


@settings(deadline=None)
@given(n=st.integers(1, 25_000), width=st.sampled_from([1, 30, 3000, 400_000]), has_shape=st.booleans())
def test_no_more_is_asked_for_than_examples_and_bytes_allow(n: int, width: int, has_shape: bool) -> None:
    rows = np.broadcast_to(np.arange(n, dtype=np.float32)[:, None], (n, width))
    data = Counting(rows)
    if not has_shape:
        del data.shape, data.dtype
    sample = sample_of((data, np.zeros(n, int)) if has_shape else data)
    bytes_read = sample.n_read * width * 4

    assert len(data.asked) <= MOST_READ + 300  # what the data are known by when they come again
    assert 1 <= sample.n_read <= min(n, MOST_READ)
    assert bytes_read <= MOST_FILE_BYTES + width * 4


def test_arrays_that_are_small_are_kept_as_they_are() -> None:
    sample = sample_of((X[:MOST_READ], Y[:MOST_READ]))

    assert sample.features is not None
    assert np.shares_memory(sample.features, X)
    assert sample.n_read == MOST_READ


def test_examples_that_are_too_large_are_not_read_and_it_is_said(said: list[str], journals: Path) -> None:
    huge = np.broadcast_to(np.float32(0), (5, 1 << 24))
    with Tracker() as tracker:
        tracker.log_split(train=huge, dev=huge)

    assert "expected examples of 33,554,432 bytes at most" in said.pop()


def test_a_memory_map_of_ten_gigabytes_takes_50_mb(tmp_path: Path) -> None:
    np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype="f4", shape=(2_500_000, 1000))  # sparse: it takes no room
    command = [sys.executable, "-c", HOW_MUCH, str(tmp_path / "x.npy"), str(tmp_path / "j")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert float(done.stdout) < 50


@pytest.mark.parametrize(
    "make", ["torch.from_file(path, size=SIZE).reshape(-1, 700)", "torch.from_numpy(mapped)", "mapped[:, 5:]"]
)
def test_tensors_over_a_file_are_read_as_the_file_is(make: str, tmp_path: Path) -> None:
    np.memmap(tmp_path / "x", mode="w+", dtype="f4", shape=(400_000, 700))  # sparse: it takes no room
    code = f"""if True:
        import resource, sys, warnings, numpy as np, torch
        from bvtrack.adapters import SplitSource
        warnings.simplefilter("ignore")  # the map cannot be written to
        path, SIZE = sys.argv[1], 400_000 * 700
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        SplitSource.of(torch.zeros(20_000, 700)).sample()
        mapped, before = np.memmap(path, dtype="f4", mode="r", shape=(400_000, 700)), peak()
        SplitSource.of({make}).sample()
        print(peak() - before)"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], capture_output=True, text=True, check=True)

    assert float(done.stdout) < 150  # the key's rows, and the sample's


def test_data_in_a_file_are_told_from_data_in_memory(tmp_path: Path) -> None:
    mapped = in_file(tmp_path, np.zeros((N, 50)))
    shared = torch.zeros(N, 50).share_memory_()  # type: ignore[no-untyped-call]  # torch has no hint there

    assert all(
        map(is_mapped, (mapped, mapped[::2], np.asarray(mapped), torch.from_file(str(tmp_path / "rows.npy"), size=N * 90)))
    )
    assert not any(map(is_mapped, (np.array(mapped), torch.zeros(N, 50), shared, torch.zeros(N, 50, device="meta"), [1.0])))


@pytest.mark.parametrize(
    "part",
    [
        lambda x: x,
        lambda x: x[::-1],
        lambda x: x[5:900:3],
        lambda x: x[:, ::2],
        lambda x: x[:, ::-1],
        lambda x: x.transpose(0, 2, 1),
        lambda x: x.transpose(2, 0, 1),
        lambda x: x[:, 1, 2],
        lambda x: np.asarray(x),
        lambda x: x.T,
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_come_out_of_a_file_as_they_are_in_memory(part: Any, order: Any, tmp_path: Path) -> None:
    rows = RNG.normal(size=(1000, 7, 40)).astype("f4", order=order)
    mapped = part(in_file(tmp_path, rows))
    chosen = np.array([0, len(mapped) // 2, len(mapped) - 1])
    found = file_rows(mapped, chosen)

    assert found is not None
    assert np.array_equal(found, part(rows)[chosen])


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("change", ["gone", "other", "shorter", "private"])
def test_of_a_file_that_does_not_hold_the_map_no_rows_are_read(change: str, tmp_path: Path) -> None:
    mapped = in_file(tmp_path, X, "c" if change == "private" else "r")
    (tmp_path / "rows.npy").unlink()
    if change in ("other", "shorter"):
        np.save(tmp_path / "rows.npy", X[:5] if change == "shorter" else X + 1)

    assert file_rows(mapped, np.array([7, N - 1])) is None
    assert sample_of((mapped, Y)).n_read > 1000


@pytest.mark.parametrize(("seconds", "n_read"), [(0.3, 1), (0.02, 20)])
@pytest.mark.parametrize("as_kind", [lambda slow: slow, lambda slow: DataLoader(slow, 8)])
def test_of_slow_examples_as_many_are_read_as_there_is_time_for(seconds: float, n_read: int, as_kind: Any) -> None:
    slow = Slow(seconds)
    sample = sample_of(as_kind(slow))

    assert 1 <= sample.n_read <= n_read
    assert len(slow.asked) * seconds < 3 * seconds + 2
    assert sample.n == N


def test_examples_that_turn_out_slow_are_read_until_the_time_is_over() -> None:
    class Slower(Slow):
        def __getitem__(self, index: int) -> Any:
            self.seconds, seconds = 0.15, self.seconds
            return super().__getitem__(index) if seconds else (torch.zeros(3), 0)

    assert sample_of(Slower(0)).n_read <= 3


def test_of_slow_rows_as_many_are_read_as_there_is_time_for() -> None:
    rows = Counting(X, seconds=0.005)
    sample = sample_of((rows, Y))

    assert 1 <= sample.n_read <= 60
    assert len(rows.asked) < 200


def test_examples_of_too_few_are_not_told_apart(journals: Path) -> None:
    with Tracker() as tracker:
        tracker.log_split(train=Slow(0.3), dev=Slow(0.3, 100))
    (found,) = (one for one in records(journals) if one["kind"] == "split")

    assert (found["distribution"], found["report"]["read"]) == ("no_shift_found", {"train": 1, "dev": 1})


def test_what_is_read_is_drawn_from_all_of_a_sorted_set() -> None:
    rows = sample_of((np.sort(RNG.normal(size=(500_000, 1)), axis=0), np.arange(500_000))).features

    assert abs(np.mean(rows["feature"])) < 0.04
    assert abs(np.std(rows["feature"]) - 1) < 0.04


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("kind", ["arrays", "a memory map", "a dataset", "HDF5"])
def test_what_is_read_is_drawn_at_random_the_same_each_time(kind: str, tmp_path: Path) -> None:
    first, again = (sample_of(KINDS[kind](tmp_path / name)) for name in made(tmp_path, "first", "again"))
    read = [sorted(sample.features["feature"][:, 0].tolist()) for sample in (first, again)]

    assert read[0] == read[1]
    assert 0.32 < np.mean(np.isin(read[0], X[: N // 3, 0] if kind != "a dataset" else np.arange(N // 3))) < 0.35


def made(folder: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (folder / name).mkdir()
    return names


def test_a_few_of_very_many_are_drawn_without_a_list_of_all() -> None:
    chosen = choose_examples(10**12, MOST_READ)

    assert len(set(chosen.tolist())) == MOST_READ
    assert abs(chosen.mean() / 10**12 - 0.5) < 0.02
    assert (choose_examples(MOST_SHUFFLED + 1, 5) == choose_examples(MOST_SHUFFLED + 1, 5)).all()


def records(journals: Path) -> list[Mapping[str, Any]]:
    path = max(unsent_journals(journals), key=lambda journal: journal.stat().st_mtime_ns)
    return all_records(path)


def test_classes_of_all_examples_are_counted_where_the_targets_are_at_hand(journals: Path) -> None:
    y = np.zeros(200_000, int)
    y[17] = 1
    with Tracker() as tracker:
        tracker.log_split(train=(np.zeros((200_000, 1)), y), dev=(np.zeros((100, 1)), [0] * 99 + [1]))
    (found,) = (one for one in records(journals) if one["kind"] == "split")

    assert json.loads(found["datasets"][0]["tags"]["bvtrack.class_counts"]) == {"0": 199_999, "1": 1}
    assert "dev_has_unseen_classes" not in {one["code"] for one in found["findings"]}


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(("n_rare", "is_said"), [(1, False), (5000, True)])
def test_a_class_that_a_sample_may_have_missed_is_not_called_unseen(
    n_rare: int, is_said: bool, journals: Path, said: list[str]
) -> None:
    class Rare(Slow):
        def __getitem__(self, index: int) -> Any:
            return torch.full((1,), float(index)), int(self.n < N and index < n_rare)

    with Tracker() as tracker:
        tracker.log_split(train=Rare(0), dev=Rare(0, 9000))
    (found,) = (one for one in records(journals) if one["kind"] == "split")

    assert ("dev_has_unseen_classes" in {one["code"] for one in found["findings"]}) is is_said
    said.clear()  # dev repeats train


def test_reading_moves_no_random_numbers_and_no_state_of_the_dataset() -> None:
    class Drawing(Slow):
        def __init__(self) -> None:
            super().__init__(0)
            self.rng = np.random.default_rng(0)
            self.n_read = 0

        def __getitem__(self, index: int) -> Any:
            self.n_read += 1
            return torch.rand(2) + random.random() + np.random.random() + self.rng.random(), 0

    dataset = Drawing()
    before = random.getstate(), torch.get_rng_state().tolist(), np.random.get_state(legacy=False)["state"]["key"].tolist()
    sample_of(dataset)

    assert (
        random.getstate(),
        torch.get_rng_state().tolist(),
        np.random.get_state(legacy=False)["state"]["key"].tolist(),
    ) == before
    assert dataset.n_read == 0
    assert dataset.rng.random() == np.random.default_rng(0).random()


@pytest.mark.usefixtures("unhurried")
def test_a_stream_is_read_to_its_end() -> None:
    sample = sample_of(Stream(600))

    assert (sample.n, sample.n_read) == (600, 600)


def test_of_a_stream_that_does_not_end_in_time_nothing_is_read() -> None:
    sample = sample_of(Stream(600, 0.005))

    assert (sample.n, sample.n_read) == (600, 0)
    assert "to its end within 0.2 s, got a Stream" in sample.problem


@pytest.mark.usefixtures("unhurried")
def test_a_stream_is_read_from_a_copy() -> None:
    stream = Emptied(600)
    sample = sample_of(DataLoader(stream, 50))

    assert (sample.n, sample.n_read) == (600, 600)
    assert len(stream.rows) == 600


def test_a_stream_that_cannot_be_copied_is_not_read() -> None:
    stream = Stream(600)
    stream.rows = (row for row in X)  # type: ignore[attr-defined]
    sample = sample_of(stream)

    assert (sample.n, sample.n_read) == (600, 0)
    assert "cannot pickle" in sample.problem


def test_a_pipeline_of_batches_is_read_by_index() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    order = np.random.default_rng(0).permutation(N)
    sample = sample_of(tensorflow.data.Dataset.from_tensor_slices((X[order], Y[order])).batch(64))

    assert sample.n == N
    assert 64 <= sample.n_read <= MOST_READ + 64


def test_texts_of_tensorflow_are_read() -> None:
    texts = pytest.importorskip("tensorflow").constant([f"text {index}" for index in range(300)])

    assert 1 <= sample_of((texts, Y[:300])).n_read <= 300


def test_several_outputs_are_no_label() -> None:
    sample = sample_of(DataLoader([(row, (label, label)) for row, label in zip(X[:100], Y[:100], strict=True)], 8))  # type: ignore[arg-type]

    assert (sample.n_read, sample.targets) == (100, None)


def test_a_sparse_matrix_that_has_no_rows_at_hand_is_refused_with_a_remedy(said: list[str], journals: Path) -> None:
    large = sparse.random_array((200_000, 50), density=0.1, format="coo", rng=RNG)
    with Tracker() as tracker:
        tracker.log_split(train=large, dev=large.tocsr()[:500])

    assert "pass it on as .tocsr()" in said.pop()


def test_targets_of_another_length_leave_the_sizes_checked(said: list[str], journals: Path) -> None:
    with Tracker() as tracker:
        tracker.log_split(train=(X, Y[:5]), dev=(X, Y))
    (found,) = (one for one in records(journals) if one["kind"] == "split")

    assert found["counts"] == {"train": N, "dev": N}
    assert "train: expected one target an example, got 5 for 30,000 examples" in said.pop()
