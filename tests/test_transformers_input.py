"""What the callback for transformers says of input that it cannot use: one sentence, and the training goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("datasets")

from journal_runs import read_run
from torch.utils.data import Dataset, IterableDataset
from transformers_training import DEV, TEST, TRAIN, accuracy, arguments, new_trainer, tracked

from bvtrack_transformers import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers and torch warn of their own future


class Stream(IterableDataset[Any]):
    """Examples one after the other, of which none can be picked."""

    def __init__(self, rows: Any, n: int) -> None:
        self.rows, self.n = rows, n

    def __iter__(self) -> Iterator[Any]:
        for place in range(self.n):
            row = self.rows[place]
            yield {"input_ids": row["input_ids"], "labels": row["labels"]}


def test_without_an_eval_set_it_is_said_that_variance_is_not_known(journals: Path, tmp_path: Path, said: list[str]) -> None:
    trainer = new_trainer(tmp_path, eval_dataset=None, eval_strategy="no")
    tracked(trainer)
    trainer.train()

    (warning,) = said
    assert "expected a dev set to measure the dev error on, got none" in warning
    assert "pass eval_dataset= to the Trainer" in warning
    said.clear()
    run = read_run(journals)
    assert list(run.curve("bvtrack/train_error")) == [0, 1, 2]
    assert trainer.state.global_step == 18


def test_of_a_stream_the_running_train_error_stands_in(journals: Path, tmp_path: Path, said: list[str]) -> None:
    trainer = new_trainer(tmp_path, train_dataset=Stream(TRAIN, 120), max_steps=12, compute_metrics=None)
    tracked(trainer)
    trainer.train()

    (warning,) = said
    assert "got Stream: the train error is the running average" in warning
    said.clear()
    assert "train error: running" in read_run(journals).tags["bvtrack.measure"] or read_run(journals).curve(
        "bvtrack/train_error"
    )


def test_of_a_stream_the_train_error_is_measured_on_the_examples_given(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, train_dataset=Stream(TRAIN, 120), max_steps=12)
    tracked(trainer, train_eval_dataset=Stream(TRAIN, 30))
    trainer.train()
    run = read_run(journals)

    assert list(run.curve("bvtrack/train_error")) == list(run.curve("bvtrack/dev_error")) == [0, 1]
    assert '"n":{"train":30,"dev":70}' in run.tags["bvtrack.gaps"]


def of_each_class(predicted: Any) -> dict[str, Any]:
    right = predicted.predictions.argmax(axis=-1) == predicted.label_ids
    return {"recalls": np.array([right[predicted.label_ids == one].mean() for one in (0, 1)]), **accuracy(predicted)}


def as_tensor(predicted: Any) -> dict[str, Any]:
    return {"accuracy": torch.tensor(accuracy(predicted)["accuracy"])}


def test_a_metric_that_is_a_tensor_counts_and_one_that_is_a_vector_is_left_out(
    journals: Path, tmp_path: Path, said: list[str]
) -> None:
    for compute in (as_tensor, of_each_class):
        trainer = new_trainer(tmp_path, compute_metrics=compute, num_train_epochs=2)
        tracked(trainer)
        trainer.train()

        assert read_run(journals).tags["bvtrack.measure"] == "1 - eval_accuracy"
    (warning,) = said
    assert "eval_recalls has 2 values and is left out" in warning
    said.clear()


@pytest.mark.parametrize("is_same", [True, False])
def test_of_two_callbacks_the_first_does_the_work(
    is_same: bool, journals: Path, tmp_path: Path, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    trainer = new_trainer(tmp_path)
    first = tracked(trainer)
    second = first if is_same else tracked(trainer)
    if is_same:
        trainer.add_callback(first)
    trainer.train()

    (warning,) = said
    assert "expected one BiasVarianceCallback in a training, got 2" in warning
    said.clear()
    assert second is first or second.tracker is None
    assert len(list((tmp_path / "journals").glob("*/"))) == 1
    assert list(read_run(journals).curve("bvtrack/dev_error")) == [0, 1, 2]


def test_a_callback_of_another_trainer_says_so(journals: Path, tmp_path: Path, said: list[str]) -> None:
    trainer, other = new_trainer(tmp_path), new_trainer(tmp_path)
    callback = BiasVarianceCallback(other)
    trainer.add_callback(callback)
    trainer.train()

    assert "expected a BiasVarianceCallback of the trainer that it is added to" in said.pop()
    assert callback.tracker is None


class Broken(Dataset[Any]):
    """Some examples of which cannot be read."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, place: int) -> Any:
        if place > 20:
            raise OSError("bad sector")
        return {"input_ids": TEST[int(place)]["input_ids"], "labels": TEST[int(place)]["labels"]}


def test_a_test_set_that_cannot_be_read_costs_the_test_error_alone(journals: Path, tmp_path: Path, said: list[str]) -> None:
    trainer = new_trainer(tmp_path)
    tracked(trainer, test_dataset=Broken())
    trainer.train()

    assert any("the test error is missing" in warning and "bad sector" in warning for warning in said)
    said.clear()
    run = read_run(journals)
    assert list(run.curve("bvtrack/train_error")) == [0, 1, 2]
    assert run.curve("bvtrack/test_error") == {}


def test_a_metric_that_was_named_and_is_not_logged_is_said(journals: Path, tmp_path: Path, said: list[str]) -> None:
    trainer = new_trainer(tmp_path)
    tracked(trainer, measure="eval_f1")
    trainer.train()

    assert "no metric named 'eval_f1' was logged" in said.pop()
    assert trainer.state.global_step == 18


def test_a_training_too_short_for_an_evaluation_says_so(journals: Path, tmp_path: Path, said: list[str]) -> None:
    trainer = new_trainer(tmp_path, eval_delay=100)
    tracked(trainer)
    trainer.train()

    assert "got none in 18 steps" in said.pop()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"train_eval": 0}, "train_eval must be"),
        ({"test_every": -1}, "test_every must be"),
        ({"error": 3}, "error= must be a function"),
        ({"error": accuracy, "measure": "eval_accuracy"}, "only one of the two"),
    ],
)
def test_an_option_that_is_none_raises_before_the_training(options: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=sentence):
        BiasVarianceCallback(new_trainer(tmp_path), **options)


def test_a_disabled_callback_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_DISABLED", "1")
    trainer = new_trainer(tmp_path, num_train_epochs=1)
    callback = tracked(trainer)
    trainer.train()
    trainer.predict(DEV)

    assert callback.tracker is None
    assert not (tmp_path / "journals").exists()


def test_arguments_are_left_as_they_were(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, num_train_epochs=1)
    tracked(trainer)
    trainer.train()

    assert trainer.args.to_dict().keys() == arguments(tmp_path).to_dict().keys()
