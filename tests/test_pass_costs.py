"""What a pass of our own does not do: read examples one by one, move data twice, wait for an accelerator at each batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import keras
import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, default_collate

from bvtrack_keras.batch_size import evaluation_batch_size
from bvtrack_lightning.equality import are_equal, in_one_wait
from bvtrack_lightning.evaluation import Evaluator
from bvtrack_lightning.gathered import gathered
from bvtrack_lightning.keyed_readers import Use
from bvtrack_lightning.passes import KeyedBatches, reading_like
from bvtrack_lightning.readers import reader_of

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

WAITS = {"__bool__", "__float__", "__int__", "cpu", "equal", "item", "numpy", "tolist"}
"""What waits for an accelerator, by the names of torch's functions."""


class Waits(TorchFunctionMode):
    """Counts the calls that would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counted[function.__name__] += function.__name__ in WAITS
        return function(*args, **kwargs or {})


class Classifier(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    def validation_step(self, batch: Any, batch_index: int) -> None:
        x, y = batch
        logits = self.network(x)
        self.log("val_loss", nn.functional.cross_entropy(logits, y))
        self.log("val_acc", (logits.argmax(dim=1) == y).float().mean())

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def pairs(n: int) -> TensorDataset:
    return TensorDataset(torch.randn(n, 3), torch.randint(0, 2, (n,)))


def validating(then: Callable[[lightning.Trainer, lightning.LightningModule], None]) -> None:
    """Call `then` within the validation of a training, as our passes are."""

    class Caller(lightning.Callback):
        def on_validation_batch_start(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            then(trainer, pl_module)

    trainer = lightning.Trainer(
        max_epochs=1,
        callbacks=[Caller()],
        logger=False,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(Classifier(), DataLoader(pairs(2), 2), DataLoader(pairs(2), 2))


def waits_of_a_pass(n_batches: int) -> Counter[str]:
    counts: list[Counter[str]] = []

    def count(trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        loader = DataLoader(pairs(4 * n_batches), 4)
        batches = KeyedBatches(loader, [list(range(start, start + 4)) for start in range(0, 4 * n_batches, 4)])
        with Waits() as waits:
            Evaluator(trainer, module, "validation_step", print).evaluate(batches, lambda names: True)
        counts.append(+waits.counted)

    validating(count)
    return counts[0]


def test_a_pass_waits_as_often_for_many_batches_as_for_one() -> None:
    assert waits_of_a_pass(20) == waits_of_a_pass(1)


def test_what_all_batches_logged_is_fetched_at_once() -> None:
    assert waits_of_a_pass(5)["cpu"] == 1


def test_tensors_are_compared_in_one_wait() -> None:
    compared = [(torch.ones(3), torch.ones(3)), (torch.ones(2), torch.zeros(2)), (torch.tensor(torch.nan),) * 2]

    with Waits() as waits:
        answers = in_one_wait(compared)

    assert answers == are_equal(compared) == [True, False, False]
    assert +waits.counted == {"tolist": 1}


@given(data=st.data(), n=st.integers(1, 12), depth=st.integers(0, 2))
@settings(max_examples=50, deadline=None)
def test_gathered_batches_are_bit_for_bit_those_of_a_loader(data: st.DataObject, n: int, depth: int) -> None:
    places = st.lists(st.integers(0, n - 1), min_size=n, max_size=n)
    dataset: Any = pairs(n)
    for _ in range(depth):
        dataset = Subset(dataset, data.draw(places))
    keys = data.draw(st.lists(st.lists(st.integers(-n, n - 1), min_size=1, max_size=5), max_size=4))
    loader = DataLoader(dataset, batch_size=2)

    taken = gathered(loader, keys)

    assert taken is not None
    assert [list(map(bits, batch)) for batch in taken] == [list(map(bits, batch)) for batch in reading_like(loader, keys)]


def bits(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.dtype, tensor.shape, tensor.stride(), tensor.numpy().tobytes()


def test_a_gathered_batch_is_new_so_that_a_step_may_write_into_it() -> None:
    dataset = TensorDataset(torch.ones(4))
    batches = gathered(DataLoader(dataset, 4), [[0, 1, 2, 3]])
    assert batches is not None
    (batch,) = batches
    batch[0].zero_()

    assert dataset.tensors[0].tolist() == [1, 1, 1, 1]


class Doubled(TensorDataset):
    def __getitem__(self, index: Any) -> Any:
        return tuple(2 * part[index] for part in self.tensors)


def others() -> Iterable[DataLoader[Any]]:
    transposed = torch.ones(3, 4).T
    datasets: list[Dataset[Any]] = [Doubled(torch.ones(4)), Subset(Doubled(torch.ones(4)), [0]), TensorDataset(transposed)]
    yield from (DataLoader(dataset, 2) for dataset in datasets)
    yield DataLoader(TensorDataset(torch.ones(4)), 2, collate_fn=lambda examples: default_collate(examples))
    yield DataLoader(TensorDataset(torch.ones(4)), batch_size=None)
    yield DataLoader(TensorDataset(torch.ones(4)), 2, worker_init_fn=print)
    windows: list[Any] = [[[0, 1], [2, 3]], [slice(0, 2), slice(2, 4)], [True, False], torch.tensor([0.0, 1.0])]
    yield from (DataLoader(Subset(TensorDataset(torch.ones(4)), indices), 2) for indices in windows)


@pytest.mark.parametrize("place", range(10))
def test_a_loader_in_whose_reading_other_code_has_a_part_reads_for_itself(place: int) -> None:
    assert gathered(list(others())[place], [[0]]) is None


def first_size(train: DataLoader[Any], dev: DataLoader[Any]) -> int:
    reader: Any = reader_of(train, Use(is_trained_on=True))
    return len(next(iter(reader.in_batches_like(reader_of(dev, Use())).subset(8, may_be_cut=False)))[0])


def test_training_examples_are_passed_over_in_batches_as_large_as_validation_s() -> None:
    assert first_size(DataLoader(pairs(16), 2, shuffle=True), DataLoader(pairs(16), 8)) == 8


def test_batches_of_the_training_are_not_made_smaller() -> None:
    assert first_size(DataLoader(pairs(16), 4), DataLoader(pairs(16), 2)) == 4


def test_examples_of_another_shape_keep_the_batches_that_the_user_chose_for_them() -> None:
    assert first_size(DataLoader(pairs(16), 2), DataLoader(TensorDataset(torch.ones(16, 9), torch.ones(16)), 8)) == 2


def test_whole_batches_stay_whole() -> None:
    assert first_size(DataLoader(pairs(16), 2, drop_last=True), DataLoader(pairs(16), 8)) == 2


def compiled(
    *layers: Any, loss: Any = "sparse_categorical_crossentropy", metrics: Any = ("accuracy",), first: Any = None
) -> Any:
    first = keras.Input((4,)) if first is None else first
    model = keras.Sequential([first, *layers, keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", loss, metrics=list(metrics))
    targets = np.zeros(2, dtype=int) if loss == "sparse_categorical_crossentropy" or "accuracy" in metrics else np.ones((2, 3))
    model.evaluate(np.zeros((2, 4)), targets, verbose=0)  # Keras makes the metrics with the first batch
    return model


def centred() -> tuple[Any, Any]:
    """Inputs, and what an operation that is no layer makes of them."""
    x = keras.Input((4,))
    return x, x - keras.ops.mean(x, axis=0)


class Own(keras.layers.Layer):  # type: ignore[misc]  # Keras has no type hints
    def call(self, x: Any) -> Any:
        return x


def own_metric(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.max(y_pred)


on_torch = pytest.mark.skipif(keras.backend.backend() != "torch", reason="elsewhere a size is compiled for")


@on_torch
def test_keras_own_code_is_evaluated_in_one_batch_with_the_same_error() -> None:
    model = compiled(keras.layers.Dense(8), keras.layers.BatchNormalization())
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(500, 4)), generator.integers(0, 3, 500)

    size = evaluation_batch_size(model, 32, 500)

    assert size == 500
    one, many = (model.evaluate(x, y, batch_size=each, verbose=0, return_dict=True) for each in (size, 32))
    assert one["accuracy"] == many["accuracy"]
    assert one["loss"] == pytest.approx(float(many["loss"]), rel=1e-6)


@on_torch
@pytest.mark.parametrize(
    "model",
    [
        lambda: compiled(Own()),
        lambda: compiled(keras.layers.Reshape((2, 2)), keras.layers.Masking(), keras.layers.GlobalAveragePooling1D()),
        lambda: compiled(loss=keras.losses.SparseCategoricalCrossentropy(reduction="sum")),
        lambda: compiled(metrics=[own_metric]),
        lambda: compiled(loss="dice", metrics=()),
        lambda: compiled(loss=keras.losses.Tversky(), metrics=()),
        lambda: compiled(loss=keras.losses.Circle()),
        lambda: compiled(loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=2)),
        lambda: compiled(loss=[own_metric]),
        lambda: compiled(loss="mse", metrics=[keras.losses.dice]),
        lambda: compiled(loss="mse", metrics=[keras.metrics.CosineSimilarity(axis=0)]),
        lambda: compiled(keras.layers.Lambda(lambda x: x - keras.ops.mean(x, axis=0))),
        lambda: compiled(keras.layers.Dense(8, activation=lambda x: keras.ops.softmax(x, axis=0))),
        lambda: compiled(keras.layers.Softmax(axis=0)),
        lambda: compiled(keras.layers.Dense(8, activity_regularizer="l2")),
        lambda: compiled(keras.layers.TorchModuleWrapper(torch.nn.BatchNorm1d(4, track_running_stats=False))),
        lambda: compiled(keras.Model(*centred())),
        lambda: compiled(first=keras.Input(batch_shape=(2, 4))),
    ],
)
def test_where_an_error_may_depend_on_its_batch_the_batch_size_stays(model: Callable[[], Any]) -> None:
    assert evaluation_batch_size(model(), 32, 500) == 32


@on_torch
def test_larger_batches_take_a_few_megabytes() -> None:
    wide = compiled(keras.layers.Dense(1 << 14))

    assert evaluation_batch_size(wide, 32, 500) == (1 << 20) // ((1 << 14) + 4 + 3)
