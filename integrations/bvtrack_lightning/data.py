"""What can be known of, and read from, the loaders that a Trainer holds."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, Subset, SubsetRandomSampler

from bvtrack import MOST_READ, SplitSample, TrainEval, choose_examples, train_eval_size
from bvtrack_lightning.evaluation import batch_size_of

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

READ_SECONDS = 0.2
"""How much of a split is read to compare distributions: what comes first."""
READ_BATCH = 256


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
    """What the datamodule's, or the module's, own `test_dataloader` gives or raises; `None` where neither has one."""
    for owner in (getattr(trainer, "datamodule", None), module):
        hook = getattr(type(owner), "test_dataloader", None)
        if hook is not None and not hook.__module__.startswith(("lightning.", "pytorch_lightning.")):
            return owner.test_dataloader()  # type: ignore[union-attr]  # a datamodule of either family
    return None


def examples(loader: DataLoader[Any]) -> Sequence[int]:
    """The indices, into its dataset, of the examples that a loader draws from."""
    if isinstance(loader.sampler, SubsetRandomSampler):
        return list(loader.sampler.indices)
    return range(len(loader.dataset))  # type: ignore[arg-type]  # `first_loader` has seen to it


def size(loader: DataLoader[Any], most_batches: float | None = None) -> int:
    """The examples that a loader draws from, or as many as `most_batches` batches hold."""
    n = len(examples(loader))
    limit = float("inf") if most_batches is None or loader.batch_size is None else most_batches * loader.batch_size
    return int(min(n, limit))


def train_subset(loader: DataLoader[Any], n_dev: int | None, train_eval: TrainEval) -> DataLoader[Any] | None:
    """A fixed random part of the training data, in a fixed order; `None` where the running average is asked for."""
    n = train_eval_size(size(loader), n_dev, train_eval)
    return _part(loader, n, loader.batch_size or READ_BATCH) if n else None


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


def read(loader: DataLoader[Any], n: int) -> SplitSample:
    """A split of `n` examples and as many of them, drawn at random, as can be read at once.

    Nothing is read of batches that are not pairs of a tensor of features and one of targets.
    """
    batches = list(_pairs(_part(loader, MOST_READ, READ_BATCH)))
    if not batches:
        return SplitSample(n)
    features, targets = (torch.cat(parts).numpy(force=True) for parts in zip(*batches, strict=True))
    return SplitSample(n, np.asarray(features), np.asarray(targets))


def _pairs(loader: DataLoader[Any]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    deadline = time.monotonic() + READ_SECONDS
    for batch in loader:
        is_pair = isinstance(batch, (list, tuple)) and len(batch) == 2 and all(torch.is_tensor(part) for part in batch)
        if not is_pair or batch_size_of(batch[0]) != batch_size_of(batch[1]):
            return
        yield batch[0].cpu(), batch[1].cpu()
        if time.monotonic() > deadline:
            return


def _part(loader: DataLoader[Any], most: int, batch_size: int) -> DataLoader[Any]:
    """Some examples of a loader, drawn at random, read the way it reads them (in its worker processes, if it has any)."""
    indices = examples(loader)
    return DataLoader(
        Subset(loader.dataset, [indices[index] for index in choose_examples(len(indices), most)]),
        batch_size=batch_size,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=torch.Generator(),
    )
