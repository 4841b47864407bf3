"""TRL's trainers, which build on transformers' one, with what they log of tokens and of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from datasets import Dataset
from journal_runs import read_run
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, set_seed
from transformers_training import untimed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from bvtrack import Measure
from bvtrack_transformers import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # TRL and torch warn of their own future

WORDS = ["the", "a", "cat", "dog", "bird", "sees", "hears", "likes", "old", "young", "and"]


def tokenizer() -> PreTrainedTokenizerFast:
    names = ["<pad>", "<eos>", "<unk>", *WORDS]
    words = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def sentence(place: int, seed: int) -> str:
    return " ".join(WORDS[(place * step + seed) % len(WORDS)] for step in range(1, 7))


def texts(n: int, seed: int) -> Dataset:
    return Dataset.from_dict({"text": [sentence(place, seed) for place in range(n)]})


def model() -> GPT2LMHeadModel:
    set_seed(0)
    sizes = {"n_positions": 32, "n_embd": 16, "n_layer": 2, "n_head": 2}
    return GPT2LMHeadModel(GPT2Config(vocab_size=3 + len(WORDS), bos_token_id=1, eos_token_id=1, pad_token_id=0, **sizes))


def options(folder: Path) -> dict[str, Any]:
    return {
        "output_dir": str(folder),
        "num_train_epochs": 2,
        "per_device_train_batch_size": 8,
        "per_device_eval_batch_size": 8,
        "learning_rate": 0.01,
        "eval_strategy": "epoch",
        "logging_strategy": "epoch",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "bf16": False,
    }


def supervised(folder: Path) -> SFTTrainer:
    args = SFTConfig(**options(folder), max_length=16)
    data = {"train_dataset": texts(40, 0), "eval_dataset": texts(20, 3)}
    return SFTTrainer(model=model(), args=args, processing_class=tokenizer(), **data)


def test_the_token_accuracy_that_trl_logs_is_the_measure_and_its_logs_stay_as_they_are(journals: Path, tmp_path: Path) -> None:
    bare = supervised(tmp_path / "bare")
    bare.train()
    trainer = supervised(tmp_path / "ours")
    trainer.add_callback(BiasVarianceCallback(trainer))
    trainer.train()
    run = read_run(journals)
    logged = [entry["eval_mean_token_accuracy"] for entry in trainer.state.log_history if "eval_loss" in entry]

    assert untimed(trainer.state.log_history) == untimed(bare.state.log_history)
    assert run.tags["bvtrack.measure"] == "1 - eval_mean_token_accuracy"
    assert list(run.curve("bvtrack/dev_error").values()) == pytest.approx([1 - value for value in logged])
    expected = 1 - trainer.evaluate(trainer.train_dataset)["eval_mean_token_accuracy"]
    assert run.curve("bvtrack/train_error")[1] == pytest.approx(expected)


def test_the_error_of_preferences_is_the_share_of_pairs_that_are_ranked_wrong(journals: Path, tmp_path: Path) -> None:
    pairs = {
        name: [{"prompt": "the old", "chosen": sentence(place, 1), "rejected": sentence(place, 5)} for place in range(n)]
        for name, n in {"train": 24, "dev": 16}.items()
    }
    args = DPOConfig(**options(tmp_path), max_length=24)
    data = {"train_dataset": Dataset.from_list(pairs["train"]), "eval_dataset": Dataset.from_list(pairs["dev"])}
    trainer = DPOTrainer(model=model(), ref_model=model(), args=args, processing_class=tokenizer(), **data)
    trainer.add_callback(BiasVarianceCallback(trainer, measure=Measure("eval_rewards/accuracies", higher_is_better=True)))
    trainer.train()
    run = read_run(journals)

    assert run.tags["bvtrack.measure"].startswith("1 - eval_rewards/accuracies")
    logged = [entry["eval_rewards/accuracies"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert list(run.curve("bvtrack/dev_error").values()) == pytest.approx([1 - value for value in logged])
    assert list(run.curve("bvtrack/train_error")) == [0, 1]
