"""Readers of all kinds of data, as pairs of features and targets; a new kind is an entry in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from bvtrack.splits.reading import kinds
from bvtrack.splits.reading.block_sizes import ROWS_AT_ONCE
from bvtrack.splits.reading.examples import EXAMPLES_AT_ONCE, batched, batched_by_index, pair, stacked_values, without_target
from bvtrack.splits.reading.features import dense, target_array

Pairs = Iterable[tuple[Any, Any]]


class Reader(NamedTuple):
    """A reader of data that `recognises` accepts: `read` takes it with the separate targets, if any, and returns batches.
    Without `takes_targets`, the targets must be in the batches.
    """

    recognises: Callable[[Any], bool]
    read: Callable[[Any, Any], Pairs]
    takes_targets: bool = False


def read(data: Any, targets: Any = None) -> Pairs:
    """Read data with the first matching reader. Raises `ValueError` for unsupported data, or unsupported separate targets."""
    reader = next(reader for reader in READERS if reader.recognises(data))
    if targets is not None and not reader.takes_targets:
        raise ValueError(f"expected the targets of a {type(data).__name__} in its batches, got them beside it")
    return reader.read(data, targets)


def _lazy_frame(frame: Any, targets: Any) -> Pairs:
    return read(frame.collect(), targets)


def _sparse(matrix: Any, targets: Any) -> Pairs:
    """Dense batches of `ROWS_AT_ONCE` rows."""
    rows_of, labels = matrix.tocsr(), None if targets is None else target_array(targets)
    n = matrix.shape[0]
    if labels is not None and len(labels) != n:
        raise ValueError(f"expected one target an example, got {len(labels):,} for {n:,} examples")
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield dense(rows_of[rows]), None if labels is None else labels[rows]


def _at_once(data: Any, targets: Any) -> Pairs:
    return [without_target(data) if targets is None else (data, targets)]


def _examples(examples: Any, targets: Any) -> Pairs:
    return batched_by_index(examples) if targets is None else [(stacked_values(examples), targets)]


def _loader(loader: Any, targets: Any) -> Iterator[tuple[Any, Any]]:
    """The batches of a DataLoader, whose generator's state is restored."""
    generator = getattr(loader, "generator", None)
    state = None if generator is None else generator.get_state()
    try:
        yield from batched(loader)
    finally:
        if generator is not None:
            generator.set_state(state)


def _by_number(dataset: Any, targets: Any) -> Pairs:
    """The batches of a PyDataset."""
    if dataset.num_batches is None:
        raise ValueError(f"expected a {type(dataset).__name__} with a number of batches, got one without end")
    return map(pair, (dataset[index] for index in range(dataset.num_batches)))


def _hugging_face(dataset: Any, targets: Any) -> Pairs:
    return map(without_target, kinds.as_arrays(dataset).iter(EXAMPLES_AT_ONCE))


def _record_batches(dataset: Any, targets: Any) -> Pairs:
    return map(pair, dataset.to_batches())


def _tensors(dataset: Any, targets: Any) -> Pairs:
    return [pair(dataset.tensors)]


def _items(items: Any, targets: Any) -> Pairs:
    return batched(items)


def _refused(data: Any, targets: Any) -> Pairs:
    raise ValueError(f"expected arrays, a table, a dataset or a loader, got {type(data).__name__}")


READERS: tuple[Reader, ...] = (
    Reader(kinds.is_lazy_frame, _lazy_frame, takes_targets=True),
    Reader(kinds.is_sparse, _sparse, takes_targets=True),
    Reader(kinds.is_side_by_side, _at_once, takes_targets=True),
    Reader(kinds.is_list, _examples, takes_targets=True),
    Reader(kinds.is_of_tensorflow, _items),
    Reader(kinds.is_loader, _loader),
    Reader(kinds.is_of_keras, _by_number),
    Reader(kinds.is_hugging_face, _hugging_face),
    Reader(kinds.is_in_record_batches, _record_batches),
    Reader(kinds.is_of_tensors, _tensors),
    Reader(kinds.is_by_index, _examples),
    Reader(kinds.is_iterable, _items),
    Reader(kinds.is_anything, _refused),
)
"""In order of precedence, because types overlap: a Hugging Face dataset has a shape, a torch IterableDataset `__getitem__`."""
