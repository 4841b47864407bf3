"""The examples that a loader's samplers draw: by torch's own samplers known beforehand, by others found on a copy of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from bvtrack.adapters import preserve_random_states
from bvtrack_lightning.copies import copy_of, unmoved
from bvtrack_lightning.family import ancestry

MOST_DRAWN = 1 << 20
"""Batches after which a sampler without a length counts as one that never ends."""


@dataclass(frozen=True)
class Drawn:
    """The keys that a sampler of torch's draws, each once, in all processes together; `n` of them in one epoch."""

    keys: Sequence[int]
    n: int
    is_in_order: bool
    has_repeats: bool = False
    """True if one epoch may draw a key twice, and leave another out."""


@dataclass(frozen=True)
class Batching:
    """How a loader makes batches of what its sampler draws; `size` is `None` where it makes none."""

    sampler: Any
    size: int | None
    drop_last: bool


def batching_of(loader: Any) -> Batching | None:
    """A loader's batching, `None` where it is the user's own."""
    batches = loader.batch_sampler
    if batches is None:
        return Batching(loader.sampler, None, drop_last=False)
    if getattr(type(batches), "__iter__", None) is not BatchSampler.__iter__:
        return None
    return Batching(batches.sampler, batches.batch_size, batches.drop_last)


def drawn_by(sampler: Any, n_processes: int = 1) -> Drawn | None:
    """What a sampler draws; `None` for one of the user's own, or one that draws another process's part too."""
    draw = getattr(type(sampler), "__iter__", None)
    if draw is SequentialSampler.__iter__:
        n = len(sampler.data_source)
        return Drawn(range(n), n, is_in_order=True)
    if draw is RandomSampler.__iter__:
        n = len(sampler.data_source)
        has_repeats = sampler.replacement or sampler.num_samples > n
        return Drawn(range(n), sampler.num_samples, is_in_order=False, has_repeats=has_repeats)
    if draw is SubsetRandomSampler.__iter__:
        return _of_indices(sampler.indices)
    if draw is WeightedRandomSampler.__iter__:
        keys = sampler.weights.nonzero().flatten().tolist()
        return Drawn(keys, sampler.num_samples, is_in_order=False, has_repeats=True)
    is_shared_out = draw is DistributedSampler.__iter__ or "DistributedSamplerWrapper" in ancestry(sampler)
    return _of_all_processes(sampler) if is_shared_out and sampler.num_replicas == n_processes else None


def _of_indices(indices: Any) -> Drawn | None:
    keys = np.asarray(indices)
    return Drawn(keys.tolist(), len(keys), is_in_order=False) if keys.ndim == 1 and keys.dtype.kind in "iu" else None


def _of_all_processes(sampler: Any) -> Drawn | None:
    """Lightning puts a distributed sampler around the one that was there."""
    if (inner := getattr(sampler.dataset, "_sampler", None)) is not None:
        return drawn_by(inner)
    n = len(sampler.dataset)
    return Drawn(range(n), n, is_in_order=not sampler.shuffle)


def length_of(loader: Any) -> int | None:
    """Number of batches of a loader; `None` where it is not known, as Lightning sees it."""
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return None


def most_batches(n_batches: int | None, limit: float | None) -> int | None:
    """Number of batches up to Lightning's `limit`, a number of batches or a share of them; `None` where nothing limits them."""
    if limit is None or math.isinf(limit):
        return n_batches
    if isinstance(limit, int) or limit > 1:
        return int(limit) if n_batches is None else min(int(limit), n_batches)
    return None if n_batches is None else int(n_batches * limit)


def batches_of(loader: DataLoader[Any], most: int | None) -> list[Any]:
    """The keys of each batch of one epoch, at most `most` batches, drawn from a copy of the loader's samplers; where the loader
    makes no batches, the keys.

    Raises `ValueError` where there are none, or no end of them, or for samplers that cannot be copied.
    """
    drawn_from = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
    with preserve_random_states(), unmoved(loader), _same_attributes(loader.dataset):
        twin = copy_of(drawn_from, loader.dataset)
        batches = [_plain(batch) for batch in islice(twin, MOST_DRAWN if most is None else most)]
    if not batches or (most is None and len(batches) == MOST_DRAWN):
        kind, got = type(drawn_from).__name__, "none" if not batches else "no end of them"
        raise ValueError(f"expected batches from the {kind}, got {got}; where it never ends, set a limit to its batches")
    return batches


def _plain(keys: Any) -> Any:
    """A batch's own list, for samplers may fill one list anew for each; of tensors their numbers."""
    if isinstance(keys, list):
        return [_plain(key) for key in keys]
    return keys.tolist() if hasattr(keys, "tolist") else keys


@contextmanager
def _same_attributes(data: Any) -> Iterator[None]:
    """Samplers may set their dataset's attributes, as those that vary the size of images do."""
    held = getattr(data, "__dict__", None)
    saved = dict(held or {})
    try:
        yield
    finally:
        if held is not None:
            held.clear()
            held.update(saved)


def mark_of(batches: Sequence[Any]) -> object:
    """The same for batches of the same keys, in whatever order."""
    keys = [key for batch in batches for key in (batch if isinstance(batch, list) else [batch])]
    try:
        return len(keys), sum(hash((key,)) for key in keys)
    except TypeError:  # keys that cannot be hashed
        return object()
