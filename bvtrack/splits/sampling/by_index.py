"""Draw samples of examples, or of batches, from datasets that are read by index."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import n_of, together
from bvtrack.splits.reading.examples import as_batch, is_example
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sampling.allowance import MOST_FILE_BYTES, MOST_READ, READ_SECONDS, Allowance, bytes_of
from bvtrack.splits.sampling.content_key import copy_to_read, key_of_dataset
from bvtrack.splits.sampling.sample import SplitSample

Found = tuple[int, Callable[[], SplitSample], str | None]
"""The number of examples, a function that reads a sample of them, and the key of the data."""


def of_items(dataset: Any) -> Found:
    """A dataset's size, sampler and key; its items are examples, or else batches, as for `of_batches`."""
    return of_dataset(dataset) if is_example(_copy_of(dataset)[0]) else of_batches(dataset, len(dataset))


def of_dataset(dataset: Any) -> Found:
    """The same for a dataset whose items are examples."""
    return of_examples(dataset, range(len(dataset)), _one_batch)


def of_examples(dataset: Any, indices: Sequence[int], as_batches: Callable[[list[Any]], Iterable[Any]]) -> Found:
    """The same for the examples of a dataset at these indices, which `as_batches` collates."""
    n = len(indices)
    chosen = [indices[place] for place in choose_examples(n, MOST_READ)]

    def look(rows: Sequence[int]) -> Any:
        twin = _copy_of(dataset)
        return together(list(batches(iter(as_batches([twin[row] for row in rows])))))[0]

    def sample() -> SplitSample:
        items = _read(dataset, chosen)
        found = SplitSample.of_batches(n, as_batches(items))
        return replace(found, rows=chosen[: len(items)] if found.n_read == len(items) else (), look=look)

    return n, partial(in_safety, n, sample), key_of_dataset(dataset, indices, as_batches)


def of_batches(dataset: Any, n_batches: int) -> Found:
    """The same for a dataset of batches. Raises `ValueError` if the number of examples is unknown: batches but the last one
    differ in size, or are read slowly.
    """
    n_each, n = _sizes(_copy_of(dataset), n_batches)
    chosen = choose_examples(n_batches, math.ceil(MOST_READ / n_each)).tolist()
    rows = [range(batch * n_each, min(n, (batch + 1) * n_each)) for batch in chosen]

    def sample() -> SplitSample:
        return SplitSample.of_drawn_batches(n, _read(dataset, chosen), rows)

    return n, partial(in_safety, n, sample), key_of_dataset(dataset, range(n_batches), list, most=2)


def in_safety(n: int, read: Callable[[], SplitSample]) -> SplitSample:
    """The sample that `read` gives of a split of `n` examples, or one with the `problem`; global random states are kept."""
    try:
        with preserve_random_states():
            return read()
    except Exception as error:  # a user's own dataset may raise anything
        return SplitSample(n, problem=str(error) if isinstance(error, ValueError) else repr(error))


def _sizes(dataset: Any, n_batches: int) -> tuple[int, int]:
    """The number of examples in a batch, and in all."""
    n_each = _n_in(dataset[0])  # not timed: it may trace a function
    start = time.monotonic()
    n = n_each * (n_batches - 1) + _n_in(dataset[n_batches - 1])
    is_slow = time.monotonic() - start > READ_SECONDS
    if is_slow or (n_batches > 1 and _n_in(dataset[(n_batches - 1) // 2]) != n_each):
        raise ValueError(
            f"expected batches of one size that are read within {READ_SECONDS} s, to know how many examples there are"
        )
    return n_each, n


def _n_in(batch: Any) -> int:
    ((columns, _), *_) = list(batches(iter([batch])))
    return n_of((columns, None))


def _read(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """The first of these items, and as many others as time and memory allow, from a copy with a state of its own."""
    twin, allowance = _copy_of(dataset), Allowance(MOST_FILE_BYTES, len(indices), watches_memory=True)
    found: list[Any] = []
    rest = iter(indices)
    while size := allowance.more:
        for index in islice(rest, size):
            found.append(twin[index])
            allowance.spend(1, bytes_of(found[-1]))
            if allowance.is_used_up:
                return found
    return found


def _copy_of(dataset: Any) -> Any:
    try:
        return copy_to_read(dataset)
    except Exception:  # if it cannot be copied, the original is read
        return dataset


def _one_batch(items: list[Any]) -> Iterator[Any]:
    yield as_batch(items)
