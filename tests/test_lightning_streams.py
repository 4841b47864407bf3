"""The split of a training on streams: read where they are small and can be copied, so that the training's own are not moved."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from written_journals import all_records

from bvtrack.journal.folder import unsent_journals
from bvtrack_lightning import BiasVarianceCallback
from bvtrack_lightning.data import split_of_stream

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


class Stream(IterableDataset[Any]):
    """Shuffles its own list in place, with a generator of its own, and counts how often it was begun."""

    def __init__(self) -> None:
        self.places = list(range(len(X)))
        self.held = X
        self.random = random.Random(0)
        self.n_begun = 0

    def __iter__(self) -> Iterator[Any]:
        self.n_begun += 1
        self.random.shuffle(self.places)
        return ((X[place], Y[place]) for place in self.places)

    def __len__(self) -> int:
        return len(X)


class Endless(Stream):
    """Of a length that is not known."""

    __len__ = None  # type: ignore[assignment]


class Long(Stream):
    def __iter__(self) -> Iterator[Any]:
        return ((X[0], Y[0]) for _ in range(10_001))

    def __len__(self) -> int:
        return 10_001


class Short(Stream):
    """Says that it has more than it gives."""

    def __len__(self) -> int:
        return 400


class Once(Stream):
    """Goes on with an iterator that it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = (row for row in X)


class Large(Stream):
    def __init__(self) -> None:
        super().__init__()
        self.held = torch.zeros(1 << 24, dtype=torch.float64)


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(8, 2)

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.log("val_acc", (self.network(batch[0]).argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(stream: Stream, *, is_tracked: bool = True, **options: Any) -> Mapping[str, torch.Tensor]:
    lightning.seed_everything(0, verbose=False)
    module = Net()
    trainer = lightning.Trainer(
        max_epochs=2,
        callbacks=[BiasVarianceCallback(tracking_uri="sqlite:///mlflow.db", train_eval="running")] if is_tracked else [],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(module, DataLoader(stream, 50), DataLoader(TensorDataset(X[:100] + 1, Y[:100]), 50))
    return module.state_dict()


def split_in(journals: Path) -> Mapping[str, Any]:
    (path,) = unsent_journals(journals)
    (found,) = (record for record in all_records(path) if record["kind"] == "split")
    return found


def test_a_small_stream_is_read_and_compared(journals: Path) -> None:
    train(Stream())

    assert split_in(journals)["report"]["read"] == {"train": 300, "dev": 100}
    assert split_in(journals)["distribution"] == "shifted"


def test_a_training_on_a_stream_that_is_read_is_the_same_without_it(journals: Path) -> None:
    bare, tracked = Stream(), Stream()
    weights = [train(bare, is_tracked=False), train(tracked)]

    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert (bare.n_begun, bare.places) == (tracked.n_begun, tracked.places)


@pytest.mark.parametrize("kind", [Endless, Long, Short, Once, Large])
def test_a_stream_that_may_be_moved_or_is_no_sample_is_not_read(kind: type[Stream], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.splits.sampling.allowance.READ_SECONDS", 60)
    stream = kind()

    assert split_of_stream(DataLoader(stream, 50)) is None
    assert stream.n_begun == 0
    assert split_of_stream(DataLoader(Stream(), 50)) is not None


def test_a_stream_that_takes_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.splits.sampling.allowance.READ_SECONDS", 0)

    assert split_of_stream(DataLoader(Stream(), 50)) is None


def test_of_a_limited_stream_it_is_not_known_how_much_counts(journals: Path) -> None:
    train(Stream(), limit_train_batches=2)

    assert split_in(journals)["counts"] == {"dev": 100}
