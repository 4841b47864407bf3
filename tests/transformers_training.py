"""What the tests of the callback for transformers share: tiny models of two layers, token sequences, and trainings on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EvalPrediction,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from bvtrack_transformers import BiasVarianceCallback

torch.set_num_threads(1)

TINY = {"vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def sequences(n: int, seed: int, *, n_tokens: int = 6) -> Dataset:
    """Sequences `[n, n_tokens]` with two classes and a column that no model takes; a tenth of the labels is noise."""
    generator = np.random.default_rng(seed)
    tokens = generator.integers(2, 32, size=(n, n_tokens))
    labels = (tokens[:, 0] + tokens[:, 1] > 32) ^ (generator.random(n) < 0.1)
    return Dataset.from_dict({"input_ids": tokens.tolist(), "labels": labels.astype(int).tolist(), "comment": ["unused"] * n})


TRAIN, DEV, TEST = sequences(120, 0), sequences(70, 1), sequences(50, 2)


def classifier() -> BertForSequenceClassification:
    """Always the same weights, with dropout."""
    set_seed(0)
    return BertForSequenceClassification(BertConfig(**TINY, max_position_embeddings=16, num_labels=2))


def language_model() -> GPT2LMHeadModel:
    set_seed(0)
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
    )


def accuracy(predicted: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((predicted.predictions.argmax(axis=-1) == predicted.label_ids).mean())}


def arguments(folder: Path, **options: Any) -> TrainingArguments:
    """Of a quiet training of three epochs of 20 examples a batch, evaluated and not saved."""
    quiet = {"disable_tqdm": True, "report_to": "none", "save_strategy": "no", "use_cpu": True, "logging_strategy": "epoch"}
    chosen = {
        "num_train_epochs": 3,
        "per_device_train_batch_size": 20,
        "per_device_eval_batch_size": 32,
        "learning_rate": 0.01,
        "eval_strategy": "epoch",
    }
    return TrainingArguments(output_dir=str(folder / "out"), **{**quiet, **chosen, **options})


def new_trainer(folder: Path, *callbacks: Any, kind: type[Trainer] = Trainer, **options: Any) -> Trainer:
    """A Trainer of the classifier; what its arguments know is theirs."""
    own = ("model", "train_dataset", "eval_dataset", "compute_metrics", "data_collator", "preprocess_logits_for_metrics")
    chosen = {name: options.pop(name) for name in own if name in options}
    defaults = {"train_dataset": TRAIN, "eval_dataset": DEV, "compute_metrics": accuracy}
    model = chosen.pop("model", None) or classifier()
    return kind(model=model, args=arguments(folder, **options), callbacks=list(callbacks), **{**defaults, **chosen})


def tracked(trainer: Trainer, **options: Any) -> BiasVarianceCallback:
    callback = BiasVarianceCallback(trainer, **options)
    trainer.add_callback(callback)
    return callback


def error_of(model: Any, data: Dataset) -> float:
    """The share of a set's examples that a model gets wrong, in eval mode."""
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor(data["input_ids"])).logits
    return float((logits.argmax(dim=-1) != torch.tensor(data["labels"])).float().mean())


class Keeping(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read
    """Keeps the weights at each evaluation, by step, and the names of all events in their order."""

    def __init__(self) -> None:
        self.weights: dict[int, dict[str, torch.Tensor]] = {}
        self.events: list[str] = []

    def on_evaluate(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        self.weights[state.global_step] = {name: one.clone() for name, one in known["model"].state_dict().items()}
        self.events.append("evaluate")

    def on_log(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        self.events.append("log")

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any, **known: Any) -> None:
        self.events.append("predict")

    def on_prediction_step(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        self.events.append("prediction_step")

    def on_save(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        self.events.append("save")


def error_at(kept: Keeping, step: int, data: Dataset) -> float:
    """The error of a set by the weights that were kept at a step."""
    model = classifier()
    model.load_state_dict(kept.weights[step])
    return error_of(model, data)


def untimed(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """A Trainer's log history without what no two trainings share."""
    timed = ("_runtime", "_per_second")
    return [{name: value for name, value in entry.items() if not name.endswith(timed)} for entry in history]
