"""The profile of a Spark DataFrame: each partition is counted by its executor, and the profiles are added up in a tree."""

from __future__ import annotations

import operator
import pickle
from collections.abc import Iterable, Iterator
from functools import partial, reduce
from itertools import chain
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation has it

from bvtrack import SplitProfile, profile

SAMPLE = 4096
"""Rows on the driver that the edges are laid through."""
ROWS_OF_A_PARTITION = 64
"""That many of each partition's first rows may come into the sample, for tables often lie in the order of a column."""
FAN_IN = 8
"""Profiles that are added up in one task: 256 MiB of hashes at most."""
ROUNDS = 4
"""Enough for 4,096 partitions; of more, the driver adds up the few profiles that are left."""
SCHEMA = "part long, found binary"


def profile_dataframe(
    df: DataFrame, *, target: str | None = None, name: str = "", like: SplitProfile | None = None, leaks: bool = True
) -> SplitProfile:
    """The profile of all rows, the same for any partitions in any order; read it once `like` the first split's profile.

    `target` is the column of the targets. The edges are laid through rows from the beginnings of all partitions unless `like`
    has some. `leaks=False` hashes no rows; near copies are not looked for. The executors need bvtrack, NumPy and PyArrow;
    each sends at most 32 MiB of hashes to the next one, and the driver holds no more than the last few.

    Raises `ValueError` for a DataFrame without rows, without a column `target`, with two columns of one name, or with other
    columns than those of `like`.
    """
    if repeated := sorted({column for column in df.columns if df.columns.count(column) > 1}):
        raise ValueError(f"expected columns of different names, got {', '.join(repeated)} twice")
    if target is not None and target not in df.columns:
        raise ValueError(f"expected targets in a column {target!r}, got only {', '.join(df.columns)}")
    heads = df.mapInArrow(_first_rows, df.schema).orderBy(F.rand(0)).limit(SAMPLE).toArrow()
    count = partial(_counted, target=target, name=name, leaks=leaks)
    edges = _profile([heads], target=target, name=name, like=like, leaks=False)
    found = df.mapInArrow(partial(count, like=edges), "found binary").withColumn("part", F.spark_partition_id())
    for _ in range(ROUNDS):
        found = found.groupBy(F.floor(F.col("part") / FAN_IN).alias("part")).applyInArrow(_merged, SCHEMA)
    return _sum(found.toArrow()["found"].to_pylist())


def _first_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from (batch.slice(0, ROWS_OF_A_PARTITION) for batch in chain.from_iterable(zip(batches, range(1))))
