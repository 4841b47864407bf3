"""A training with transformers is bit for bit the same with and without the callback."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("datasets")

from torch.utils.data import Dataset
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    Trainer,
)
from transformers_training import DEV, TEST, TRAIN, Keeping, new_trainer, tracked, untimed

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers and torch warn of their own future


class Noisy(Dataset[Any]):
    """Draws on every random state there is whenever an example is read, and counts how often."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.own = np.random.default_rng(5)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        row = self.rows[int(place)]
        tokens = list(row["input_ids"])
        if random.random() < 0.2 or np.random.rand() < 0.2 or torch.rand(()) < 0.2 or self.own.random() < 0.2:
            tokens[0] = 1
        return {"input_ids": tokens, "labels": row["labels"]}


class Counting(Trainer):  # type: ignore[misc]  # of transformers no type is read
    """A Trainer of the user's own that keeps what it computes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.n_losses = 0
        self.losses: dict[str, list[float]] = {"train": [], "eval": []}
        super().__init__(*args, **options)

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True)
        self.n_losses += 1
        self.losses["train" if model.training else "eval"].append(float(loss))
        return (loss, outputs) if return_outputs else loss


class Stateful:
    """Metrics over batches, as `batch_eval_metrics` has them."""

    def __init__(self) -> None:
        self.right: list[float] = []
        self.n_calls = 0

    def __call__(self, predicted: EvalPrediction, compute_result: bool = True) -> dict[str, float]:
        self.n_calls += 1
        self.right += (predicted.predictions.argmax(-1) == predicted.label_ids).float().tolist()
        if not compute_result:
            return {}
        found, self.right = {"accuracy": float(np.mean(self.right))}, []
        return found


def train(folder: Path, *, is_tracked: bool, kind: type[Trainer] = Trainer, test: Any = TEST, **options: Any) -> dict[str, Any]:
    """Everything that a user of a training can see, of one with and one without the callback."""
    folder.mkdir()
    kept = Keeping()
    trainer = new_trainer(folder, kept, kind=kind, **options)
    if is_tracked:
        tracked(trainer, test_dataset=test)
    trainer.train()
    saved = {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for path in (folder / "out").rglob("*")
        if path.suffix in (".safetensors", ".pth", ".pt") and path.name not in ("training_args.bin",)
    }
    return {
        "weights": {name: one.tolist() for name, one in trainer.model.state_dict().items()},
        "history": untimed(trainer.state.log_history),
        "events": kept.events,
        "best": (trainer.state.best_metric, trainer.state.best_global_step, trainer.state.global_step),
        "saved": saved,
        "draws": (random.random(), np.random.rand(), float(torch.rand(()))),
        "own": {name: getattr(trainer, name, None) for name in ("n_losses", "losses")},
        "metrics": vars(trainer.compute_metrics),
        "modes": [part.training for part in trainer.model.modules()],
        "attributes": set(vars(trainer)),
    }


WAYS: Mapping[str, dict[str, Any]] = {
    "plain": {"save_strategy": "epoch"},
    "random data": {"train_dataset": Noisy(TRAIN), "eval_dataset": Noisy(DEV), "test": Noisy(TEST)},
    "workers": {
        "train_dataset": Noisy(TRAIN),
        "eval_dataset": Noisy(DEV),
        "test": Noisy(TEST),
        "dataloader_num_workers": 1,
        "num_train_epochs": 2,
    },
    "steps": {
        "eval_strategy": "steps",
        "eval_steps": 4,
        "save_strategy": "steps",
        "save_steps": 4,
        "eval_on_start": True,
        "load_best_model_at_end": True,
        "metric_for_best_model": "accuracy",
    },
    "no evaluation": {"eval_strategy": "no", "save_strategy": "epoch"},
    "accumulation": {"gradient_accumulation_steps": 4, "logging_strategy": "steps", "logging_steps": 1},
    "own trainer": {"kind": Counting},
    "metrics by batch": {"batch_eval_metrics": True},
    "schedule by metric": {"lr_scheduler_type": "reduce_lr_on_plateau", "metric_for_best_model": "loss"},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_training_is_the_same_with_and_without_the_callback(way: str, journals: Path, tmp_path: Path) -> None:
    seen = []
    for is_tracked in (False, True):
        options = dict(WAYS[way])
        if way == "metrics by batch":
            options["compute_metrics"] = Stateful()
        for data in options.values():
            if isinstance(data, Noisy):
                data.own = np.random.default_rng(5)
        seen.append(train(tmp_path / str(is_tracked), is_tracked=is_tracked, **options))
    bare, ours = seen

    for name, value in bare.items():
        assert ours[name] == value, name


def test_early_stopping_counts_its_own_evaluations_alone(journals: Path, tmp_path: Path) -> None:
    steps = []
    for is_tracked in (False, True):
        folder = tmp_path / str(is_tracked)
        trainer = new_trainer(
            folder,
            EarlyStoppingCallback(1),
            learning_rate=0.1,
            num_train_epochs=8,
            save_strategy="epoch",
            load_best_model_at_end=True,
            metric_for_best_model="accuracy",
        )
        if is_tracked:
            tracked(trainer, test_dataset=TEST)
        trainer.train()
        steps.append((trainer.state.global_step, trainer.state.best_global_step))

    assert steps[0] == steps[1]
    assert steps[0][0] < 48
