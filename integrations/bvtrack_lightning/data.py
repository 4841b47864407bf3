"""A Trainer's loaders: their sizes, their indices, and loaders of parts of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import (
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
)

from bvtrack.adapters import SplitSource, choose_examples, is_same
from bvtrack_lightning.family import is_users_own

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

READ_BATCH = 256
READ_TWICE = 8
"""Examples that show whether data are augmented: even a coin that is tossed for each shows with 255 of 256."""
SETS = ("train", "train_dev", "dev", "test")


def first_of(loaders: Any) -> Any:
    """The first of several loaders; `None` where there is none."""
    if isinstance(loaders, (list, tuple)):
        return loaders[0] if loaders else None
    return loaders


def first_loader(loaders: Any) -> DataLoader[Any] | None:
    """The loader, the first of several, or `None` where it is of a kind that cannot be read by example."""
    loaders = first_of(loaders)
    if not isinstance(loaders, DataLoader) or isinstance(loaders.dataset, IterableDataset):
        return None
    if loaders.batch_size is None and isinstance(loaders.batch_sampler, type(None)):  # its dataset's items are batches
        return None
    return loaders if isinstance(loaders.dataset, Sized) and len(loaders.dataset) else None


def own_test_loader(trainer: Trainer, module: LightningModule) -> Any:
    """The result of the datamodule's or the module's own `test_dataloader`, which may raise; `None` if neither has one."""
    for owner in (getattr(trainer, "datamodule", None), module):
        hook = getattr(type(owner), "test_dataloader", None)
        if hook is not None and is_users_own(hook):
            return owner.test_dataloader()  # type: ignore[union-attr]  # a datamodule of either family
    return None


def examples(loader: DataLoader[Any]) -> Sequence[int]:
    """The indices, into its dataset, of the examples that a loader draws from, in all processes together."""
    sampler = loader.sampler
    if isinstance(sampler, DistributedSampler):  # Lightning puts one around the sampler that was there
        sampler = getattr(sampler.dataset, "_sampler", sampler)
    if isinstance(sampler, SubsetRandomSampler):
        return [int(index) for index in sampler.indices]
    return range(len(loader.dataset))  # type: ignore[arg-type]  # `first_loader` has seen to it


def size(loader: DataLoader[Any], limit: float | None = None, n_processes: int = 1) -> int:
    """The examples that a loader draws from, up to Lightning's `limit`: batches in each process, or a share of them."""
    n = len(examples(loader))
    if limit is None or loader.batch_size is None:
        return n
    n_batches = limit if isinstance(limit, int) or limit > 1 else int(limit * math.ceil(n / loader.batch_size / n_processes))
    return int(min(n, n_batches * loader.batch_size * n_processes))


def trained_on(loader: DataLoader[Any], limit: float | None, n_processes: int = 1) -> Sequence[int]:
    """The indices of the examples that a training loader gives sooner or later: all, unless it gives the first ones, up to
    Lightning's `limit`, again and again.
    """
    is_in_order = isinstance(loader.sampler, SequentialSampler)
    return examples(loader)[: size(loader, limit, n_processes)] if is_in_order else examples(loader)


def evaluated_on(loader: DataLoader[Any], limit: float | None, n_processes: int) -> Sequence[int]:
    """The indices of the examples that an evaluation passes over, up to Lightning's `limit`: the first ones, or of a loader
    that shuffles some at random.
    """
    indices, n = examples(loader), size(loader, limit, n_processes)
    is_shuffled = isinstance(loader.sampler, (RandomSampler, SubsetRandomSampler))
    return choose(indices, n) if is_shuffled and n < len(indices) else indices[:n]


def choose(indices: Sequence[int], n: int) -> Sequence[int]:
    """`n` of these indices, drawn at random, the same each time."""
    return [indices[index] for index in choose_examples(len(indices), n)]


def shard(loader: DataLoader[Any], indices: Sequence[int], rank: int = 0, n_processes: int = 1) -> DataLoader[Any]:
    """Every `n_processes`-th of these examples from the `rank`-th on, none twice, read the way that a loader reads them (in
    its worker processes, if it has any). All processes get equally many batches, for steps may wait for one another.
    """
    batch_size = loader.batch_size or READ_BATCH
    n_batches = math.ceil(len(indices) / n_processes / batch_size)
    own = list(indices[rank::n_processes])
    batches: list[list[int]] = (
        [own[start : start + batch_size] for start in range(0, len(own), batch_size)]
        if n_processes == 1
        else [part.tolist() for part in np.array_split(np.asarray(own, dtype=int), n_batches) if len(part)]
    )
    return _like(loader, batches, loader.collate_fn)


def _like(loader: DataLoader[Any], batches: list[list[int]], together: Callable[[list[Any]], Any]) -> DataLoader[Any]:
    """These batches, read the way that a loader reads its own, with `together` to make one of its examples."""
    return DataLoader(
        loader.dataset,
        batch_sampler=batches,
        num_workers=loader.num_workers,
        collate_fn=together,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=torch.Generator(),
    )


def changes(loader: DataLoader[Any]) -> bool:
    """True if examples differ when they are read again, as in a training set that augments.

    If the loader has worker processes these read them: a file that a dataset opens when it is first read is not to be
    opened in this process, from which the workers of the training would have it.
    """
    twice = [[index, index] for index in choose(examples(loader), READ_TWICE)]
    return not all(is_same(once, again) for once, again in _like(loader, twice, together=list))


def limited(loader: Iterable[Any], limit: float | None) -> Iterable[Any]:
    """The loader up to Lightning's `limit_test_batches`, a number of batches or a share of them.

    Raises `ValueError` for a loader without a length that no number of batches limits: it may never end.
    """
    if isinstance(limit, int):
        return _First(loader, limit)
    try:
        n_batches = len(loader)  # type: ignore[arg-type]  # a DataLoader's len raises where its dataset has none
    except TypeError:
        message = "expected data with a length, got a loader without one; for test data, set limit_test_batches to a number"
        raise ValueError(message) from None
    return loader if limit is None or limit == 1 else _First(loader, int(n_batches * limit))


class _First:
    """The first batches of a loader, anew each time."""

    def __init__(self, loader: Iterable[Any], n_batches: int) -> None:
        self._loader = loader
        self._n_batches = n_batches

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(iter(self._loader), self._n_batches)


def split_of(loader: DataLoader[Any], indices: Sequence[int]) -> SplitSource | None:
    """These examples of a loader's dataset, for `Tracker.log_split`."""
    return SplitSource.find(DataLoader(Subset(loader.dataset, indices), collate_fn=loader.collate_fn))


def split_of_stream(loader: Any) -> SplitSource | None:
    """A streaming loader's split for `Tracker.log_split`; `None` if it is not read to its end, because its size is unknown."""
    if not isinstance(loader, DataLoader) or not isinstance(loader.dataset, IterableDataset):
        return None
    split = SplitSource.find(loader)
    return split if split and split.sample().n_read else None
