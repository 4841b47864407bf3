"""What a profile costs a row, and what adding profiles up costs; from these, what a billion rows would cost on a cluster.

    OMP_NUM_THREADS=1 PYTHONPATH=tests/benchmarks/rules python tests/benchmarks/splits/scale.py

One thread, as Spark and Ray start their workers. Seconds are those of a core (`time.process_time`), without the reading and
the sending of the rows. Where PySpark or Ray are installed, their adapters are timed too, on two local cores; what each row
more takes there is mostly Spark's and Ray's own work.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import or_
from typing import Any

import numpy as np
import pyarrow as pa
from figures import Figure, show
from numpy.typing import NDArray

from bvtrack import SplitProfile, profile

N_PARTITIONS = 64
ROWS = 65_536
"""In each partition: 4 million in all."""
ROWS_AT_ONCE = 10_000
"""What Spark hands over at once."""
BILLION = 1_000_000_000
COLUMNS = (5, 20, 100)
MOST_HASHES = 1 << 22
FAN_IN = 8
"""Profiles that the adapters add up in one task."""
WORDS = {False: "counts", True: "counts and hashes"}


@dataclass(frozen=True)
class Cost:
    """Of data of so many columns: seconds of a core a row and a sum of two profiles, and the bytes of a profile."""

    row: float
    merge: float
    size: int
    is_exact: bool


def _timed(make: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    made = make()
    return time.process_time() - start, made


def _table(n: int, n_columns: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({f"c{index}": rng.normal(size=n) for index in range(n_columns)})


def _count(rows: pa.Table, like: SplitProfile | None, is_hashed: bool) -> SplitProfile:
    batches = ((batch, None) for batch in rows.to_batches(ROWS_AT_ONCE))
    return profile(batches, like=like, leaks="exact" if is_hashed else False)


def cost(n_columns: int, *, is_hashed: bool) -> Cost:
    """Measured on 64 partitions, and on sums of profiles with as many hashes as are kept at most."""
    like = _count(_table(4096, n_columns, 0), None, is_hashed)
    partitions = [_table(ROWS, n_columns, seed) for seed in range(N_PARTITIONS)]
    counted = [_timed(partial(_count, rows, like, is_hashed)) for rows in partitions]
    profiles = [found for _, found in counted]
    whole = _count(pa.concat_tables(partitions), like, is_hashed)
    is_exact = reduce(or_, profiles).digest == whole.digest == reduce(or_, reversed(profiles)).digest
    one, other = (_full(found, seed) if is_hashed else found for seed, found in enumerate(profiles[:2]))
    seconds, merged = _timed(lambda: pickle.loads(pickle.dumps(one)) | pickle.loads(pickle.dumps(other)))
    total = sum(seconds for seconds, _ in counted)
    return Cost(total / (N_PARTITIONS * ROWS), seconds, len(pickle.dumps(merged)), is_exact)


def _full(found: SplitProfile, seed: int) -> SplitProfile:
    hashes = np.random.default_rng(seed).integers(2**64, size=MOST_HASHES, dtype=np.uint64)
    return replace(found, hashes=np.sort(hashes))


def deep_hashes() -> float:
    """Seconds a row that hashes cost more in a partition of a 64th of a billion rows than in a small one."""
    return _hashes_a_row(BILLION // N_PARTITIONS) - _hashes_a_row(ROWS)


def _hashes_a_row(n: int) -> float:
    rows = _table(n, 1, 0)
    like = _count(rows[:4096], None, False)
    (without, _), (with_hashes, _) = (_timed(partial(_count, rows, like, is_hashed)) for is_hashed in (False, True))
    return (with_hashes - without) / n


def extrapolated(counts: Cost, hashed: Cost, deeper: float) -> list[Figure]:
    """A billion rows of 20 columns in 64 partitions, from what was measured here."""
    n_sums = N_PARTITIONS - 1
    sent = N_PARTITIONS + N_PARTITIONS // FAN_IN + 1
    figures = []
    for is_hashed, one in ((False, counts), (True, hashed)):
        seconds = BILLION * (one.row + (deeper if is_hashed else 0)) + n_sums * one.merge
        seen = (
            f"{seconds / 3600:.2f} core-hours, of which {n_sums * one.merge:.0f} s to add up; {one.size / 1e6:.1f} MB to the "
        )
        seen += f"driver, {sent * one.size / 1e6:,.0f} MB between workers"
        figures.append(Figure(f"EXTRAPOLATED: 1,000,000,000 x 20, {WORDS[is_hashed]}", "", "", seen))
    return figures


def in_spark() -> tuple[float, float]:
    """Seconds that Spark takes for 64,000 and for 4 million rows of 20 columns, which it makes itself, on two cores."""
    from pyspark.sql import SparkSession

    from bvtrack_spark import profile_dataframe

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local[2]").config("spark.driver.host", "127.0.0.1").getOrCreate()

    def seconds(rows: int) -> float:
        df = spark.range(0, N_PARTITIONS * rows, 1, N_PARTITIONS).selectExpr(
            *(f"randn({seed}) AS c{seed}" for seed in range(20))
        )
        return _waited(partial(profile_dataframe, df))

    try:
        return _few_and_many(seconds)
    finally:
        spark.stop()


def in_ray() -> tuple[float, float]:
    """Seconds that Ray takes for 64,000 and for 4 million rows of 20 columns, which it makes itself, on two cores."""
    import ray

    from bvtrack_ray import profile_dataset

    def drawn(batch: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        rng = np.random.default_rng(int(batch["id"][0]))
        return {f"c{index}": rng.normal(size=len(batch["id"])) for index in range(20)}

    def seconds(rows: int) -> float:
        dataset = ray.data.range(N_PARTITIONS * rows, override_num_blocks=N_PARTITIONS).map_batches(drawn, batch_size=None)
        return _waited(partial(profile_dataset, dataset))

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        return _few_and_many(seconds)
    finally:
        ray.shutdown()


def _waited(make: Callable[[], Any]) -> float:
    start = time.perf_counter()
    make()
    return time.perf_counter() - start


def _few_and_many(seconds: Callable[[int], float]) -> tuple[float, float]:
    seconds(1000)  # starts the workers
    return seconds(1000), seconds(ROWS)


def adapter(name: str, few: float, many: float) -> Iterator[Figure]:
    """What an adapter took, and a billion rows at what each more row took."""
    row = 2 * (many - few) / (N_PARTITIONS * (ROWS - 1000))
    seen = (
        f"{many:.1f} s ({few:.1f} s with 1,000 rows in each partition): {row * 1e6:.2f} us of a core a row, making it included"
    )
    yield Figure(f"{name}: {N_PARTITIONS * ROWS:,} x 20 on two cores, with hashes", "", "", seen)
    seen = f"{BILLION * row / 3600:.1f} core-hours, the making of the rows included"
    yield Figure(f"EXTRAPOLATED: 1,000,000,000 x 20 in {name}", "", "", seen)


def main() -> None:
    """Print all figures."""
    costs = {(n, is_hashed): cost(n, is_hashed=is_hashed) for n in COLUMNS for is_hashed in (False, True)}
    figures = []
    for (n, is_hashed), one in costs.items():
        seen = f"{one.row * 1e6:.2f} us a row, {one.merge * 1e3:.1f} ms to add two up, {one.size / 1e6:.2f} MB each"
        seen += "" if one.is_exact else "; NOT THE SAME in another partition"
        figures.append(Figure(f"{n} columns: {WORDS[is_hashed]}", "", "", seen))
    deeper = deep_hashes()
    figures.append(Figure("hashes in a partition of 15,625,000", "", "", f"{deeper * 1e6:.2f} us a row more"))
    figures += extrapolated(costs[20, False], costs[20, True], deeper)
    for module, way in (("pyspark", in_spark), ("ray", in_ray)):
        if importlib.util.find_spec(module):
            figures += adapter(module, *way())
    show(f"Counted in {N_PARTITIONS} partitions of {ROWS:,} rows", figures)


if __name__ == "__main__":
    main()
