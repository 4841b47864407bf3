"""The profile of a Spark DataFrame: the executors count its partitions, and add the profiles up in a tree."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from functools import partial, reduce
from itertools import chain

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation has it

from bvtrack import SplitProfile, pack_profile, profile, unpack_profile

SAMPLE = 4096
"""Rows on the driver that the edges are laid through."""
FAN_IN = 8
"""Profiles that one task adds up: 256 MiB of hashes at most."""
ROUNDS = 4
"""Enough for 4,096 partitions; of more, the driver adds up the few profiles that are left."""


def profile_dataframe(
    df: DataFrame, *, target: str | None = None, name: str = "", like: SplitProfile | None = None, leaks: bool = True
) -> SplitProfile:
    """Read a DataFrame once and count what tells splits apart: the same for the same rows in whatever partitions and order.

    `target` names the column of the targets; `name`, `like` and `leaks` are as for `bvtrack.profile`, but near copies are not
    looked for. The edges are laid through the first rows; of a table that lies in the order of a column take them over from a
    sample: `like=profile_dataframe(df.sample(0.001), target=...)`. The executors need bvtrack and PyArrow, and a profile that
    goes from one to another, and one to the driver, has 32 MiB of hashes at most.

    Raises `ValueError` for a DataFrame without rows or without a column `target`, for two columns of one name, and for other
    columns than those of `like`.
    """
    if repeated := sorted({column for column in df.columns if df.columns.count(column) > 1}):
        raise ValueError(f"expected columns of different names, got {', '.join(repeated)} more than once")
    head = df.limit(SAMPLE).toArrow().to_batches()
    edges = _profile(head, target=target, name=name, like=like, leaks=False)
    count = partial(_counted, target=target, name=name, like=edges, leaks=leaks)
    found = df.mapInArrow(count, "found binary").withColumn("part", F.spark_partition_id())
    for _ in range(ROUNDS):
        found = found.groupBy(F.floor(F.col("part") / FAN_IN).alias("group")).applyInArrow(_merged, "part long, found binary")
    return _sum(found.toArrow()["found"])


def _profile(
    batches: Iterable[pa.RecordBatch], *, target: str | None, name: str, like: SplitProfile | None, leaks: bool
) -> SplitProfile:
    pairs = (_pair(batch, target) for batch in batches)
    return profile(pairs, name=name, like=like, leaks="exact" if leaks else False)


def _pair(batch: pa.RecordBatch, target: str | None) -> tuple[pa.RecordBatch, pa.Array | None]:
    names = batch.schema.names
    if target is None:
        return batch, None
    if target not in names:
        raise ValueError(f"expected the targets in a column {target!r}, got only {', '.join(names)}")
    return batch.select([name for name in names if name != target]), batch[target]


def _counted(
    batches: Iterable[pa.RecordBatch], *, target: str | None, name: str, like: SplitProfile, leaks: bool
) -> Iterator[pa.RecordBatch]:
    """One profile, or nothing of an empty partition."""
    filled = (batch for batch in batches if batch.num_rows)
    for first in filled:
        count = partial(_profile, chain([first], filled), target=target, name=name, like=like, leaks=leaks)
        yield pa.RecordBatch.from_pydict({"found": [pack_profile(count)]})


def _merged(key: tuple[pa.Scalar, ...], table: pa.Table) -> pa.Table:
    return pa.table({"part": [key[0].as_py()], "found": [pack_profile(partial(_sum, table["found"]))]})


def _sum(found: Iterable[pa.Scalar]) -> SplitProfile:
    return reduce(operator.or_, (unpack_profile(one.as_py()) for one in found))
