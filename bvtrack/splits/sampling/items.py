"""Find out how many examples a dataset, a loader or a stream has, and how a sample of them is read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import n_of
from bvtrack.splits.reading.kinds import is_by_index, is_loader, is_of_tensorflow, is_stream
from bvtrack.splits.sampling.allowance import READ_SECONDS
from bvtrack.splits.sampling.by_index import Found, in_safety, of_batches, of_dataset, of_examples, of_items
from bvtrack.splits.sampling.content_key import key_of_arrays
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.streams import read_copy, read_to_its_end

EXAMPLES_AT_ONCE = 32
"""Examples of a loader that its own function collates at once."""
INFINITE = -1
"""The cardinality of a `tf.data` pipeline that repeats without end."""


@dataclass(frozen=True)
class Pairs:
    """Lists of features and targets, `[n]` each, as a dataset."""

    features: Sequence[Any]
    targets: Sequence[Any]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> Any:
        return self.features[index], self.targets[index]


@dataclass(frozen=True)
class PipelineByIndex:
    """A `tf.data` pipeline as a dataset of its items, examples or batches."""

    pipeline: Any
    n: int

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        return sys.modules["tensorflow"].data.experimental.at(self.pipeline, index)


def found_in(data: Any) -> Found | None:
    """The size of a dataset, loader or stream, a function that samples it, and its key; `None` for data that is held as arrays.

    The start of a stream is not a random sample, so a stream is used only if it ends in time. Raises `ValueError` for batches
    of which the number of examples cannot be told in time.
    """
    with preserve_random_states():
        find = next((find for recognises, find in SAMPLERS if recognises(data)), None)
        return find(data) if find else None


def of_pairs(features: Sequence[Any], targets: Sequence[Any]) -> Found:
    """The size, sampling function and key of lists of features and targets, `[n]` each."""
    with preserve_random_states():
        return of_dataset(Pairs(features, targets))


def _of_loader(loader: Any) -> Found:
    """Examples of a DataLoader's dataset, collated by the loader's own function."""
    if loader.batch_sampler is None:
        return of_items(loader.dataset)
    chosen = getattr(loader.sampler, "indices", None)
    if isinstance(chosen, range):
        return of_examples(loader.dataset, chosen, partial(_collated, loader.collate_fn))
    population = range(len(loader.dataset)) if chosen is None else [int(index) for index in chosen]
    return of_examples(loader.dataset, population, partial(_collated, loader.collate_fn))


def _of_pipeline(pipeline: Any) -> Found:
    """Size, sampler and key of a `tf.data` pipeline, read by index, or to its end if a step allows no access by index."""
    n_items = int(pipeline.cardinality())
    if n_items > 0:
        with suppress(sys.modules["tensorflow"].errors.UnimplementedError):
            return of_items(PipelineByIndex(pipeline, n_items))
    whole = None if n_items == INFINITE else read_to_its_end(batches(pipeline))
    if whole is None:
        raise ValueError(f"expected a pipeline that is read by index, or to its end within {READ_SECONDS} s")
    return _whole(SplitSample(n_of(whole), *whole, rows=()))


def _of_stream(data: Any) -> Found:
    """Size, sampler and key of an IterableDataset or its loader."""
    stream = data.dataset if is_loader(data) else data
    is_batched = getattr(data, "batch_sampler", None) is not None
    as_batches: Callable[[Iterable[Any]], Iterable[Any]] = partial(_collated, data.collate_fn) if is_batched else iter
    n = len(stream)
    return _whole(in_safety(n, lambda: SplitSample(n, *read_copy(stream, n, as_batches))))


def _whole(sample: SplitSample) -> Found:
    return sample.n, lambda: sample, key_of_arrays(sample.n, sample.features, sample.targets)


def _collated(collate: Callable[[list[Any]], Any], items: Iterable[Any]) -> Iterator[Any]:
    rest = iter(items)
    while some := list(islice(rest, EXAMPLES_AT_ONCE)):
        yield collate(some)


def _is_loader_by_index(data: Any) -> bool:
    """True for a DataLoader of a map-style dataset."""
    dataset = getattr(data, "dataset", None)
    return is_loader(data) and isinstance(dataset, Sized) and not is_stream(dataset)


def _has_batches_by_number(data: Any) -> bool:
    return bool(getattr(data, "num_batches", None))


def _is_dataset_by_index(data: Any) -> bool:
    is_other = isinstance(data, (Mapping, list, tuple)) or is_of_tensorflow(data) or is_loader(data)
    are_rows = any(hasattr(data, name) for name in ("shape", "tensors"))
    return is_by_index(data) and not is_other and not are_rows


def _has_only_a_start(data: Any) -> bool:
    return is_stream(data.dataset if is_loader(data) else data)


SAMPLERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Found]], ...] = (
    (is_of_tensorflow, _of_pipeline),
    (_is_loader_by_index, _of_loader),
    (_has_batches_by_number, lambda dataset: of_batches(dataset, dataset.num_batches)),
    (_is_dataset_by_index, of_dataset),
    (_has_only_a_start, _of_stream),
)
"""By what a set is, the first that holds, how its examples are found."""
