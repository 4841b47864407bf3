"""The profile of a Ray dataset: tasks count its blocks, and others add the profiles up in a tree."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import partial, reduce
from typing import Any

import pyarrow as pa
import ray
from ray.data import Dataset

from bvtrack import SplitProfile, pack_profile, profile, unpack_profile

SAMPLE = 4096
"""Rows on the driver that the edges are laid through."""
FAN_IN = 8
"""Profiles that one task adds up: 256 MiB of hashes at most."""
Batch = dict[str, Any]


def profile_dataset(
    dataset: Dataset, *, target: str | None = None, name: str = "", like: SplitProfile | None = None, leaks: bool = True
) -> SplitProfile:
    """Read a dataset once and count what tells splits apart: the same for the same rows in whatever blocks and order.

    `target` names the column of the targets; `name`, `like` and `leaks` are as for `bvtrack.profile`, but near copies are not
    looked for. The edges are laid through the first rows; of a dataset that lies in the order of a column take them over from
    a sample: `like=profile_dataset(dataset.random_sample(0.001), target=...)`. The nodes need bvtrack. A block's profile stays
    in Ray's object store until it is added up, with 8 bytes a row of hashes; one comes to the driver, of 32 MiB at most.

    Raises `ValueError` for a dataset without rows or without a column `target`, and for other columns than those of `like`.
    """
    head = dataset.take_batch(SAMPLE, batch_format="numpy")
    edges = _profile(head, target=target, name=name, like=like, leaks=False)
    count = partial(_counted, target=target, name=name, like=edges, leaks=leaks)
    found = dataset.map_batches(count, batch_size=None, batch_format="numpy").to_arrow_refs()
    merge = ray.remote(_merged)
    while len(found) > 1:
        found = [merge.remote(*found[start : start + FAN_IN]) for start in range(0, len(found), FAN_IN)]
    return _sum(ray.get(found))


def _profile(batch: Batch, *, target: str | None, name: str, like: SplitProfile | None, leaks: bool) -> SplitProfile:
    return profile(iter([_pair(batch, target)]), name=name, like=like, leaks="exact" if leaks else False)


def _pair(batch: Batch, target: str | None) -> tuple[Batch, Any]:
    if target is None:
        return batch, None
    if target not in batch:
        raise ValueError(f"expected the targets in a column {target!r}, got only {', '.join(batch)}")
    return {name: values for name, values in batch.items() if name != target}, batch[target]


def _counted(batch: Batch, *, target: str | None, name: str, like: SplitProfile, leaks: bool) -> pa.Table:
    """One profile, or nothing of an empty block."""
    count = partial(_profile, batch, target=target, name=name, like=like, leaks=leaks)
    return _table([pack_profile(count)] if any(map(len, batch.values())) else [])


def _merged(*tables: pa.Table) -> pa.Table:
    is_any = any(table.num_rows for table in tables)
    return _table([pack_profile(partial(_sum, tables))] if is_any else [])


def _table(found: list[bytes]) -> pa.Table:
    return pa.table({"found": pa.array(found, pa.binary())})


def _sum(tables: Iterable[pa.Table]) -> SplitProfile:
    return reduce(operator.or_, (unpack_profile(one.as_py()) for table in tables if len(table) for one in table["found"]))
