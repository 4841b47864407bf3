"""Sets in batches, whose split is checked as that of arrays is: as far as they can be read in little time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras_training import DEV, TEST, TRAIN, Batches, assert_same_training, fit, loader, net, read_run, split

from bvtrack_keras import BiasVarianceCallback
from bvtrack_keras.data import EvaluationData

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("journals")]

MANY = split(30_000, 3)


def pipeline(x: Any, y: Any) -> Any:
    tensorflow = pytest.importorskip("tensorflow")
    return tensorflow.data.Dataset.from_tensor_slices((x, y)).shuffle(100).batch(50)


def mapped(x: Any, y: Any) -> Any:
    """A pipeline that gives no element alone."""
    return pipeline(x, y).unbatch().map(lambda x, y: (x, y)).batch(50)


def in_order(x: Any, y: Any) -> tuple[Any, Any]:
    places = np.argsort(y, kind="stable")
    return x[places], y[places]


class Drawing(Batches):
    """Augments with a generator of its own."""

    def __init__(self, x: Any, y: Any) -> None:
        super().__init__(x, y)
        self.generator = np.random.default_rng(0)

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x + self.generator.normal(size=x.shape).astype("float32"), y


class Slow(Batches):
    n_read = 0

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.25)
        self.n_read += 1
        return super().__getitem__(index)


class Several(Batches):
    """With a second output."""

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x, (y, y)


def sample_of(data: Any) -> tuple[int, int] | None:
    """How many examples a set has, and how many are read of it."""
    source = EvaluationData.of("train_data", data).split_source()
    return None if source is None else (source.n, source.sample().n_read)


@pytest.mark.parametrize("as_set", [Batches, pipeline, mapped, loader])
def test_sets_in_batches_are_compared_as_arrays_are(as_set: Callable[..., Any], journals: Path, said: list[str]) -> None:
    moved = DEV[0] + 2, DEV[1]
    callback = BiasVarianceCallback(train_data=as_set(*TRAIN), dev_data=as_set(*moved), test_data=as_set(*moved))
    fit(callback, epochs=1, validation_data=moved)
    (logged,) = (one for one in read_run(journals).records if one["kind"] == "split")

    assert logged["counts"] == logged["report"]["read"] == {"train": 300, "dev": 130, "test": 130}
    assert logged["distribution"] == "shifted+leak"
    assert "test_used_to_choose" in logged["tag"]
    assert all("the test set holds the dev set's examples" in message.lower() for message in said)
    said.clear()


@pytest.mark.parametrize(("as_set", "n_read"), [(Batches, 10_000), (pipeline, 10_000), (loader, 10_016)])
def test_of_a_large_set_ten_thousand_examples_are_read(as_set: Callable[..., Any], n_read: int) -> None:
    found = sample_of(as_set(*MANY))

    assert found is not None
    assert found[0] == 30_000
    assert 50 <= found[1] <= n_read


@pytest.mark.parametrize("as_set", [Batches, pipeline])
def test_of_a_large_set_in_order_each_batch_counts_for_one_example(as_set: Callable[..., Any]) -> None:
    found = sample_of(as_set(*in_order(*MANY)))

    assert found is not None
    assert found[1] <= 10_000 / 50


def test_a_pipeline_whose_end_is_not_reached_is_not_read() -> None:
    assert sample_of(mapped(*MANY)) is None
    assert sample_of(pipeline(*TRAIN).repeat()) is None


def test_of_a_dataset_of_slow_batches_next_to_nothing_is_read() -> None:
    slow = Slow(*TRAIN)

    assert sample_of(slow) is None
    assert slow.n_read <= 3


def test_a_dataset_of_batches_of_many_sizes_is_not_read_for_its_size_is_not_known() -> None:
    class Growing(Batches):
        def __getitem__(self, index: int) -> Any:
            return self.x[: index + 1], self.y[: index + 1]

    assert sample_of(Growing(*TRAIN)) is None


def test_several_outputs_are_no_label() -> None:
    source = EvaluationData.of("train_data", Several(*TRAIN)).split_source()

    assert source is not None
    assert source.sample().targets is None


def test_a_dataset_that_fails_costs_the_check_of_its_split_alone(journals: Path, said: list[str]) -> None:
    class Failing(Batches):
        def __getitem__(self, index: int) -> Any:
            if index == 3:
                raise OSError("no such file")
            return super().__getitem__(index)

    fit(BiasVarianceCallback(train_data=Failing(*TRAIN), dev_data=Batches(*DEV), train_eval="running"), epochs=1)
    (logged,) = (one for one in read_run(journals).records if one["kind"] == "split")

    assert logged["counts"] == {"train": 300, "dev": 130}
    assert logged["report"]["read"] == {"train": 0, "dev": 130}
    assert "no such file" in said.pop()


@pytest.mark.parametrize("as_set", [Batches, Drawing, pipeline, mapped, loader])
def test_a_training_on_the_very_sets_that_are_read_is_the_same_without_them(as_set: Callable[..., Any]) -> None:
    histories = []
    for is_tracked in (False, True):
        keras.utils.set_random_seed(1)
        train, dev = as_set(*TRAIN), as_set(*DEV)
        ours = [BiasVarianceCallback(train_data=train, dev_data=dev, test_data=as_set(*TEST))] if is_tracked else []
        keras.utils.set_random_seed(2)
        torch.manual_seed(2)  # which Keras does on its own backend alone
        histories.append(fit(*ours, model=net(), data=train, validation_data=dev))

    assert_same_training(*histories)


def test_a_pydataset_is_told_of_no_epoch_by_its_reading() -> None:
    dataset = Batches(*TRAIN)
    sample_of(dataset)

    assert dataset.ends == 0


@pytest.mark.parametrize("as_set", [Batches, pipeline, loader])
def test_sets_in_batches_are_known_again(as_set: Callable[..., Any]) -> None:
    keys = [
        source.key if (source := EvaluationData.of("train_data", as_set(x, y)).split_source()) else None
        for x, y in (TRAIN, TRAIN, (TRAIN[0] + 1, TRAIN[1]))
    ]

    assert keys[0] == keys[1] != keys[2]
    assert None not in keys


def test_a_dataset_that_augments_is_not_known_again() -> None:
    source = EvaluationData.of("train_data", Drawing(*TRAIN)).split_source()

    assert source is not None
    assert source.key is None
