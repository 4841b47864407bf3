from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from customers import N_ROWS, customers, is_same, profile_of

from bvtrack import compare_splits, profile

pytest.importorskip("ray", reason="ray is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),  # settings of Ray's own, which it reads itself
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:DeprecationWarning"),  # Ray's use of pandas
]


@pytest.fixture(scope="module", autouse=True)
def local_ray() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()
    patch.undo()


def _dataset(table: pd.DataFrame) -> Any:
    import ray

    return ray.data.from_arrow(pa.Table.from_pandas(table, preserve_index=False))


@pytest.mark.parametrize("n_blocks", [1, 7, 64])
def test_the_profile_is_that_of_the_whole_table_in_any_number_of_blocks(n_blocks: int) -> None:
    from bvtrack_ray import profile_dataset

    table = customers()

    found = profile_dataset(_dataset(table).repartition(n_blocks), target="churned")

    assert found.n == N_ROWS
    assert is_same(found, profile_of(table, like=found))


def test_rows_in_random_order_have_the_profile_of_the_plain_table() -> None:
    from bvtrack_ray import profile_dataset

    table = customers()
    plain = profile_of(table)

    found = profile_dataset(_dataset(table).repartition(5).random_shuffle(seed=1), target="churned", like=plain)

    assert is_same(found, plain)


def test_blocks_of_pandas_are_counted_as_those_of_arrow() -> None:
    import ray

    from bvtrack_ray import profile_dataset

    table = customers(n=300)
    parts = [table[:100], table[100:]]

    found = profile_dataset(ray.data.from_pandas(parts), target="churned")

    assert is_same(found, profile_of(table, like=found))


def test_empty_blocks_change_nothing() -> None:
    from bvtrack_ray import profile_dataset

    table = customers(n=20)

    found = profile_dataset(_dataset(table).repartition(64), target="churned")

    assert is_same(found, profile_of(table, like=found))


def test_without_a_target_all_columns_are_features() -> None:
    from bvtrack_ray import profile_dataset

    table = customers(n=300).rename(columns={"churned": "label"})

    found = profile_dataset(_dataset(table), name="train", leaks=False)

    assert (found.name, found.hashes, found.labels) == ("train", None, None)
    assert is_same(found, profile(table, name="train", like=found, leaks=False))


def test_images_are_counted_as_such() -> None:
    import ray

    from bvtrack_ray import profile_dataset

    images = np.random.default_rng(0).integers(256, size=(100, 8, 8, 3), dtype=np.uint8)

    found = profile_dataset(ray.data.from_numpy(images).repartition(3))

    assert found.layout.parts[0].kind == "image"
    assert is_same(found, profile({"data": images}, like=found, leaks="exact"))


def test_a_shift_and_copies_are_found_as_in_the_plain_tables() -> None:
    from bvtrack_ray import profile_dataset

    train, dev = customers(0), customers(1, 5000)
    dev["size"] *= 1.5
    dev.iloc[:100] = train.iloc[:100]
    of_train = profile_dataset(_dataset(train).repartition(3), target="churned")
    of_dev = profile_dataset(_dataset(dev), target="churned", like=of_train)

    report = compare_splits(train=of_train, dev=of_dev)

    assert report == compare_splits(train=profile_of(train, like=of_train), dev=profile_of(dev, like=of_train))
    assert report.verdict == "shifted + leak"
    assert any("100 of 5,000 dev examples" in finding.message for finding in report.findings)


def test_rows_of_the_same_distribution_are_the_same() -> None:
    from bvtrack_ray import profile_dataset

    of_train = profile_dataset(_dataset(customers(0)), target="churned")
    of_dev = profile_dataset(_dataset(customers(1)), target="churned", like=of_train)

    assert compare_splits(train=of_train, dev=of_dev).verdict == "same"


def test_other_columns_are_one_clear_error() -> None:
    from bvtrack_ray import profile_dataset

    dataset = _dataset(customers().drop(columns="city"))

    with pytest.raises(ValueError, match="expected the columns of the other split in dev; missing: city; not expected: none"):
        profile_dataset(dataset, target="churned", name="dev", like=profile_of(customers()))


def test_a_fault_in_a_late_block_is_one_clear_error() -> None:
    from bvtrack_ray import profile_dataset

    table = customers()
    table.loc[: N_ROWS - 5000, "city"] = None

    with pytest.raises(ValueError, match=r"expected city of this split to be of shape \(\) and type <f8 as in the other"):
        profile_dataset(_dataset(table).repartition(8), target="churned")


def test_a_missing_target_is_named() -> None:
    from bvtrack_ray import profile_dataset

    with pytest.raises(ValueError, match="expected the targets in a column 'left', got only amount, size, id"):
        profile_dataset(_dataset(customers()), target="left")


def test_a_dataset_without_rows_is_one_clear_error() -> None:
    from bvtrack_ray import profile_dataset

    with pytest.raises(ValueError, match="empty"):
        profile_dataset(_dataset(customers()[:0]), target="churned")
