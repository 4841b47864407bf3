"""Data that come again are not tested again: what they are known by, and where what was found of them is kept."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pandas as pd
import pytest
import torch
from keras_training import TEST, TRAIN, fit, split
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, default_collate
from written_journals import all_records

from bvtrack import Measure, Tracker
from bvtrack.adapters import SplitSample, SplitSource
from bvtrack.journal.folder import unsent_journals
from bvtrack.splits.sampling import by_index
from bvtrack.splits.sampling.content_key import key_of_arrays, key_of_dataset
from bvtrack.tracking import split_cache
from bvtrack_keras import BiasVarianceCallback as KerasCallback
from bvtrack_lightning import BiasVarianceCallback as LightningCallback

N = 1000


def rows(seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=(N, 3))


def labels(seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 4, N)


class Pictures(Dataset[Any]):
    """Keeps bytes and labels, and gives tensors, with noise where asked to; counts what it is asked for."""

    def __init__(self, noise: Callable[[], float] = lambda: 0.0) -> None:
        self.data = np.random.default_rng(0).integers(0, 256, (N, 6, 6), dtype=np.uint8)
        self.targets = labels().tolist()
        self.noise = noise
        self.generator = np.random.default_rng(1)
        self.n_read = 0

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> Any:
        self.n_read += 1
        return torch.from_numpy(self.data[index]).float() + self.noise(), self.targets[index]


class Draws(Pictures):
    """Augments with a generator of its own."""

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x + self.generator.normal(), y


def key_of(dataset: Any, indices: Sequence[int] = range(N)) -> str | None:
    return key_of_dataset(dataset, indices, lambda examples: [default_collate(examples)])


@pytest.mark.parametrize("as_one", [np.asarray, torch.from_numpy, pd.DataFrame, lambda x: {"a": x}])
def test_arrays_of_equal_content_have_one_key(as_one: Callable[[Any], Any]) -> None:
    keys = {key_of_arrays(N, as_one(rows()), labels()), key_of_arrays(N, as_one(rows().copy()), labels().copy())}

    assert len(keys) == 1
    assert None not in keys


def with_value(array: np.ndarray[Any, Any], place: Any, value: float) -> np.ndarray[Any, Any]:
    changed = array.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    "other",
    [
        (N, with_value(rows(), 0, 1.0), labels()),
        (N, with_value(rows(), -1, 1.0), labels()),
        (N, with_value(rows(), slice(500, 510), 1.0), labels()),
        (N, rows(), with_value(labels(), slice(500, 510), 9)),
        (N, rows().astype("float32"), labels()),
        (N, rows()[::-1], labels()),
        (N - 1, rows()[:-1], labels()[:-1]),
        (N, rows(), None),
        (N, {"a": rows()}, labels()),
    ],
)
def test_arrays_of_other_content_have_another_key(other: Any) -> None:
    assert key_of_arrays(*other) not in (None, key_of_arrays(N, rows(), labels()))


def test_what_has_no_rows_has_no_key() -> None:
    assert key_of_arrays(N, object()) is None


def test_a_datasets_key_is_that_of_what_it_gives_and_of_what_it_holds() -> None:
    relabelled, halved = Pictures(), Pictures()
    relabelled.targets[500:510] = [9] * 10
    halved.data = halved.data // 2
    datasets = [Pictures(), relabelled, halved, TensorDataset(torch.from_numpy(rows())), TensorDataset(torch.zeros(N, 3))]
    keys = [key_of(dataset) for dataset in datasets]

    assert key_of(Pictures()) == keys[0]
    assert len({*keys, None}) == 6


def test_other_indices_make_another_key() -> None:
    parts = [range(N // 2), range(N // 2, N), list(range(0, N, 2))]
    keys = {key_of(Pictures(), part) for part in parts} | {key_of(Subset(Pictures(), part), range(N // 2)) for part in parts}

    assert len(keys) == 6


def test_what_puts_examples_together_counts_for_the_key() -> None:
    def halved(examples: list[Any]) -> Any:
        x, y = default_collate(examples)
        return [(x / 2, y)]

    assert key_of_dataset(Pictures(), range(N), halved) not in (None, key_of(Pictures()))


@pytest.mark.parametrize("dataset", [Pictures(random.random), Pictures(lambda: float(torch.rand(1))), Draws()])
def test_what_is_different_each_time_has_no_key(dataset: Any) -> None:
    assert key_of(dataset) is None


class Uncopied(Pictures):
    def __copy__(self) -> Any:
        raise TypeError("there is one of it")


@pytest.mark.parametrize("dataset", [Pictures(lambda: 1 / 0), Uncopied()])
def test_a_dataset_that_raises_has_no_key(dataset: Any) -> None:
    assert key_of(dataset) is None


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_arrays_that_cannot_be_indexed_have_no_key() -> None:
    assert key_of_arrays(N, torch.zeros(N, 3).to_sparse_csr()) is None


def test_a_key_costs_the_dataset_no_draw_and_no_count() -> None:
    drawing, inner = Draws(), Draws()
    before = random.getstate(), torch.get_rng_state().tolist()
    key_of(drawing)
    key_of(Subset(inner, range(N)))
    key_of(Pictures(random.random))

    assert (random.getstate(), torch.get_rng_state().tolist()) == before
    for dataset in (drawing, inner):
        assert dataset.n_read == 0
        assert dataset.generator.normal() == Draws().generator.normal()


def records(journals: Path) -> list[Mapping[str, Any]]:
    """Of the last training, without their times."""
    path = max(unsent_journals(journals), key=lambda journal: journal.stat().st_mtime_ns)
    return [{**one, "timestamp": 0} for one in all_records(path)[1:]]


class Counted:
    """Splits that count how often they are read."""

    def __init__(self, *, moved: float = 0.0, y: Any = None) -> None:
        self.n_read = 0
        self.sets = {
            name: SplitSource(N, functools.partial(self._read, seed, moved, y), f"{name} {moved}")
            for seed, name in enumerate(("train", "dev", "test"))
        }

    def _read(self, seed: int, moved: float, y: Any) -> SplitSample:
        self.n_read += 1
        x = rows(seed) + moved * seed
        return SplitSample(N, x, labels(seed) if y is None else x[:, 0])


def train(splits: Any, measure: str = "val_acc", monitors: Sequence[str] = (), enabled: bool = True) -> Tracker:
    tracker = Tracker(tracking_uri="sqlite:///mlflow.db", enabled=enabled)
    tracker.log_split(**splits, monitors=monitors)
    tracker.log_measure(Measure(measure, measure == "val_acc"))
    tracker.log_epoch(0, train_error=0.1, dev_error=0.2)
    return tracker


@pytest.mark.parametrize("moved", [0.0, 0.3])
def test_a_second_training_logs_the_same_of_its_split_without_reading_it(moved: float, journals: Path, said: list[str]) -> None:
    splits = Counted(moved=moved)
    train(splits.sets)
    first = records(journals)
    train(splits.sets)

    assert splits.n_read == 3
    assert records(journals) == first
    assert {"chance", "split"} <= {one["kind"] for one in first}
    assert ["dev and test differ" in message for message in said] == 2 * [True] * bool(moved)
    said.clear()


def test_arrays_are_known_again_and_other_ones_are_not(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = {"train": (rows(0), labels(0)), "dev": (rows(1), labels(1))}
    train(sets)
    first = records(journals)
    with monkeypatch.context() as patched:
        patched.setattr("bvtrack.tracking.split_logging.check_samples", None)
        train(sets)
    again = records(journals)
    train({**sets, "dev": (rows(1) + 1, labels(1))})

    assert again == first
    assert records(journals)[0]["distribution"] == "shifted"


def test_counts_alone_are_not_kept(journals: Path) -> None:
    train({"train": N, "dev": N})

    assert not split_cache.known_splits_dir(journals).exists()


def test_a_tracker_that_writes_nothing_keeps_nothing(journals: Path) -> None:
    train(Counted().sets, enabled=False)

    assert not split_cache.known_splits_dir(journals).exists()


def test_what_a_training_chooses_by_is_tested_anew(journals: Path, said: list[str]) -> None:
    splits = Counted()
    train(splits.sets)
    train(splits.sets, monitors=["test_acc"])

    assert str(records(journals)[0]["tag"]).startswith("test_used_to_choose")
    assert len(said) == 1
    said.clear()


def test_errors_in_units_are_brought_to_the_same_fractions(journals: Path) -> None:
    splits = Counted(y="the first feature")
    train(splits.sets, measure="val_mse")
    first = records(journals)
    train(splits.sets, measure="val_mse")

    assert records(journals) == first
    assert "best constant" in str(first[1]["name"])
    assert splits.n_read == 4  # of the train set the targets


def test_a_set_that_could_not_be_read_is_tried_again(journals: Path) -> None:
    splits = Counted()
    broken = {**splits.sets, "dev": SplitSource(N, lambda: SplitSample(N), splits.sets["dev"].key)}
    train(broken)
    train(splits.sets)

    assert records(journals)[0]["distribution"] == "no_shift_found"  # so few examples do not tell


def test_sets_that_do_not_compare_are_said_each_time(journals: Path, said: list[str]) -> None:
    for _ in range(2):
        train({"train": rows(), "dev": rows()[:, :2]})

    assert len(said) == 2
    said.clear()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"verdict": {}}'])
def test_a_file_that_is_broken_counts_as_absent(content: bytes, journals: Path) -> None:
    splits = Counted()
    train(splits.sets)
    (kept,) = split_cache.known_splits_dir(journals).iterdir()
    whole = json.loads(kept.read_bytes())
    kept.write_bytes(content)
    train(splits.sets)

    assert splits.n_read == 6
    assert json.loads(kept.read_bytes()) == whole


def test_without_room_for_it_nothing_is_kept_and_nothing_said(journals: Path) -> None:
    split_cache.known_splits_dir(journals).write_text("a file where the folder should be")
    splits = Counted()
    for _ in range(2):
        train(splits.sets)

    assert splits.n_read == 6
    assert records(journals)[0]["distribution"] == "no_shift_found"


def test_the_newest_are_kept_and_files_of_others_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_cache, "MOST_KEPT", 3)
    (tmp_path / "fold.json").write_text("{}")
    for index in range(5):
        split_cache.store(tmp_path, f"{index:032x}", {"verdict": {}, "datasets": [], "class_counts": {}})

    assert (tmp_path / "fold.json").exists()
    assert [split_cache.load(tmp_path, f"{index:032x}") is not None for index in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def splits_logged(journals: Path) -> Mapping[str, Any]:
    (found,) = (one for one in records(journals) if one["kind"] == "split")
    return found


@pytest.mark.filterwarnings("ignore")
def test_keras_reads_its_split_once(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train_once() -> None:
        fit(KerasCallback(train_data=TRAIN, dev_data=split(130, 1), test_data=TEST), epochs=1)

    train_once()
    first = splits_logged(journals)
    monkeypatch.setattr("bvtrack_keras.data.EvaluationData._sample", lambda *_: pytest.fail("read again"))
    train_once()

    assert splits_logged(journals) == first
    assert first["report"]["read"] == {"train": 300, "dev": 130, "test": 90}


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(36, 4))

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.log("val_acc", (self.network(batch[0]).argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("dataset", "is_read_again"), [(Pictures(), False), (Pictures(random.random), True)])
def test_lightning_reads_its_split_once_unless_it_augments(
    dataset: Any, is_read_again: bool, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [Subset(dataset, range(start, start + 300)) for start in (0, 300)]
    reads: list[int] = []

    def counting(dataset: Any, indices: Sequence[int]) -> list[Any]:
        reads.append(len(indices))
        return read(dataset, indices)

    read = by_index._read
    monkeypatch.setattr(by_index, "_read", counting)
    monkeypatch.setattr("bvtrack.splits.sampling.allowance.READ_SECONDS", 60)  # however busy the machine is
    for _ in range(2):
        trainer = lightning.Trainer(
            max_epochs=1,
            callbacks=[LightningCallback(tracking_uri="sqlite:///mlflow.db")],
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Net(), DataLoader(parts[0], 50, shuffle=True), DataLoader(parts[1], 50))

    assert splits_logged(journals)["report"]["read"] == {"train": 300, "dev": 300}
    assert reads == [300, 300] * (2 if is_read_again else 1)
