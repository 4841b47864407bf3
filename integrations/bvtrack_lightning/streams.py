"""Streams, datasets that are read from their start alone: one is read beside a training only where that moves nothing of it."""

from __future__ import annotations

import io
import logging
import pickle
from collections.abc import Sized
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from bvtrack.adapters import MOST_READ, SplitSample, SplitSource, in_time

logger = logging.getLogger("bvtrack")

MOST_BYTES = 1 << 26
"""Of a dataset that is copied, 64 MiB."""


def stream_source(loader: Any) -> SplitSource | None:
    """The split that a loader streams, from a copy of its dataset; `None` where that cannot be copied, does not say that it
    is small, or is not read in time, for the start of a stream is no sample of it.
    """
    if not isinstance(loader, DataLoader) or not isinstance(loader.dataset, IterableDataset):
        return None
    try:
        sample = _sample(loader)
    except Exception as error:  # a dataset of the user's own may raise anything
        logger.debug("bvtrack: a stream is not read to check its split (%r)", error)
        return None
    if sample is None:
        logger.debug("bvtrack: a stream is not read to check its split: it has no length, or is not read to its end in time")
    return None if sample is None else SplitSource.of(sample)


def _sample(loader: DataLoader[Any]) -> SplitSample | None:
    dataset = loader.dataset
    n = len(dataset) if isinstance(dataset, Sized) else 0
    if not 0 < n <= MOST_READ or loader.batch_size is None:
        return None
    copied: DataLoader[Any] = DataLoader(_copy_of(dataset), loader.batch_size, collate_fn=loader.collate_fn)
    sample = SplitSample.of_batches(n, in_time(copied))
    return sample if sample.n_read == n else None


def _copy_of(dataset: Any) -> Any:
    """A copy that shares nothing with the training's. Raises what pickling raises for an iterator or an open file."""
    content = io.BytesIO()
    _SmallPickler(content).dump(dataset)
    return pickle.loads(content.getvalue())


class _SmallPickler(pickle.Pickler):
    """Raises `ValueError` for what is larger than `MOST_BYTES`, before it takes as much memory again."""

    def reducer_override(self, held: Any) -> Any:
        n_bytes = getattr(held, "nbytes", 0)  # of torch's storages, which come behind their tensors, it is a method
        if isinstance(n_bytes, int) and n_bytes > MOST_BYTES:
            raise ValueError(f"expected a dataset of at most {MOST_BYTES:,} bytes to copy, got more")
        return NotImplemented
