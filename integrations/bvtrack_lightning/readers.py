"""How a loader is read in parts: by example, by whole batches of its own samplers, or by iterating a copy of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from bvtrack.adapters import SplitSample, SplitSource, choose_examples, preserve_random_states
from bvtrack_lightning.copies import copy_of
from bvtrack_lightning.keyed_readers import BatchReader, ExampleReader, Use, chosen, read_in_time
from bvtrack_lightning.loader_kinds import is_combined, is_read_by_key, is_shuffled, nominal_batch_size
from bvtrack_lightning.passes import Batches, CombinedBatches, FirstExamples, IteratedBatches, TimeBudgetedBatches
from bvtrack_lightning.recorder import batch_size_of
from bvtrack_lightning.samplers import batches_of, batching_of, drawn_by, length_of, most_batches

NO_LENGTH = "expected data with a length, got a loader without one; for test data, set limit_test_batches to a number"


class LoaderReader:
    """Reads any other loader by iterating a copy: one that makes its batches itself, combined loaders, streams."""

    def __init__(self, loader: Any, use: Use) -> None:
        self.loader = loader
        self._use = use
        self._batches = (
            CombinedBatches(loader, use.limit)
            if is_combined(loader)
            else IteratedBatches(loader, use.limit, is_ours_alone=use.is_ours_alone)
        )
        if self._batches.n_batches is None:
            raise ValueError(NO_LENGTH)
        if not use.is_ours_alone:
            _assert_copied(loader)
        self._n_batches = self._batches.n_batches
        self.n: int | None = None

    def is_like(self, other: Any) -> bool:
        """True if it is the same loader, and as long as before."""
        return isinstance(other, LoaderReader) and self._identity == other._identity

    def whole(self) -> Batches:
        return self._batches

    def subset(self, n: int, *, may_be_cut: bool) -> Batches:
        """Batches of `n` examples, or few more: the first ones where they are shuffled, else some spread over the whole loader,
        the same each time.
        """
        if is_shuffled(self.loader):
            first = FirstExamples(self._batches, n)
            return TimeBudgetedBatches(first) if may_be_cut else first
        n_wanted = math.ceil(n / (nominal_batch_size(self.loader) or 1))
        if n_wanted >= self._n_batches or not isinstance(self._batches, IteratedBatches):
            return self._batches
        return self._batches.at(choose_examples(self._n_batches, n_wanted).tolist())

    def split(self) -> SplitSource | None:
        """Known where it is read whole in time, for its start is no sample of it."""
        if is_combined(self.loader):
            return None
        with preserve_random_states():
            batches, is_whole = read_in_time(self._batches)
        sizes = [batch_size_of(batch) for batch in batches]
        if not is_whole or None in sizes:
            return None
        n = sum(size for size in sizes if size)
        rows = () if is_shuffled(self.loader) else None  # what comes where in a shuffled loader says nothing
        return SplitSource(n, lambda: replace(SplitSample.of_batches(n, batches), rows=rows)) if n else None

    def changes(self) -> bool:
        return False

    @property
    def _identity(self) -> tuple[object, ...]:
        return id(self.loader), self._use, self._n_batches


Reader = ExampleReader | BatchReader | LoaderReader


def reader_of(loader: Any, use: Use) -> Reader:
    """The reader of a loader. Raises `ValueError` for one that no reader can read, and what the user's loader raises."""
    if not is_read_by_key(loader):
        return LoaderReader(loader, use)
    batching = batching_of(loader)
    drawn = drawn_by(batching.sampler, use.n_processes) if batching else None
    if drawn is None or batching is None or (drawn.has_repeats and not use.is_trained_on):
        return BatchReader(loader, use, batches_of(loader, most_batches(length_of(loader), use.limit)))
    size = batching.size or 1
    n = min(drawn.n, len(drawn.keys))
    n_each = n / size / use.n_processes
    n_batches = math.floor(n_each) if batching.drop_last else math.ceil(n_each)
    limited = most_batches(n_batches, use.limit)
    n = n if limited is None or limited == n_batches else min(n, limited * size * use.n_processes)
    if use.is_trained_on and not drawn.is_in_order:
        n = len(drawn.keys)  # sooner or later all of them
    elif batching.drop_last and use.n_processes == 1 and n >= size:
        n -= n % size
    keys = drawn.keys[:n] if drawn.is_in_order or n == len(drawn.keys) else chosen(drawn.keys, n).tolist()
    if not len(keys):
        raise ValueError("expected at least 1 example, got none")
    if batching.size is None:
        return BatchReader(loader, use, keys[use.rank :: use.n_processes])
    return ExampleReader(loader, use, keys, size, drop_last=batching.drop_last)


def _assert_copied(loader: Any) -> None:
    try:
        copy_of(loader)
    except ValueError as error:
        raise ValueError(f"a {type(loader).__name__} is iterated in its own way, on a copy: {error}") from error
