"""Tells loaders apart by how they can be read."""

from __future__ import annotations

from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from bvtrack_lightning.family import ancestry
from bvtrack_lightning.samplers import batching_of, drawn_by


def is_read_by_key(loader: Any) -> bool:
    """True for a torch loader of a map-style dataset that does not iterate in a way of its own."""
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
        return False
    return all(getattr(type(loader), name) is getattr(DataLoader, name) for name in ("__iter__", "_get_iterator"))


def is_combined(loader: Any) -> bool:
    """True for a `CombinedLoader` of either Lightning family."""
    return "CombinedLoader" in ancestry(loader)


def is_stream(loader: Any) -> bool:
    """True for a torch loader of a dataset that is read from its start alone."""
    return isinstance(getattr(loader, "dataset", None), IterableDataset)


def is_shuffled(loader: Any) -> bool:
    """True if one of torch's own samplers mixes the examples of a loader."""
    if not isinstance(loader, DataLoader) or is_stream(loader):
        return False
    batching = batching_of(loader)
    drawn = drawn_by(batching.sampler) if batching else None
    return drawn is not None and not drawn.is_in_order


def nominal_batch_size(loader: Any) -> int | None:
    """The batch size that a loader, or its batch sampler, was made with."""
    size = getattr(loader, "batch_size", None) or getattr(getattr(loader, "batch_sampler", None), "batch_size", None)
    return size if isinstance(size, int) else None
