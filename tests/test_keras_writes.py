"""What a user's own step writes elsewhere is written by `fit` alone, and data without an end are not read for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import mlflow
import numpy as np
import pytest
import torch
from keras_training import DEV, TRAIN, Batches, error_of, fit, net, on_backend, read_run
from torch.utils.tensorboard import SummaryWriter

from bvtrack_keras import BiasVarianceCallback

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("journals")]
Kind = tuple[Callable[[Any], Any], Callable[[], int]]
ROWS: list[float] = []
OPENED: list[Any] = []


class Writes(keras.Sequential):  # type: ignore[misc]  # Keras has no type hints
    """Does with each evaluated batch what `write` does, a function that is called with the model."""

    def test_step(self, *arguments: Any) -> Any:
        self.write(self)
        return super().test_step(*arguments)


def writing(write: Callable[[Any], Any], **attributes: Any) -> Any:
    keras.utils.set_random_seed(0)
    model: Any = Writes([keras.Input((8,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    vars(model).update(attributes, write=write)
    return model


def of_mlflow(path: Path) -> tuple[Any, Callable[[], int]]:
    run = mlflow.start_run()
    model = writing(lambda model: mlflow.log_metric("mine", 1))
    return model, lambda: len(mlflow.MlflowClient().get_metric_history(run.info.run_id, "mine"))


def of_a_board(path: Path) -> tuple[Any, Callable[[], int]]:
    board: Any = SummaryWriter(str(path / "events"))
    step = lambda model: (model.board.add_scalar("mine", 1), model.note("mine", 1))  # noqa: E731
    (events,) = (path / "events").iterdir()
    return writing(step, board=board, note=board.add_scalar), lambda: board.flush() or events.stat().st_size


def of_a_file(path: Path) -> tuple[Any, Callable[[], int]]:
    file: Any = (path / "kept.txt").open("w")
    OPENED.append(file)
    return writing(lambda model: model.file.write("one\n"), file=file), lambda: file.flush() or n_bytes(path / "kept.txt")


def of_a_file_that_grows(path: Path) -> tuple[Any, Callable[[], int]]:
    def write(model: Any) -> None:
        with (path / "grown.txt").open("a") as file:
            file.write("one\n")

    return writing(write), lambda: n_bytes(path / "grown.txt")


def of_a_global(path: Path) -> tuple[Any, Callable[[], int]]:
    ROWS.clear()
    return writing(lambda model: ROWS.append(1.0)), lambda: len(ROWS)


def of_a_metric(path: Path) -> tuple[Any, Callable[[], int]]:
    def halves(targets: Any, predictions: Any) -> Any:
        ROWS.append(1.0)
        return keras.ops.mean(predictions)

    ROWS.clear()
    model = net()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy", halves])
    return model, lambda: len(ROWS)


def n_bytes(path: Path) -> int:
    return path.stat().st_size


@on_backend("torch")  # the others run Python's side of a step once, when it is compiled
@pytest.mark.parametrize(
    "kind",
    [of_mlflow, of_a_board, of_a_file, of_a_file_that_grows, of_a_global, of_a_metric],
    ids=lambda kind: kind.__name__,
)
def test_a_writer_has_no_more_points_with_the_callback_than_without(
    kind: Any, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    counts = []
    for name, callbacks in {"bare": [], "tracked": [BiasVarianceCallback(train_data=TRAIN, test_data=DEV)]}.items():
        (tmp_path / name).mkdir()
        model, n = kind(tmp_path / name)
        fit(*callbacks, model=model)
        counts.append(n())
        mlflow.end_run()
    while OPENED:
        OPENED.pop().close()

    assert counts[0] == counts[1] > 0


@on_backend("torch")
def test_what_cannot_be_held_back_is_said_once(journals: Path, tmp_path: Path, said: list[str]) -> None:
    fit(BiasVarianceCallback(train_data=TRAIN), model=writing(lambda model: (tmp_path / "last.txt").write_text("1")))

    (message,) = said
    assert "last.txt" in message
    assert "train_eval='running'" in message
    said.clear()
    assert "bvtrack/train_error" in read_run(journals).metrics


class Endless(Batches):
    @property
    def num_batches(self) -> int | None:
        return None

    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index % super().__len__())


def endless_pipeline() -> Any:
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(TRAIN).batch(50).repeat()


def pipeline_of_unknown_length() -> Any:
    tf = pytest.importorskip("tensorflow")
    return endless_pipeline().filter(lambda x, y: tf.constant(value=True))


def shapeless_loader() -> Any:
    class Stream(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Any:
            while True:
                yield from zip(*TRAIN, strict=True)

    return torch.utils.data.DataLoader(Stream(), batch_size=50)


@pytest.mark.parametrize("data", [lambda: Endless(*TRAIN), endless_pipeline, pipeline_of_unknown_length, shapeless_loader])
def test_training_data_without_an_end_are_measured_on_as_much_as_an_epoch_has(journals: Path, data: Any) -> None:
    model = fit(BiasVarianceCallback(train_data=data(), at="last"), data=data(), steps_per_epoch=6).model

    assert read_run(journals).curve("bvtrack/train_error")[1] == error_of(model, TRAIN)


def test_an_error_of_the_users_own_is_measured_on_as_much_too(journals: Path) -> None:
    def wrong(predictions: Any, targets: Any) -> Any:
        return predictions.argmax(axis=1) != targets

    callback = BiasVarianceCallback(train_data=Endless(*TRAIN), dev_data=DEV, error=wrong, at="last")
    model = fit(callback, data=Endless(*TRAIN), steps_per_epoch=6).model

    assert read_run(journals).curve("bvtrack/train_error")[1] == error_of(model, TRAIN)


def test_other_data_without_an_end_are_not_measured_on_and_that_is_said(journals: Path, said: list[str]) -> None:
    fit(BiasVarianceCallback(train_data=TRAIN, dev_data=Endless(*DEV), test_data=Endless(*DEV)))

    (message,) = said
    assert "the test error is missing" in message
    assert "infinitely many batches" in message
    said.clear()
    assert {"bvtrack/train_error", "bvtrack/dev_error"} <= read_run(journals).metrics.keys()
    assert np.isfinite(read_run(journals).metrics["bvtrack/dev_error"])
