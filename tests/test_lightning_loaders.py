"""Passes over the train, dev and test sets see what iterating the user's loaders gives, and leave no trace in these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as lightning
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lightning.pytorch.utilities import CombinedLoader
from mlflow import MlflowClient
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from bvtrack_lightning import BiasVarianceCallback
from bvtrack_lightning.keyed_readers import BatchReader, Use
from bvtrack_lightning.readers import reader_of

pytestmark = pytest.mark.filterwarnings("ignore")

Send = Callable[[], None]
N = 43
LENGTHS = [2 + index % 3 for index in range(N)]


class Numbers(Dataset[Any]):
    """Each example is its own index; a key may name another size, too. Draws at each reading, from a generator of its own."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.size = 0

    def __len__(self) -> int:
        return N

    def __getitem__(self, key: Any) -> torch.Tensor:
        torch.rand(1, generator=self.generator)
        return torch.tensor(key[0] if isinstance(key, tuple) else key)


class InOrder(Sampler[int]):
    def __init__(self, places: Sequence[int]) -> None:
        self.places = list(places)

    def __iter__(self) -> Iterator[int]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


class Moving(InOrder):
    """Shuffles its own list in place, and counts its epochs."""

    epoch = 0

    def __iter__(self) -> Iterator[int]:
        self.epoch += 1
        order = torch.randperm(len(self.places), generator=torch.Generator().manual_seed(self.epoch)).tolist()
        self.places[:] = [self.places[place] for place in order]
        return iter(list(self.places))


class WithSizes(InOrder):
    """Keys that are pairs, and a dataset whose attribute it sets."""

    def __init__(self, data: Numbers) -> None:
        super().__init__(range(5, 30))
        self.data = data

    def __iter__(self) -> Iterator[Any]:
        self.data.size += 1
        return ((place, self.data.size) for place in self.places)


class Endless(InOrder):
    def __iter__(self) -> Iterator[int]:
        while True:
            yield from self.places


class Buckets(Sampler[list[int]]):
    """Batches of examples of one length, in an order drawn from torch's global generator."""

    def __init__(self) -> None:
        groups = [[place for place in range(N) if LENGTHS[place] == length] for length in sorted(set(LENGTHS))]
        self.batches = [group[start : start + 4] for group in groups for start in range(0, len(group), 4)]

    def __iter__(self) -> Iterator[list[int]]:
        return (self.batches[place] for place in torch.randperm(len(self.batches)).tolist())

    def __len__(self) -> int:
        return len(self.batches)


class Doubling(DataLoader[Any]):
    """Prepares its batches itself, and counts how often it was begun."""

    n_begun = 0

    def __iter__(self) -> Any:
        self.n_begun += 1
        return (batch * 2 for batch in super().__iter__())


SAMPLERS: dict[str, Callable[[Numbers], Any]] = {
    "sequential": SequentialSampler,
    "random": lambda data: RandomSampler(data, generator=torch.Generator().manual_seed(1)),
    "random, of the global generator": RandomSampler,
    "subset": lambda data: SubsetRandomSampler(range(3, 30)),
    "list": lambda data: list(range(10, 30)),
    "list with repeats": lambda data: [1, 1, 2, 3, 3, 3],
    "of one's own": lambda data: InOrder(range(7, 40)),
    "moving": lambda data: Moving(range(7, 40)),
    "pairs": WithSizes,
    "endless": lambda data: Endless(range(4, 20)),
}
BATCHINGS: dict[str, Callable[[Numbers, Any, int], DataLoader[Any]]] = {
    "size": lambda data, sampler, workers: DataLoader(data, 4, sampler=sampler, num_workers=workers),
    "full batches": lambda data, sampler, workers: DataLoader(data, 4, sampler=sampler, drop_last=True, num_workers=workers),
    "batch sampler": lambda data, sampler, workers: DataLoader(
        data, batch_sampler=BatchSampler(sampler, 3, drop_last=False), num_workers=workers
    ),
    "buckets": lambda data, sampler, workers: DataLoader(data, batch_sampler=Buckets(), num_workers=workers),
    "collated": lambda data, sampler, workers: DataLoader(
        data, 4, sampler=sampler, collate_fn=lambda items: torch.stack(items), num_workers=workers
    ),
    "items": lambda data, sampler, workers: DataLoader(data, batch_size=None, sampler=sampler, num_workers=workers),
    "subclass": lambda data, sampler, workers: Doubling(data, 4, sampler=sampler, num_workers=workers),
}


def seen_in(batches: Any) -> tuple[Counter[int], int, int]:
    """How often each example comes, the size of the largest batch, and the number of batches."""
    read = [batch.reshape(-1) for batch in batches]
    return Counter(int(value) for batch in read for value in batch), max(map(len, read)), len(read)


def state_of(loader: DataLoader[Any]) -> Any:
    """All that reading could move: the samplers' lists and counters, the generators, the dataset, the loader."""
    sampler = getattr(loader.batch_sampler, "sampler", loader.sampler)
    held = {name: str(value) for name, value in getattr(sampler, "__dict__", {}).items() if name != "generator"}
    generators = [getattr(sampler, "generator", None), loader.dataset.generator]  # type: ignore[attr-defined]
    states = [None if each is None else each.get_state().tolist() for each in generators]
    held.pop("data_source", None)
    held.pop("data", None)
    begun = getattr(loader, "n_begun", None)
    return held, states, loader.dataset.size, begun, torch.get_rng_state().tolist()  # type: ignore[attr-defined]


def read(loader: Any, use: Use, n: int | None = None) -> tuple[Counter[int], int, int]:
    """What a pass of ours sees; the global generators are kept by whoever runs it."""
    reader = reader_of(loader, use)
    with torch.random.fork_rng():
        return seen_in(reader.whole() if n is None else reader.subset(n, may_be_cut=False))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("batching", BATCHINGS)
def test_a_pass_sees_what_iterating_the_loader_gives(sampler: str, batching: str) -> None:
    limit = 3 if sampler == "endless" else None
    data = Numbers()
    loader = BATCHINGS[batching](data, SAMPLERS[sampler](data), 0)
    is_shared = batching == "subclass" and sampler == "pairs"  # its sampler sets an attribute of the dataset
    before = state_of(loader)
    whole = read(loader, Use(limit))
    subset = read(loader, Use(limit, is_trained_on=True), n=7)
    assert is_shared or state_of(loader) == before
    given_batches = [batch for batch, _ in zip(loader, range(limit or 100), strict=False)]

    is_part_of_all = sampler.startswith(("random", "subset")) and batching == "full batches"  # another part in each epoch
    expected, largest, n_batches = seen_in(given_batches)
    assert (whole[1], whole[2]) == (largest, n_batches)
    assert whole[0] == expected or (is_part_of_all and whole[0].total() == expected.total())
    assert subset[0] <= (Counter(range(N)) if is_part_of_all else expected)
    assert min(7, expected.total()) <= subset[0].total() < 7 + 4
    assert "full" not in batching or subset[0].total() % 4 == 0
    assert subset[1] <= largest


@given(
    st.sampled_from(sorted(SAMPLERS)),
    st.sampled_from(sorted(BATCHINGS)),
    st.sampled_from([1, 3, 5, 0.5, 1.0]),
    st.integers(1, 50),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=150)
def test_whatever_the_limit_a_pass_gives_no_other_examples_and_no_larger_batches(
    sampler: str, batching: str, limit: float, n: int, n_epochs: int
) -> None:
    data = Numbers()
    loader = BATCHINGS[batching](data, SAMPLERS[sampler](data), 0)
    for _ in range(n_epochs):
        seen_in(batch for batch, _ in zip(loader, range(20), strict=False))
    most = limit if isinstance(limit, int) else int(limit * len(loader))
    assume(most >= 1)
    whole, subset = read(loader, Use(limit)), read(loader, Use(limit, is_trained_on=True), n)
    every = seen_in(batch for batch, _ in zip(loader, range(60), strict=False))
    n_batches = len(loader) if sampler == "endless" else every[2]

    assert whole[2] == min(most, n_batches)
    assert whole[0].keys() | subset[0].keys() <= (set(range(N)) if "full" in batching else every[0].keys())
    assert max(whole[1], subset[1]) <= every[1]


@pytest.mark.parametrize("batching", ["size", "buckets", "subclass"])
def test_worker_processes_read_the_same(batching: str) -> None:
    data = Numbers()
    with_workers, without = (BATCHINGS[batching](data, Moving(range(7, 40)), workers) for workers in (1, 0))

    assert read(with_workers, Use())[0] == read(without, Use())[0]


def test_ten_million_examples_are_not_listed() -> None:
    class Many(Numbers):
        def __len__(self) -> int:
            return 10_000_000

    reader = reader_of(DataLoader(Many(), 32, shuffle=True), Use(is_trained_on=True))

    assert reader.n == 10_000_000
    assert isinstance(reader._keys, range)  # type: ignore[union-attr]


def test_examples_of_no_weight_are_not_trained_on() -> None:
    weights = [0.0] * 10 + [1.0] * 20 + [5.0] * 13
    loader = DataLoader(Numbers(), 4, sampler=WeightedRandomSampler(weights, 60))

    assert read(loader, Use(is_trained_on=True), 43)[0] == Counter(range(10, 43))


def test_batches_chosen_once_stay_while_the_sampler_gives_the_same_examples() -> None:
    loader = DataLoader(Numbers(), 4, sampler=(sampler := Moving(range(30))))
    first = reader_of(loader, Use(is_trained_on=True))
    list(loader)
    later = reader_of(loader, Use(is_trained_on=True))
    sampler.places[0] = 40
    other = reader_of(loader, Use(is_trained_on=True))

    assert isinstance(first, BatchReader)
    assert later.is_like(first)
    assert not other.is_like(first)
    assert read(loader, Use(), None)[2] == 8


X = torch.randn(420, 8, generator=torch.Generator().manual_seed(0))
WHOLE = TensorDataset(X, (X[:, 0] * X[:, 1] > 0).long())
PARTS = {"train": range(200), "dev": range(200, 330), "test": range(330, 420)}


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(8, 2)

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        batch = batch[0] if isinstance(batch[0], (list, tuple)) else batch
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def wrong(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.ne(self.network(x).argmax(dim=1), y).float()

    def validation_step(self, batch: Any, batch_index: int, dataloader_idx: int = 0) -> None:
        parts = list(batch.values()) if isinstance(batch, dict) else [batch]
        wrong = torch.cat([self.wrong(*part) for part in parts if part is not None])
        self.log("val_acc", 1 - wrong.mean(), batch_size=len(wrong))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.5)


@dataclass
class Trained:
    errors: dict[str, dict[int, float]]
    tags: dict[str, str]
    module: Net


def fit(store: str, send: Send, train: Any, dev: Any, *, test: Any = None, is_tracked: bool = True, **options: Any) -> Trained:
    lightning.seed_everything(0, verbose=False)
    callback = BiasVarianceCallback(tracking_uri=store, train_eval="full", test_dataloaders=test)
    quiet = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    defaults = {**quiet, "enable_model_summary": False, "max_epochs": 2, "callbacks": [callback] if is_tracked else []}
    module = Net()
    data = {"datamodule": train} if isinstance(train, lightning.LightningDataModule) else {"train_dataloaders": train}
    lightning.Trainer(**{**defaults, **options}).fit(module, **data, **({} if dev is None else {"val_dataloaders": dev}))
    if not is_tracked:
        return Trained({}, {}, module)
    send()
    client = MlflowClient(store)
    run = client.search_runs(["0"])[0]
    names = ("train", "dev", "test")
    points = {name: client.get_metric_history(run.info.run_id, f"bvtrack/{name}_error") for name in names}
    return Trained({name: {p.step: p.value for p in found} for name, found in points.items()}, run.data.tags, module)


def part(name: str, **options: Any) -> DataLoader[Any]:
    return DataLoader(WHOLE, 30, sampler=list(PARTS[name]), **options)


def true_error(module: Net, places: Sequence[int]) -> float:
    with torch.no_grad():
        return float(module.wrong(*WHOLE[list(places)]).double().mean())


def test_sets_that_are_parts_of_one_dataset_share_no_example(store: str, send: Send) -> None:
    found = fit(store, send, part("train"), part("dev"), test=part("test"))

    for name, places in PARTS.items():
        assert found.errors[name][1] == pytest.approx(true_error(found.module, places), abs=1e-6)
    assert "leak" not in found.tags["bvtrack.distribution"]
    assert "test_used_to_choose" not in found.tags["bvtrack.split"]


class Refuses(DataLoader[Any]):
    """Holds what there is no second one of, and prepares its batches itself."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lines = (line for line in list[str]())

    def __iter__(self) -> Any:
        return iter([*super().__iter__()])


class Unsized(DataLoader[Any]):
    def __len__(self) -> int:
        raise RuntimeError("the index is not there yet")


def raising() -> Any:
    raise OSError("no such share")


class BadTest(lightning.LightningDataModule):
    def train_dataloader(self) -> Any:
        return part("train")

    def val_dataloader(self) -> Any:
        return part("dev")

    def test_dataloader(self) -> Any:
        raising()


@pytest.mark.parametrize(
    ("name", "loaders", "reason"),
    [
        ("train", lambda: {"train": Refuses(WHOLE, 30, sampler=list(PARTS["train"]))}, "Refuses"),
        ("train", lambda: {"train": [part("train"), part("train")]}, "expected one train loader, got 2"),
        (
            "train",
            lambda: {"train": CombinedLoader([part("train"), part("train")], "min_size")},
            "expected one train loader, got 2",
        ),
        ("test", lambda: {"test": Unsized(WHOLE, 30, sampler=list(PARTS["test"]))}, "the index is not there yet"),
        ("test", lambda: {"train": BadTest(), "dev": None}, "test_dataloader() raised OSError('no such share')"),
    ],
)
def test_a_set_that_cannot_be_read_is_missing_and_said(
    name: str, loaders: Callable[[], dict[str, Any]], reason: str, store: str, send: Send, said: list[str]
) -> None:
    sets = {"train": part("train"), "dev": part("dev"), "test": part("test"), **loaders()}
    if isinstance(sets["train"], lightning.LightningDataModule):
        sets["test"] = None
    found = fit(store, send, sets["train"], sets["dev"], test=sets["test"])
    (message,) = said
    said.clear()

    assert f"the {name} error is missing" in message
    assert reason in message
    assert f"{name}: missing" in found.tags["bvtrack.measure"]
    assert found.errors[name] == {}
    assert found.errors["dev"][1] == pytest.approx(true_error(found.module, PARTS["dev"]), abs=1e-6)


def test_combined_loaders_are_read_by_their_mode(store: str, send: Send) -> None:
    dev = CombinedLoader({"a": part("dev"), "b": part("test")}, "max_size")
    test = CombinedLoader({"a": part("test"), "b": part("dev")}, "sequential")
    found = fit(store, send, part("train"), dev, test=test)

    assert found.errors["dev"][1] == pytest.approx(true_error(found.module, range(200, 420)), abs=1e-6)
    assert found.errors["test"][1] == pytest.approx(true_error(found.module, PARTS["test"]), abs=1e-6)


def test_a_combined_test_loader_is_iterated_as_one(store: str, send: Send) -> None:
    test = CombinedLoader({"a": part("dev"), "b": part("test")}, "max_size")
    found = fit(store, send, part("train"), part("dev"), test=test)

    assert found.errors["test"][1] == pytest.approx(true_error(found.module, range(200, 420)), abs=1e-6)


class Growing(lightning.Callback):
    """40 more labels for the same loader each epoch."""

    def __init__(self, places: list[int]) -> None:
        self.places = places

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self.places.extend(range(len(self.places), len(self.places) + 40))


def test_a_loader_that_grows_is_measured_as_it_is_in_each_epoch(store: str, send: Send) -> None:
    places = list(range(40))
    callback = BiasVarianceCallback(tracking_uri=store, train_eval="full", test_every=0)
    grown = fit(store, send, DataLoader(WHOLE, 20, sampler=places), part("dev"), callbacks=[callback, Growing(places)])

    assert len(places) == 120
    assert grown.errors["train"][1] == pytest.approx(true_error(grown.module, places), abs=1e-6)


class OwnGenerator(TensorDataset):
    """Adds noise from a generator of its own."""

    def __init__(self, *tensors: torch.Tensor) -> None:
        super().__init__(*tensors)
        self.generator = torch.Generator().manual_seed(0)

    def __getitem__(self, index: int) -> Any:
        x, y = (tensor[index] for tensor in self.tensors)
        return x + 0.3 * torch.randn(x.shape, generator=self.generator), y


WAYS: dict[str, Callable[[], DataLoader[Any]]] = {
    "a sampler with a state": lambda: DataLoader(WHOLE, 20, sampler=Moving(PARTS["train"])),
    "a generator of the user's": lambda: DataLoader(WHOLE, 20, shuffle=True, generator=torch.Generator().manual_seed(3)),
    "a dataset with a generator": lambda: DataLoader(OwnGenerator(*WHOLE.tensors), 20, shuffle=True),
    "workers that stay": lambda: DataLoader(
        OwnGenerator(*WHOLE.tensors), 20, sampler=Moving(PARTS["train"]), num_workers=1, persistent_workers=True
    ),
    "a subclass whose workers stay": lambda: Refusing(
        OwnGenerator(*WHOLE.tensors), 20, sampler=Moving(PARTS["train"]), num_workers=1, persistent_workers=True
    ),
    "a subclass": lambda: Refusing(WHOLE, 20, sampler=Moving(PARTS["train"])),
}


class Refusing(DataLoader[Any]):
    """Counts its passes, and leaves out a batch in every second one."""

    n_passes = 0

    def __iter__(self) -> Any:
        self.n_passes += 1
        batches = list(super().__iter__())
        return iter(batches[self.n_passes % 2 :])


@pytest.mark.parametrize("way", WAYS)
def test_a_training_is_the_same_without_the_passes(way: str, store: str, send: Send, said: list[str]) -> None:
    tracked, bare = WAYS[way](), WAYS[way]()
    weights = [
        fit(store, send, tracked, part("dev"), val_check_interval=0.5).module.network.weight,
        fit(store, send, bare, part("dev"), val_check_interval=0.5, is_tracked=False).module.network.weight,
    ]

    assert torch.equal(*weights)
    said.clear()  # in one of the ways dev is unlike train
    assert getattr(tracked.sampler, "epoch", 0) == getattr(bare.sampler, "epoch", 0)
