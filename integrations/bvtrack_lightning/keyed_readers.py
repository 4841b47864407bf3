"""Reads parts of loaders of map-style datasets: single examples, or whole batches of the loader's own samplers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, SubsetRandomSampler

from bvtrack.adapters import SplitSample, SplitSource, choose_examples, is_same
from bvtrack_lightning.copies import unmoved
from bvtrack_lightning.gathered import have_like_rows
from bvtrack_lightning.passes import Batches, FirstExamples, KeyedBatches, Slices, TimeBudgetedBatches, reading_like
from bvtrack_lightning.recorder import batch_size_of
from bvtrack_lightning.samplers import mark_of

READ_TWICE = 8
"""Examples that show whether data are augmented: even a coin that is tossed for each shows with 255 of 256."""
MOST_READ = 10_000
READ_SECONDS = 0.2
"""Limits for the batches that are read to check a split: as many examples as of other sets, in as much time."""


@dataclass(frozen=True)
class Use:
    """What a loader is read for: up to Lightning's `limit`, in one of `n_processes`. A loader that the training `is_trained_on`
    gives in the course of its epochs more than in one of them; one that `is_ours_alone` serves no loop of the Trainer's.
    """

    limit: float | None = None
    is_trained_on: bool = False
    is_ours_alone: bool = False
    rank: int = 0
    n_processes: int = 1


class ExampleReader:
    """Reads a loader whose samplers are torch's own: any of its examples, in batches of its size. Several processes share
    them out: each reads its part, none twice, in equally many batches, for steps may wait for one another.
    """

    def __init__(self, loader: DataLoader[Any], use: Use, keys: Sequence[int], size: int, *, drop_last: bool) -> None:
        self.loader = loader
        self._use = use
        self._keys = keys
        self._size = size
        self._drop_last = drop_last and use.n_processes == 1 and len(keys) >= size
        self.n = len(keys) - len(keys) % size if self._drop_last else len(keys)

    def is_like(self, other: Any) -> bool:
        """True if it gives the same examples."""
        return isinstance(other, ExampleReader) and self._identity == other._identity and self._keys == other._keys

    def whole(self) -> Batches:
        return self._of(self._keys[: self.n])

    def subset(self, n: int, *, may_be_cut: bool) -> Batches:
        """`n` of the examples, drawn at random, the same each time; all, in order, where the pass cannot be cut short."""
        n = min(self.n, math.ceil(n / self._size) * self._size) if self._drop_last else n
        subset = self._of(chosen(self._keys, n))
        return TimeBudgetedBatches(subset) if may_be_cut else subset

    def in_batches_like(self, other: ExampleReader) -> ExampleReader:
        """The same examples in batches of the size of another loader's, if that is larger, and known to suit them: of rows of
        the same shape, which no code of the user's own makes batches of.
        """
        is_alone = self._use.n_processes == 1 and not self._drop_last
        if not is_alone or other._size <= self._size or not have_like_rows(self.loader, other.loader):
            return self
        return ExampleReader(self.loader, self._use, self._keys, other._size, drop_last=False)

    def split(self) -> SplitSource | None:
        sampler = SubsetRandomSampler(self._keys[: self.n])
        return SplitSource.find(DataLoader(self.loader.dataset, sampler=sampler, collate_fn=self.loader.collate_fn))

    def changes(self) -> bool:
        return _changes(self.loader, chosen(self._keys, READ_TWICE).tolist())

    def _of(self, keys: Any) -> Batches:
        own = keys[self._use.rank :: self._use.n_processes]
        if self._use.n_processes == 1:
            return KeyedBatches(self.loader, Slices(own, self._size), len(own))
        n_batches = math.ceil(len(keys) / self._use.n_processes / self._size)
        parts = [part.tolist() for part in np.array_split(np.asarray(own, dtype=int), n_batches) if len(part)]
        return KeyedBatches(self.loader, parts, len(own))

    @property
    def _identity(self) -> tuple[object, ...]:
        return id(self.loader), self._use, self._size, self.n


class BatchReader:
    """Reads a loader with a sampler of the user's own: whole batches, as that gives them. Each process reads its own ones."""

    def __init__(self, loader: DataLoader[Any], use: Use, batches: Sequence[Any]) -> None:
        self.loader = loader
        self._use = use
        self._batches = batches
        self._is_batched = loader.batch_sampler is not None
        self.n = sum(map(len, batches)) if self._is_batched and use.n_processes == 1 else None

    def is_like(self, other: Any) -> bool:
        """True if it gives the same examples, in whatever order."""
        return isinstance(other, BatchReader) and self._identity == other._identity and self._mark == other._mark

    def whole(self) -> Batches:
        return self._of(self._batches)

    def subset(self, n: int, *, may_be_cut: bool) -> Batches:
        """Batches of `n` examples, or few more, drawn at random, the same each time."""
        mixed = self._of(self._mixed(n))
        subset = mixed if self._is_batched else FirstExamples(mixed, n)
        return TimeBudgetedBatches(subset) if may_be_cut else subset

    def _mixed(self, n: int) -> list[Any]:
        """The batches in random order, the same each time; only so many as hold `n` examples, where that is known."""
        mixed = [self._batches[place] for place in choose_examples(len(self._batches), len(self._batches))]
        if not self._is_batched:
            return mixed
        ends = np.cumsum([len(batch) for batch in mixed])
        return mixed[: int(np.searchsorted(ends, n)) + 1]

    def split(self) -> SplitSource | None:
        if self.n is None:
            is_all = isinstance(self._batches, range) and len(self._batches) == len(self.loader.dataset)  # type: ignore[arg-type]  # it has a length
            return SplitSource.find(self.loader) if is_all and self._use.n_processes == 1 else None
        return SplitSource(self.n, self._sample)

    def changes(self) -> bool:
        some = [self._batches[place] for place in choose_examples(len(self._batches), READ_TWICE)]
        return _changes(self.loader, [batch[0] for batch in some] if self._is_batched else some)

    def _of(self, batches: Sequence[Any]) -> KeyedBatches:
        return KeyedBatches(self.loader, batches, sum(map(len, batches)) if self._is_batched else None)

    def _sample(self) -> SplitSample:
        assert self.n is not None
        drawn = self._mixed(MOST_READ)
        batches, _ = read_in_time(self._of(drawn))
        try:
            return SplitSample.of_drawn_batches(self.n, batches, drawn)
        except ValueError as error:  # batches of different shapes
            return SplitSample(self.n, problem=str(error))

    @cached_property
    def _mark(self) -> object:
        return self._batches if isinstance(self._batches, range) else mark_of(self._batches)

    @property
    def _identity(self) -> tuple[object, ...]:
        return id(self.loader), self._use, len(self._batches)


def chosen(keys: Sequence[int], n: int) -> Any:
    """`n` of these keys, drawn at random, the same each time, as an array."""
    places = choose_examples(len(keys), n)
    return places if keys == range(len(keys)) else np.asarray(keys)[places]


def _changes(loader: DataLoader[Any], keys: Sequence[Any]) -> bool:
    """True if examples differ when they are read again, as in a training set that augments.

    If the loader has worker processes these read them: a file that a dataset opens when it is first read is not to be
    opened in this process, from which the workers of the training would have it.
    """
    twice: Iterable[Any]
    if loader.batch_sampler is not None:
        twice = reading_like(loader, [[key, key] for key in keys], together=list)
    else:
        both = iter(reading_like(loader, [key for key in keys for _ in range(2)]))
        twice = zip(both, both, strict=True)
    with unmoved(loader):
        return not all(is_same(once, again) for once, again in twice)


def read_in_time(batches: Iterable[Any]) -> tuple[list[Any], bool]:
    """The first batches, and True if they are all. The first one is not timed, for it may start workers."""
    read: list[Any] = []
    start = math.inf
    n = 0
    for batch in batches:
        read.append(batch)
        n += batch_size_of(batch) or 1
        start = min(start, time.monotonic())
        if n > MOST_READ or time.monotonic() - start > READ_SECONDS:
            return read, False
    return read, True
