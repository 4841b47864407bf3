"""Draw samples from datasets that are read by index, from their loaders, and from streams."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import n_of, together
from bvtrack.splits.reading.examples import as_batch
from bvtrack.splits.reading.kinds import is_by_index, is_loader, is_of_tensorflow, is_stream
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sampling.allowance import MOST_FILE_BYTES, MOST_READ, READ_SECONDS, Allowance, bytes_of
from bvtrack.splits.sampling.content_key import copy_to_read, key_of_dataset
from bvtrack.splits.sampling.sample import SplitSample

if TYPE_CHECKING:
    from collections.abc import Generator

    from bvtrack.splits.reading.batching import Batch

EXAMPLES_AT_ONCE = 32
"""Examples of a loader that its own function collates at once."""
Found = tuple[int, Callable[[], SplitSample], str | None]
"""The number of examples, a function that reads a sample of them, and the key of the data."""


@dataclass(frozen=True)
class Pairs:
    """Lists of features and targets, `[n]` each, as a dataset."""

    features: Sequence[Any]
    targets: Sequence[Any]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> Any:
        return self.features[index], self.targets[index]


def found_in(data: Any) -> Found | None:
    """The size of a dataset, loader or stream, a function that samples it, and its key; `None` for data that is held as arrays.

    The first sampled item is read at once, which shows whether there is time for more. The start of a stream is not a random
    sample, so a stream is used only if it ends in time.
    """
    with preserve_random_states():
        find = next((find for recognises, find in SAMPLERS if recognises(data)), None)
        return find(data) if find else None


def of_pairs(features: Sequence[Any], targets: Sequence[Any]) -> Found:
    """The size, sampling function and key of lists of features and targets, `[n]` each."""
    with preserve_random_states():
        return _by_index(Pairs(features, targets), range(len(features)), _one_batch)


def _of_loader(loader: Any) -> Found:
    """Examples of a DataLoader's dataset, collated by the loader's own function."""
    chosen = getattr(loader.sampler, "indices", None)
    population = range(len(loader.dataset)) if chosen is None else [int(index) for index in chosen]
    return _by_index(loader.dataset, population, partial(_collated, loader.collate_fn))


def _of_dataset(dataset: Any) -> Found:
    return _by_index(dataset, range(len(dataset)), _one_batch)


def _by_index(dataset: Any, population: Sequence[int], as_batches: Callable[[list[Any]], Iterable[Any]]) -> Found:
    order = choose_examples(len(population), MOST_READ)
    items = _Items(dataset, [population[place] for place in order])
    seconds = items.first_seconds()
    key = key_of_dataset(dataset, population, as_batches) if seconds < READ_SECONDS and not items.problem else None
    n = len(population)
    return n, partial(_sample, n, items, lambda read: SplitSample(n, *together(list(batches(iter(as_batches(read))))))), key


def _of_batches(dataset: Any) -> Found:
    """The size and sampling function of a dataset of batches, equally large but for the last one, which is not looked at if
    that takes long.
    """
    n_batches = dataset.num_batches
    items = _Items(dataset, choose_examples(n_batches, n_batches).tolist())
    is_quick = items.first_seconds() < READ_SECONDS
    n = 0 if items.problem else _n_in(items.first)
    n_all = n_batches * n - (n - _n_in(dataset[n_batches - 1]) if is_quick and n else 0)
    return max(1, n_all), partial(_sample, max(1, n_all), items, partial(SplitSample.of_drawn_batches, n_all)), None


class _Items:
    """Randomly drawn items of a dataset, read from a copy with a state of its own."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self._dataset = dataset
        self._indices = indices
        self.first: Any = None
        self.problem = ""

    def first_seconds(self) -> float:
        """Read the first item, and return the seconds that took. If that raises, `problem` holds the message."""
        start = time.monotonic()
        try:
            self._dataset = _copy_of(self._dataset)
            self.first = self._dataset[self._indices[0]]
        except Exception as error:  # a user's own dataset may raise anything
            self.problem = str(error) if isinstance(error, ValueError) else repr(error)
        self._first_seconds = time.monotonic() - start
        return self._first_seconds

    def read(self) -> list[Any]:
        """The first item, and as many others as time and memory allow."""
        allowance = Allowance(MOST_FILE_BYTES, len(self._indices), watches_memory=True)
        found = [self.first]
        allowance.spend(1, bytes_of(self.first))
        rest = iter(self._indices[1:])
        while self._first_seconds < READ_SECONDS and (size := allowance.more):
            for index in islice(rest, size):
                found.append(self._dataset[index])
                allowance.spend(1, bytes_of(found[-1]))
                if allowance.is_used_up:
                    return found
        return found


def _sample(n: int, items: _Items, as_sample: Callable[[list[Any]], SplitSample]) -> SplitSample:
    if items.problem:
        return SplitSample(n, problem=items.problem)
    try:
        with preserve_random_states():
            return as_sample(items.read())
    except Exception as error:  # a user's own dataset may raise anything
        return SplitSample(n, problem=str(error) if isinstance(error, ValueError) else repr(error))


def _to_its_end(data: Any) -> Found:
    parts, allowance, is_whole = [], Allowance(MOST_FILE_BYTES, watches_memory=True), True
    with closing(cast("Generator[Batch]", batches(data))) as read:
        for part in read:
            parts.append(part)
            allowance.spend(n_of(part), sum(map(bytes_of, part[0].values())))
            if not allowance.more:
                is_whole = False
                break
    if is_whole:
        sample = SplitSample(allowance.n_read, *together(parts))
        return sample.n, lambda: sample, None
    n = len(getattr(data, "dataset", data))
    problem = f"expected a set that is read by index, or to its end within {READ_SECONDS} s, got a {type(data).__name__}"
    return n, lambda: SplitSample(n, problem=problem), None


def _one_batch(items: list[Any]) -> Iterator[Any]:
    yield as_batch(items)


def _collated(collate: Callable[[list[Any]], Any], items: list[Any]) -> Iterator[Any]:
    for start in range(0, len(items), EXAMPLES_AT_ONCE):
        yield collate(items[start : start + EXAMPLES_AT_ONCE])


def _copy_of(dataset: Any) -> Any:
    try:
        return copy_to_read(dataset)
    except Exception:  # if it cannot be copied, the original is read
        return dataset


def _n_in(batch: Any) -> int:
    ((columns, _), *_) = list(batches(iter([batch])))
    return n_of((columns, None))


def _is_loader_by_index(data: Any) -> bool:
    """True for a DataLoader that batches a map-style dataset."""
    dataset = getattr(data, "dataset", None)
    return getattr(data, "batch_sampler", None) is not None and isinstance(dataset, Sized) and not is_stream(dataset)


def _has_batches_by_number(data: Any) -> bool:
    return bool(getattr(data, "num_batches", None))


def _is_dataset_by_index(data: Any) -> bool:
    is_other = isinstance(data, (Mapping, list, tuple)) or is_of_tensorflow(data) or is_loader(data)
    are_rows = any(hasattr(data, name) for name in ("shape", "tensors"))
    return is_by_index(data) and not is_other and not are_rows


def _gives_items(data: Any) -> bool:
    return (is_of_tensorflow(data) or is_stream(data) or is_loader(data)) and hasattr(data, "__len__")


SAMPLERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Found]], ...] = (
    (_is_loader_by_index, _of_loader),
    (_has_batches_by_number, _of_batches),
    (_is_dataset_by_index, _of_dataset),
    (_gives_items, _to_its_end),
)
"""By what a set is, the first that holds, how its examples are found."""
