"""Collate single examples into batches, and split batches into features and targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bvtrack.splits.reading.arrays import is_list_like, objects_of, stacked
from bvtrack.splits.reading.features import column_names
from bvtrack.splits.reading.kinds import is_mapping, is_records, is_single, is_table

TARGET_NAMES = ("label", "labels", "target", "targets", "y")
"""Names of the target column in mappings and tables, if no targets are given separately."""
EXAMPLES_AT_ONCE = 256


def batched(items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Batches unchanged, and single examples collated, `EXAMPLES_AT_ONCE` at a time."""
    waiting: list[Any] = []
    for item in items:
        if not is_example(item):
            yield pair(item)
            continue
        waiting.append(item)
        if len(waiting) == EXAMPLES_AT_ONCE:
            yield as_batch(waiting)
            waiting = []
    if waiting:
        yield as_batch(waiting)


def batched_by_index(dataset: Any) -> Iterator[tuple[Any, Any]]:
    """The examples of a map-style dataset, collated, `EXAMPLES_AT_ONCE` at a time."""
    for start in range(0, len(dataset), EXAMPLES_AT_ONCE):
        yield as_batch([dataset[index] for index in range(start, min(start + EXAMPLES_AT_ONCE, len(dataset)))])


def is_example(item: Any) -> bool:
    """True for one example, False for a batch."""
    if isinstance(item, Mapping):
        return any(is_single(value) for value in item.values())
    return is_single(item[1] if _is_pair(item) else item)


def _is_pair(item: Any) -> bool:
    """True for features and targets, and maybe a weight; torch's DataLoader turns tuples into lists."""
    return (
        len(item) in (2, 3) and not is_single(item[0]) if isinstance(item, list) else isinstance(item, tuple) and len(item) > 1
    )


def as_batch(examples: Sequence[Any]) -> tuple[Any, Any]:
    """Collate examples, each of them features, a pair or a mapping, into features and targets."""
    first = examples[0]
    if isinstance(first, Mapping):
        return without_target(stacked_values(examples))
    if _is_pair(first):
        features, targets = (stacked_values([one[index] for one in examples]) for index in (0, 1))
        return features, targets
    values = [one[0] if isinstance(one, tuple) else one for one in examples]
    return stacked_values(values), None


def stacked_values(values: Sequence[Any]) -> Any:
    """Stack values into one array, or one per name. Raises `ValueError` for different names or shapes."""
    if isinstance(values[0], Mapping):
        if any(value.keys() != values[0].keys() for value in values):
            raise ValueError(f"expected examples with the same names, got {', '.join(map(str, values[0]))} and others")
        return {name: stacked_values([value[name] for value in values]) for name in values[0]}
    if any(value is None or isinstance(value, (str, bytes)) for value in values):
        return objects_of(values)
    if are_flat_lists(values) and len({len(value) for value in values}) > 1:
        return objects_of(values)
    return stacked(values)


def are_flat_lists(values: Sequence[Any]) -> bool:
    """True for lists, or arrays `[k]`, such as the tokens of a text."""
    return all(
        len(value.shape) == 1 if hasattr(value, "shape") else isinstance(value, (list, tuple)) and not is_list_like(value[:1])
        for value in values
    )


def pair(batch: Any) -> tuple[Any, Any]:
    """The features and targets of a batch, which may include sample weights."""
    if isinstance(batch, list) and batch and is_single(batch[0]):
        return batch, None
    if isinstance(batch, (list, tuple)) and len(batch) in (2, 3):  # the third one is sample weights
        return batch[0], batch[1]
    return (batch[0], None) if isinstance(batch, (list, tuple)) and len(batch) == 1 else without_target(batch)


def without_target(batch: Any) -> tuple[Any, Any]:
    """The features and targets of a mapping or a table; without a target column, everything is features."""
    names = _names_in(batch)
    name = next((name for name in TARGET_NAMES if name in names), None)
    if name is None or len(names) == 1:
        return batch, None
    return {key: batch[key] for key in names if key != name}, batch[name]


def _names_in(batch: Any) -> list[Any]:
    """Names of a mapping's arrays, a table's columns or a structured array's fields; none for anything else."""
    if is_mapping(batch):
        return list(batch)
    if is_table(batch):
        return column_names(batch)
    return list(batch.dtype.names) if is_records(batch) else []
