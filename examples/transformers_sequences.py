"""Sequences of tokens: a small transformer of two layers that learns them by heart, diagnosed in every epoch."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import numpy as np
from datasets import Dataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EvalPrediction,
    Trainer,
    TrainingArguments,
    set_seed,
)

from bvtrack_transformers import BiasVarianceCallback


def sequences(n: int, seed: int) -> Dataset:
    """Eight tokens each; the class is whether the first is larger than the second, but for a fifth that is noise."""
    generator = np.random.default_rng(seed)
    tokens = generator.integers(2, 64, size=(n, 8))
    classes = (tokens[:, 0] > tokens[:, 1]) ^ (generator.random(n) < 0.2)
    return Dataset.from_dict({"input_ids": tokens.tolist(), "labels": classes.astype(int).tolist()})


def accuracy(predicted: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((predicted.predictions.argmax(axis=-1) == predicted.label_ids).mean())}


def main() -> None:
    set_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertForSequenceClassification(BertConfig(vocab_size=64, max_position_embeddings=16, num_labels=2, **sizes))
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=15,
            learning_rate=0.005,
            per_device_train_batch_size=20,
            per_device_eval_batch_size=100,
            eval_strategy="epoch",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = Trainer(
            model, arguments, train_dataset=sequences(120, 0), eval_dataset=sequences(300, 1), compute_metrics=accuracy
        )
        callback = BiasVarianceCallback(trainer, test_dataset=sequences(300, 2), human_error=0.2)
        trainer.add_callback(callback)
        trainer.train()

    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert "high_variance" in callback.tracker.diagnosis.tag
    print(callback.tracker.diagnosis.explanation)
    for step in callback.tracker.steps:
        print(f"- {step.title}: {step.why}")


if __name__ == "__main__":
    main()
