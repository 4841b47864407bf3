"""Iterables of batches for our own passes: read the way that a loader reads its own, and as if nothing had been read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, overload

import torch
from torch.utils.data import DataLoader

from bvtrack.adapters import TimeBudget
from bvtrack_lightning.copies import copy_of, unmoved
from bvtrack_lightning.gathered import gathered
from bvtrack_lightning.recorder import batch_size_of
from bvtrack_lightning.samplers import length_of, most_batches


class Batches(Protocol):
    """Batches that are read anew in each iteration; `n_batches` is `None` where it is not known how many."""

    @property
    def n_batches(self) -> int | None: ...

    def __iter__(self) -> Iterator[Any]: ...


class Slices(Sequence[list[int]]):
    """Keys in batches of a size, each made when it is asked for: ten million keys are not as many lists."""

    def __init__(self, keys: Any, size: int) -> None:
        self._keys = keys
        self._size = size

    def __len__(self) -> int:
        return math.ceil(len(self._keys) / self._size)

    @overload
    def __getitem__(self, place: int) -> list[int]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[list[int]]: ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        start = range(len(self))[place] * self._size
        keys = self._keys[start : start + self._size]
        return keys.tolist() if hasattr(keys, "tolist") else list(keys)


class KeyedBatches:
    """Batches of a loader's dataset by their `keys`; where the loader makes no batches, a key is one. `n` is the number of
    examples, where it is known.
    """

    def __init__(self, loader: DataLoader[Any], keys: Sequence[Any], n: int | None = None) -> None:
        self._loader = loader
        self._keys = keys
        self.n = n

    @property
    def n_batches(self) -> int:
        return len(self._keys)

    @property
    def dataset(self) -> Any:
        return self._loader.dataset

    @property
    def places(self) -> Sequence[int] | None:
        """The examples' places in their dataset, in the order of the batches; `None` where its keys are no places."""
        keys = [key for batch in self._keys for key in (batch if isinstance(batch, list) else [batch])]
        return keys if all(isinstance(key, int) for key in keys) else None

    def __iter__(self) -> Iterator[Any]:
        if (batches := gathered(self._loader, self._keys)) is not None:
            yield from batches
            return
        with unmoved(self._loader):
            yield from reading_like(self._loader, self._keys)


def reading_like(loader: DataLoader[Any], keys: Sequence[Any], together: Callable[[Any], Any] | None = None) -> DataLoader[Any]:
    """The batches of these keys, read the way that a loader reads its own, in its worker processes if it has any; with
    `together` instead of what makes one batch of the examples.
    """
    is_batched = loader.batch_sampler is not None
    return DataLoader(
        loader.dataset,
        batch_size=1 if is_batched else None,
        sampler=None if is_batched else keys,
        batch_sampler=keys if is_batched else None,
        num_workers=loader.num_workers,
        prefetch_factor=loader.prefetch_factor,
        collate_fn=copy_of(loader.collate_fn, loader.dataset, loader) if together is None else together,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=torch.Generator(),
    )


class IteratedBatches:
    """The batches that a copy of a loader gives, up to Lightning's `limit`; of these the ones at `places`, if any are named.

    Raises `ValueError` for a loader that cannot be copied, unless it `is_ours_alone`: that is iterated itself.
    """

    def __init__(
        self, loader: Any, limit: float | None, *, places: Sequence[int] | None = None, is_ours_alone: bool = False
    ) -> None:
        self._loader = loader
        self._limit = limit
        self._places = places
        self._is_ours_alone = is_ours_alone
        self.n_batches = most_batches(length_of(loader), limit) if places is None else len(places)

    def __iter__(self) -> Iterator[Any]:
        with unmoved(self._loader):
            loader = self._opened()
            if self._places is None:
                yield from islice(loader, self.n_batches)
                return
            wanted, last = set(self._places), max(self._places, default=-1)
            for place, batch in enumerate(islice(loader, last + 1)):
                if place in wanted:
                    yield batch

    def at(self, places: Sequence[int]) -> IteratedBatches:
        """Those at these places alone."""
        return IteratedBatches(self._loader, self._limit, places=places, is_ours_alone=self._is_ours_alone)

    def _opened(self) -> Any:
        try:
            return copy_of(self._loader)
        except ValueError:
            if self._is_ours_alone:
                return self._loader
            raise


class CombinedBatches:
    """The combined batches of a `CombinedLoader` that is not sequential, from a copy; Lightning's `limit` is one of each."""

    def __init__(self, combined: Any, limit: float | None) -> None:
        self._combined = combined
        self._limits = [most_batches(length_of(loader), limit) for loader in combined.flattened]
        known = [math.inf if n is None else n for n in self._limits]
        n = min(known) if combined._mode == "min_size" else max(known)
        self.n_batches = None if math.isinf(n) else int(n)

    def __iter__(self) -> Iterator[Any]:
        with unmoved(self._combined):
            twin = copy_of(self._combined)
            twin.limits = [math.inf if n is None else n for n in self._limits]
            for batch, *_ in twin:
                yield batch


class FirstBatches:
    """The first batches, as many as all processes have."""

    def __init__(self, batches: Iterable[Any], n_batches: int) -> None:
        self._batches = batches
        self.n_batches = n_batches

    def __iter__(self) -> Iterator[Any]:
        return islice(iter(self._batches), self.n_batches)


class FirstExamples:
    """Batches until they hold `n` examples, for batches that do not say beforehand how many they hold."""

    def __init__(self, batches: Batches, n: int) -> None:
        self._batches = batches
        self._n = n
        self.n_batches = batches.n_batches

    def __iter__(self) -> Iterator[Any]:
        n = 0
        for batch in self._batches:
            yield batch
            n += batch_size_of(batch) or 1
            if n >= self._n:
                return


class TimeBudgetedBatches:
    """Batches in random order whose passes end where their `budget` does."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.budget: TimeBudget | None = None
        self.n_batches = batches.n_batches

    def __iter__(self) -> Iterator[Any]:
        n = 0
        for batch in self._batches:
            if self.budget and n >= self.budget.most:
                return
            yield batch
            size = batch_size_of(batch) or 1
            n += size
            if self.budget:
                self.budget.note(size)
