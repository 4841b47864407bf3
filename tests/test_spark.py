from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from customers import N_ROWS, customers, is_same, profile_of

from bvtrack import compare_splits, profile

pytest.importorskip("pyspark", reason="pyspark is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),  # nothing of pandas is used
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    patch = pytest.MonkeyPatch()
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
    patch.undo()


def _spark_table(spark: Any, table: pd.DataFrame) -> Any:
    return spark.createDataFrame(pa.Table.from_pandas(table, preserve_index=False))


@pytest.mark.parametrize("n_partitions", [1, 7, 64])
def test_the_profile_is_that_of_the_whole_table_in_any_number_of_partitions(spark: Any, n_partitions: int) -> None:
    from bvtrack_spark import profile_dataframe

    table = customers()
    df = _spark_table(spark, table).repartition(n_partitions)

    found = profile_dataframe(df, target="churned")

    assert found.n == N_ROWS
    assert is_same(found, profile_of(table, like=found))


def test_rows_in_random_order_have_the_profile_of_the_plain_table(spark: Any) -> None:
    from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation has it

    from bvtrack_spark import profile_dataframe

    table = customers()
    plain = profile_of(table)
    df = _spark_table(spark, table).repartition(5, F.rand(1)).sortWithinPartitions(F.rand(2))

    found = profile_dataframe(df, target="churned", like=plain)

    assert is_same(found, plain)


def test_empty_partitions_change_nothing(spark: Any) -> None:
    from bvtrack_spark import profile_dataframe

    table = customers(n=300)
    df = _spark_table(spark, table).repartition(16, "city")

    found = profile_dataframe(df, target="churned")

    assert is_same(found, profile_of(table, like=found))


def test_without_a_target_all_columns_are_features(spark: Any) -> None:
    from bvtrack_spark import profile_dataframe

    table = customers(n=300).rename(columns={"churned": "label"})

    found = profile_dataframe(_spark_table(spark, table), name="train", leaks=False)

    assert (found.name, found.hashes, found.labels) == ("train", None, None)
    assert is_same(found, profile(table, name="train", like=found, leaks=False))


def test_a_shift_and_copies_are_found_as_in_the_plain_tables(spark: Any) -> None:
    from bvtrack_spark import profile_dataframe

    train, dev = customers(0), customers(1, 5000)
    dev["size"] *= 1.5
    dev.iloc[:100] = train.iloc[:100]
    of_train = profile_dataframe(_spark_table(spark, train).repartition(3), target="churned")
    of_dev = profile_dataframe(_spark_table(spark, dev), target="churned", like=of_train)

    report = compare_splits(train=of_train, dev=of_dev)

    assert report == compare_splits(train=profile_of(train, like=of_train), dev=profile_of(dev, like=of_train))
    assert report.verdict == "shifted + leak"
    assert any("100 of 5,000 dev examples" in finding.message for finding in report.findings)


def test_rows_of_the_same_distribution_are_the_same(spark: Any) -> None:
    from bvtrack_spark import profile_dataframe

    of_train = profile_dataframe(_spark_table(spark, customers(0)), target="churned")
    of_dev = profile_dataframe(_spark_table(spark, customers(1)), target="churned", like=of_train)

    assert compare_splits(train=of_train, dev=of_dev).verdict == "same"


def test_other_columns_are_one_clear_error(spark: Any) -> None:
    from bvtrack_spark import profile_dataframe

    like = profile_of(customers())
    df = _spark_table(spark, customers().drop(columns="city"))

    with pytest.raises(ValueError, match="expected the columns of the other split in dev; missing: city; not expected: none"):
        profile_dataframe(df, target="churned", name="dev", like=like)


def test_a_fault_in_a_late_partition_is_one_clear_error(spark: Any) -> None:
    from bvtrack_spark import profile_dataframe

    df = spark.range(0, N_ROWS, 1, 3).selectExpr("id AS size", "IF(id < 15000, NULL, 'Bonn') AS city")

    with pytest.raises(ValueError, match=r"expected city of this split to be of shape \(\) and type <f8 as in the other"):
        profile_dataframe(df)


@pytest.mark.parametrize(
    ("query", "target", "message"),
    [
        ("SELECT 1 AS a, 2 AS b", "c", "expected the targets in a column 'c', got only a, b"),
        ("SELECT 1 AS a, 2 AS a", None, "expected columns of different names, got a more than once"),
        ("SELECT id FROM range(0)", None, "a split must have at least 1 example"),
    ],
)
def test_a_dataframe_that_cannot_be_profiled_is_named(spark: Any, query: str, target: str | None, message: str) -> None:
    from bvtrack_spark import profile_dataframe

    with pytest.raises(ValueError, match=message):
        profile_dataframe(spark.sql(query), target=target)
